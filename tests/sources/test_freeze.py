"""A picture that stays the same for ever: drawn so, or OpenCV fails to show the others."""

from __future__ import annotations

import numpy as np
import pytest

from pynvr.sources.freeze import Freeze

FPS = 10


def looks(
    freeze: Freeze, seconds: float, noisy: bool = False, fps: float = FPS, start: float = 0
) -> list[float]:
    """When to look at what the camera sends, in whole seconds, while it sends for so long."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (120, 160, 3), np.uint8)
    found = []
    for number in range(round(seconds * fps)):
        if noisy:
            image[rng.integers(120, size=60)] ^= 1
        if freeze.sees(image, start + number / fps):
            found.append(round(start + number / fps))
    return found


def test_a_camera_whose_picture_stays_the_same_is_looked_at_now_and_then() -> None:
    assert looks(Freeze(), 1300) == [5, 605, 1205]


def test_noise_is_no_freeze() -> None:
    assert looks(Freeze(), 60, noisy=True) == []


@pytest.mark.parametrize(("fps", "first"), [(1, 10), (30, 5)])
def test_so_many_pictures_and_so_many_seconds(fps: float, first: int) -> None:
    assert looks(Freeze(), 20, fps=fps) == [first]


def test_memory_that_is_used_again_is_no_freeze() -> None:
    """The caller decodes into the same array."""
    freeze, image = Freeze(), np.zeros((120, 160, 3), np.uint8)
    for number in range(200):
        image[:] = number
        assert not freeze.sees(image, number / FPS)
