"""What is drawn for people: the label, and the four stages in their places."""

from __future__ import annotations

import numpy as np
import pytest

from pynvr.demo.scene import DemoScene
from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import Detection
from pynvr.media.frame import Image
from pynvr.recording.label import draw_label
from pynvr.tuning import mosaic


def gray(size: tuple[int, int] = (640, 480)) -> Image:
    return np.full((size[1], size[0], 3), 90, np.uint8)


def label(hold_left_s: float) -> bytes:
    image = gray()
    draw_label(image, hold_left_s)
    return image.tobytes()


def test_label_shows_whole_seconds_rounded_up() -> None:
    assert label(10) == label(9.5) == label(9.01)
    assert label(9) == label(8.2) != label(9.5)
    assert label(9.0000001) == label(9)  # a difference of two times is never exact
    assert label(0) == label(-1) != label(0.5)


def test_label_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(mosaic.cv2, "putText", lambda image, text, *_: said.append(text))
    draw_label(gray(), 6.3)
    assert said == ["MOTION DETECTED [7]"]


@pytest.mark.parametrize("size", [(64, 48), (160, 120), (640, 480), (480, 640), (3840, 2160), (2000, 100)])
def test_label_is_red_and_fits_into_the_upper_left(size: tuple[int, int]) -> None:
    image = gray(size)
    draw_label(image, 10)
    rows, columns = np.nonzero((image != 90).any(axis=2))
    assert len(rows) > 0
    assert columns.min() < 0.1 * size[0]
    assert rows.max() < max(0.25 * size[1], 20)
    if size[0] >= 320:
        assert columns.max() < 0.95 * size[0]
    strongest = image[rows, columns][np.argmax(image[rows, columns, 2])]
    assert strongest[2] > 180
    assert strongest[:2].max() < 60


def test_mosaic_has_the_four_stages_in_their_places() -> None:
    scene = DemoScene((640, 480))
    detector = ClassicDetector()
    detector.detect(scene.render(7.0, 0))
    image = scene.render(7.4, 1)
    detection = detector.detect(image)
    before = image.copy()
    picture = mosaic.mosaic(image, detection, 5.0)
    height, width = detection.gray.shape
    assert picture.shape == (2 * height, 2 * width, 3)
    assert np.array_equal(image, before)
    source, difference = picture[:height, :width], picture[:height, width:]
    mask, contours = picture[height:, :width], picture[height:, width:]
    below = slice(height // 4, None)  # names and label are above
    assert np.array_equal(mask[below, :, 0], detection.mask[below])
    amplified = np.minimum(detection.difference[below].astype(int) * 4, 255)
    assert np.array_equal(difference[below, :, 0], amplified)
    green = (contours == mosaic.GREEN).all(axis=2)
    assert green.any()
    outside = ~green[below]
    assert np.array_equal(source[below][outside], contours[below][outside])
    red = (source.astype(int) - (0, 0, 255) == 0).all(axis=2)
    assert red[: height // 4].any()
    for pane in (source, difference, mask, contours):
        assert (pane[: height // 10, : width // 3] == 255).all(axis=2).any(), "its name"


def test_mosaic_without_an_event_has_no_label() -> None:
    scene = DemoScene((640, 480))
    image = scene.render(0, 0)
    detection = ClassicDetector().detect(image)
    assert not (mosaic.mosaic(image, detection) == mosaic.RED).all(axis=2).any()


def seen(score: float, motion: bool = False, blind: bool = False) -> Detection:
    empty = np.zeros((60, 80), np.uint8)
    return Detection(empty, empty, empty, 0, motion, score, 1500, blind)


def test_bar_grows_with_the_score() -> None:
    lengths = []
    for score in (0, 400, 1400, 2000, 1e6):
        image = gray()
        mosaic.draw_bar(image, seen(score, motion=score >= 1500))
        filled = (image == (mosaic.RED if score >= 1500 else mosaic.GREEN)).all(axis=2)
        lengths.append(int(filled.any(axis=0).sum()))
    assert lengths == sorted(set(lengths))
    assert lengths[0] == 0


@pytest.mark.parametrize(
    ("armed", "detection", "hold_left_s", "state"),
    [
        (False, seen(0), 0.0, "waiting"),
        (True, seen(0), 0.0, "armed"),
        (True, seen(2000, motion=True), 10.0, "motion"),
        (True, seen(0), 6.3, "hold 7 s"),
        (True, seen(0, blind=True), 0.0, "waiting for the light"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_state(armed: bool, detection: Detection, hold_left_s: float, state: str) -> None:
    assert mosaic.state_of(armed, detection, hold_left_s) == state
