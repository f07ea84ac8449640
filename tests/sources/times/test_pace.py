"""Cameras whose clocks pass as they like: one second of what they see takes one second all the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import inf

import pytest

from pynvr.sources.times.burst import Burst, Reading
from pynvr.sources.times.clock import StreamClock
from pynvr.sources.times.pace import Pace

FPS = 25

CLOCKS: dict[str, tuple[Callable[[float], float], float]] = {
    "right": (lambda t: t, 1.0),
    "right, since 1970": (lambda t: t + 1.7e9, 1.0),
    "90 times too slow": (lambda t: t / 90, 90.0),
    "90 times too fast": (lambda t: t * 90, 1 / 90),
    "16 % too fast": (lambda t: t * 1.16, 1 / 1.16),
    "14 % too slow": (lambda t: t / 1.16, 1.16),
    "half as fast": (lambda t: t / 2, 2.0),
    "twice as fast": (lambda t: t * 2, 0.5),
    "5 % too fast": (lambda t: t * 1.05, 1 / 1.05),
    "stands still": (lambda _: 5.0, inf),
    "begins again each second": (lambda t: t % 1, inf),
    "begins again now and then": (lambda t: t % 4, 1.0),
    "leaps": (lambda t: t + (1000 if t > 9 else 0), 1.0),
    "stands still after a while": (lambda t: min(t, 8.0), inf),
}


def placed(
    times: list[float],
    stream: Callable[[float], float],
    clock: StreamClock,
    late: Callable[[float], float] = lambda _: 0.0,
    pace: Pace | None = None,
) -> list[float]:
    """When pictures of these true times are laid, if they come up to 10 ms late, or later."""
    dice, pace, found, previous = random.Random(1), pace or Pace(), [], 0.0
    burst: Burst[None] = Burst(pace, 10**6)

    def hand_over() -> None:
        for got, arrival in burst.take():
            found.append(clock.place(got.stream_s, arrival) if got.stream_s is not None else arrival)

    for true in times:
        arrival = max(true + 0.01 * dice.random() + late(true), previous + 1e-4)
        if burst.add(Reading(None, 1, stream(true)), arrival, arrival - previous, arrival - previous):
            hand_over()
        previous = arrival
    hand_over()
    return found


@pytest.mark.parametrize("name", CLOCKS)
def test_a_second_takes_a_second_whatever_the_cameras_clock_says(name: str) -> None:
    stream, factor = CLOCKS[name]
    pace, true = Pace(), [100 + number / FPS for number in range(40 * FPS)]
    found = placed(true, lambda t: stream(t - 100), StreamClock(), pace=pace)
    assert pace.factor == pytest.approx(factor, rel=0.01)
    assert (pace.found is None) == (factor == 1)
    off = [abs(found[number + FPS] - found[number] - 1) for number in range(len(found) - FPS)]
    # what is off by 5 % or stands still all at once has to be found out; until then the clocks go on
    assert max(off) < (1.0 if "while" in name else 0.06)
    assert max(off[10 * FPS :]) < 0.02
    assert max(abs(time - moment) for time, moment in zip(found, true, strict=True)) < 1.0


def test_the_pace_is_known_from_the_first_picture_on() -> None:
    """The pictures of the opening wait until it is."""
    true = [100 + number / FPS for number in range(10 * FPS)]
    found = placed(true, lambda t: t / 90, StreamClock())
    assert [time - found[0] for time in found] == pytest.approx([time - 100 for time in true], abs=0.1)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda t: max(0.0, 104 - t), id="four seconds at once at the beginning"),
        pytest.param(lambda t: max(0.0, 1.5 - (t - 100) * 0.6), id="a backlog over a slow wireless network"),
        pytest.param(lambda t: max(0.0, 0.4 - (t - 100) * 0.3), id="a server that makes up for lost time"),
        pytest.param(lambda t: 112 - t if 108 < t < 112 else 0.0, id="a hiccup"),
        pytest.param(lambda t: 2 - t % 2, id="two seconds at a time, as HLS does"),
        pytest.param(lambda t: (t - 120) * 0.3 if 120 < t < 124 else 0.0, id="a narrow network"),
    ],
)
def test_a_network_that_holds_pictures_back_is_not_taken_for_a_wrong_clock(
    late: Callable[[float], float],
) -> None:
    pace, true = Pace(), [100 + number / FPS for number in range(40 * FPS)]
    found = placed(true, lambda t: t, StreamClock(), late, pace)
    assert pace.factor == 1.0
    # the last burst of all is not followed by a picture that is live
    known = len(true) - 3 * FPS
    spacing = [time - found[0] for time in found]
    assert spacing[:known] == pytest.approx([time - 100 for time in true[:known]], abs=0.01)


def test_pictures_out_of_order_are_no_leaps() -> None:
    """With B-frames packets come in the order of decoding."""
    pace, order = Pace(), [0, 3, 1, 2]
    for number in range(30 * FPS):
        shown = (number // 4 * 4 + order[number % 4]) / FPS
        pace.note(shown / 2, 100 + number / FPS, 0.04)
    assert pace.factor == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("factor", [1.0, 90.0, 1.16])
def test_b_frames_that_are_sent_together_with_those_they_need(factor: float) -> None:
    """As a server did: a key frame every 12 pictures, the later picture before those that need it."""
    sent_ms = {
        0: 0,
        3: 0.1,
        2: 17,
        1: 120,
        6: 120.1,
        5: 135,
        4: 240,
        9: 240.1,
        8: 253,
        7: 320,
        11: 332,
        10: 378,
    }
    pace, previous = Pace(), 0.0
    for first in range(0, 8 * FPS, 12):
        for number, after_ms in sent_ms.items():
            arrival = first / FPS + after_ms / 1000
            pace.note((first + number) / FPS / factor, arrival, arrival - previous)
            previous = arrival
    assert pace.factor == pytest.approx(factor, rel=0.02)


def test_what_was_found_is_believed_of_the_next_connection_until_it_is_wrong() -> None:
    pace = Pace()
    placed([number / FPS for number in range(5 * FPS)], lambda t: t / 90, StreamClock(), pace=pace)
    pace.begin()
    assert not pace.judged
    assert pace.factor == pytest.approx(90, rel=0.01)
    placed([number / FPS for number in range(5 * FPS)], lambda t: t, StreamClock(), pace=pace)
    assert pace.factor == 1.0


@pytest.mark.parametrize("fps", [1, 2, 5, 60])
def test_pace_at_any_rate_of_pictures(fps: int) -> None:
    pace = Pace()
    placed([100 + number / fps for number in range(20 * fps)], lambda t: t / 2, StreamClock(), pace=pace)
    assert pace.factor == pytest.approx(2.0, rel=0.02)


def test_a_busy_machine_is_not_taken_for_a_wrong_clock() -> None:
    """In the first second everything comes later and later, and then now and then by 0.2 s."""
    dice, pace, previous = random.Random(3), Pace(), 0.0
    for number in range(30 * FPS):
        true = number / FPS
        arrival = max(previous + 1e-4, 100 + true + 0.15 * min(true, 1.5) + 0.1 * dice.random())
        pace.note(true, arrival, arrival - previous)
        previous = arrival
    assert pace.factor == 1.0
