"""A picture that stays the same for ever: the camera is connected anew, but not again and again."""

from __future__ import annotations

import numpy as np
import pytest

from pynvr.sources.freeze import Freeze

FPS = 10


def reconnects(
    freeze: Freeze, seconds: float, noisy: bool = False, fps: float = FPS, start: float = 0
) -> list[float]:
    """When the camera is connected anew, in whole seconds, while it sends for so long."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (120, 160, 3), np.uint8)
    found = []
    for number in range(round(seconds * fps)):
        if noisy:
            image[rng.integers(120, size=60)] ^= 1
        if freeze.sees(image, start + number / fps):
            found.append(round(start + number / fps))
    return found


def test_a_frozen_camera_is_connected_anew_with_growing_pauses() -> None:
    assert reconnects(Freeze(), 600) == [5, 65, 185, 425]


def test_after_a_day_without_a_freeze_the_first_pause_is_short_again() -> None:
    freeze = Freeze()
    assert reconnects(freeze, 100) == [5, 65]
    assert reconnects(freeze, 30, noisy=True, start=80_000) == []
    assert reconnects(freeze, 100, start=90_000) == [90_005, 90_065]


def test_noise_is_no_freeze() -> None:
    assert reconnects(Freeze(), 60, noisy=True) == []


@pytest.mark.parametrize(("fps", "first"), [(1, 10), (30, 5)])
def test_so_many_pictures_and_so_many_seconds(fps: float, first: int) -> None:
    assert reconnects(Freeze(), 20, fps=fps) == [first]


def test_memory_that_is_used_again_is_no_freeze() -> None:
    """The caller decodes into the same array."""
    freeze, image = Freeze(), np.zeros((120, 160, 3), np.uint8)
    for number in range(200):
        image[:] = number
        assert not freeze.sees(image, number / FPS)
