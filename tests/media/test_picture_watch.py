"""Pictures in which there is nothing are told from a scene in which nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import cast

import numpy as np
import pytest
from recordings import frame, numbered

from pynvr.check import first_frame
from pynvr.errors import CameraError
from pynvr.media.frame import Frame, Gap, Image
from pynvr.media.picture_watch import PictureWatch
from pynvr.sources.base import Source

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


def test_times_that_begin_anew_are_waited_for() -> None:
    watch = PictureWatch()
    see(watch, moving(), 20)
    see(watch, same(), 9)
    assert watch.fault is None


class LiveCamera:
    """Gives such pictures, ten a second by their times, for twenty seconds."""

    name, live = "test", True

    def __init__(self, pictures: Iterator[Image]) -> None:
        self._pictures = pictures
        self.given = 0

    def __iter__(self) -> Iterator[Frame | Gap]:
        for number in range(200):
            self.given += 1
            yield Gap("away") if number == 50 else frame(number, number / 10, next(self._pictures))


@pytest.mark.parametrize(("pictures", "fault"), [(black, "black"), (same, "all the same")])
def test_check_fails_on_a_camera_that_shows_nothing(pictures: object, fault: str) -> None:
    camera = LiveCamera(pictures())  # type: ignore[operator]
    with pytest.raises(CameraError, match=f"{fault} for 1[01] s"):
        first_frame(cast(Source, camera))
    assert 100 <= camera.given <= 112


@pytest.mark.parametrize("pictures", [moving, night])
def test_check_takes_no_longer_with_any_other(pictures: object) -> None:
    camera = LiveCamera(pictures())  # type: ignore[operator]
    assert first_frame(cast(Source, camera)).index == 1
    assert camera.given == 2


def test_a_new_connection_is_no_other_picture() -> None:
    """It shows the same as before, but begins with another key picture."""
    scene = chain(islice(same(), 50), (image + np.uint8(1) for image in same()))
    with pytest.raises(CameraError, match=r"all the same for 1. s"):
        first_frame(cast(Source, LiveCamera(scene)))


def test_check_waits_for_a_camera_that_begins_black() -> None:
    camera = LiveCamera(chain(islice(black(), 30), moving()))
    assert first_frame(cast(Source, camera)).index == 30
