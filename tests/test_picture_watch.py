"""Pictures in which there is nothing are told from a scene in which nothing moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from recordings import numbered

from pynvr.media.frame import Image
from pynvr.service.picture_watch import PictureWatch

FPS = 10


def black() -> Iterator[Image]:
    rng = np.random.default_rng(1)
    while True:
        yield rng.integers(0, 8, (120, 160, 3), np.uint8)


def same() -> Iterator[Image]:
    while True:
        yield numbered(7)


def moving() -> Iterator[Image]:
    number = 0
    while True:
        yield numbered(number)
        number += 1


def night() -> Iterator[Image]:
    """Dark, but for the camera's noise."""
    rng = np.random.default_rng(1)
    while True:
        yield rng.integers(0, 20, (120, 160, 3), np.uint8)


def see(watch: PictureWatch, pictures: Iterator[Image], seconds: float, start: float = 0.0) -> None:
    for index in range(round(seconds * FPS)):
        watch.see(next(pictures), start + index / FPS)


@pytest.mark.parametrize(
    ("pictures", "fault"), [(black, "black"), (same, "all the same"), (moving, None), (night, None)]
)
def test_what_is_wrong_is_seen_after_ten_seconds(pictures: object, fault: str | None) -> None:
    watch, scene = PictureWatch(), pictures()  # type: ignore[operator]
    see(watch, scene, 9.5)
    assert watch.fault is None
    see(watch, scene, 2, start=9.5)
    assert watch.fault == fault
    see(watch, moving(), 1.5, start=11.5)
    assert watch.fault is None


def test_grey_pictures_and_odd_sizes_will_do() -> None:
    watch = PictureWatch()
    for time in range(12):
        watch.see(np.full((1, 3), 90, np.uint8), time)
    assert watch.fault == "all the same"
    watch.see(np.full((480, 640), 90, np.uint8), 13)  # another size
    assert watch.fault is None


def test_a_gap_begins_anew() -> None:
    watch = PictureWatch()
    see(watch, same(), 20)
    watch.reset()
    assert watch.fault is None
    see(watch, same(), 9)  # whose times may begin anew
    assert watch.fault is None
