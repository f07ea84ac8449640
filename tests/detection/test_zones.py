"""Masks and regions: which pixels they mean in a picture of any size, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pynvr.detection.classic import ClassicDetector
from pynvr.detection.from_settings import make_detector
from pynvr.detection.robust import RobustDetector
from pynvr.detection.zones import Zones, load_mask
from pynvr.errors import SettingsError
from pynvr.settings import Settings

MakeSettings = Callable[..., Settings]
LEFT = [[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]]


def test_without_mask_or_region_everything_is_looked_at() -> None:
    assert Zones().drawn(40, 30) is None
    assert not Zones()


@pytest.mark.parametrize("size", [(40, 30), (267, 150), (1920, 1080)])
def test_region_in_pictures_of_every_size(size: tuple[int, int]) -> None:
    drawn = Zones(None, LEFT).drawn(*size)
    assert drawn is not None
    assert drawn.shape == (size[1], size[0])
    assert (drawn[:, : size[0] // 2 - 1] == 255).all()
    assert (drawn[:, size[0] // 2 + 1 :] == 0).all()


def test_regions_add_up_and_a_mask_takes_away() -> None:
    right = [[(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]]
    both = Zones(None, LEFT + right).drawn(40, 30)
    assert both is not None
    assert (both == 255).all()
    mask = np.full((3, 4), 255, np.uint8)
    mask[0] = 0
    less = Zones(mask, LEFT).drawn(40, 30)
    assert less is not None
    assert (less[:9] == 0).all()
    assert (less[11:, :19] == 255).all()
    assert (less[:, 21:] == 0).all()


def test_mask_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), np.array([[0, 1], [128, 255]], np.uint8))
    assert load_mask(path).tolist() == [[0, 255], [255, 255]]


def test_white_mask_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), np.full((2, 2), 255, np.uint8))
    assert load_mask(path).all()


def test_opaque_mask_in_colours(tmp_path: Path) -> None:
    """As paint programs save it."""
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), np.array([[[0, 0, 0, 255], [255, 255, 255, 255]]], np.uint8))
    assert load_mask(path).tolist() == [[0, 255]]


ERASED = np.array([[[0, 0, 0, 255], [200, 200, 200, 0], [255, 255, 255, 255]]], np.uint8)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "not a picture"),
        (b"no picture", "not a picture"),
        (np.zeros((4, 4), np.uint8), "all black"),
        (np.full((4, 4), 9, np.uint8), "not quite black"),
        (ERASED, "transparent"),
    ],
)
def test_file_that_is_no_mask(tmp_path: Path, content: bytes | np.ndarray | None, said: str) -> None:
    path = tmp_path / "mask.png"
    if isinstance(content, np.ndarray):
        cv2.imwrite(str(path), content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=rf"MOTION_MASK = .*mask\.png.*{said}"):
        load_mask(path)


def test_settings_choose_detector_and_zones(make_settings: MakeSettings, tmp_path: Path) -> None:
    assert isinstance(make_detector(make_settings(MOTION_DETECTOR="classic")), ClassicDetector)
    assert isinstance(make_detector(make_settings(MOTION_DETECTOR="robust")), RobustDetector)
    with pytest.raises(SettingsError, match="No such file"):
        make_detector(make_settings(MOTION_MASK="none.png"))
    assert tmp_path / "project" / "none.png" == make_settings(MOTION_MASK="none.png").MOTION_MASK
    assert make_settings(MOTION_REGIONS=[[[0, 0], [1, 0], [1, 1]]]).MOTION_REGIONS == (
        ((0, 0), (1, 0), (1, 1)),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"MOTION_DETECTOR": "magic"},
        {"MOTION_REGIONS": [[(0, 0), (1, 1)]]},
        {"MOTION_REGIONS": [[(0, 0), (1, 1), (2, 0)]]},
        {"MOTION_REGIONS": "left"},
        {"GUARD_HABITS": -1},
        {"GUARD_DENSITY": 1},
    ],
    ids=str,
)
def test_wrong_settings(make_settings: MakeSettings, wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        make_settings(**wrong)
