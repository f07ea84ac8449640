"""A stream that comes in pieces is read at its own pace, and only a playlist's pieces can be missing."""

from __future__ import annotations

import pytest

from pynvr.sources.connection import Meter
from pynvr.sources.opening import LONGEST_HOLE_S

NOW = 5000.0


def holds(meter: Meter, times: list[float]) -> list[float]:
    """How long each picture is held back by a reader that always finds the next one there."""
    now, held = NOW, []
    for time in times:
        held.append(meter.wait_s(time, now))
        now += held[-1]
    return held


def steady(fps: float, seconds: float, start: float = 0.0) -> list[float]:
    return [start + number / fps for number in range(round(fps * seconds))]


@pytest.mark.parametrize("fps", [1.0, 25.0])
@pytest.mark.parametrize("hole_s", [2.0, 6.0, 20.0])
def test_a_hole_of_a_playlist_takes_its_time_and_is_told(fps: float, hole_s: float) -> None:
    meter = Meter(LONGEST_HOLE_S)
    held = holds(meter, steady(fps, 10) + steady(fps, 10, start=10 + hole_s))
    assert sum(held) == pytest.approx(20 + hole_s - 1 / fps)
    assert meter.missing_s == pytest.approx(hole_s if hole_s > 3 / fps else 0.0)


@pytest.mark.parametrize("leap", [3.0, 10.0, 3600.0])
def test_a_damaged_time_holds_up_no_stream_of_one_piece(leap: float) -> None:
    meter = Meter(0.0)
    times = steady(25, 10)
    times[100] += leap
    assert max(holds(meter, times)) < 0.1
    assert meter.missing_s == 0


def test_a_counter_that_is_set_is_no_hole() -> None:
    meter = Meter(LONGEST_HOLE_S)
    assert max(holds(meter, steady(25, 10) + steady(25, 10, start=3600))) < 0.1
    assert meter.missing_s == 0


def test_fewer_pictures_from_now_on_are_no_holes() -> None:
    meter = Meter(LONGEST_HOLE_S)
    holds(meter, steady(25, 10) + steady(1, 60, start=11))
    assert meter.missing_s < 1.1
