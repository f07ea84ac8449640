"""A stream's times on our clock: the true spacing, whatever the network does to the arrival."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynvr.sources.times.clock import LEAP_S, StreamClock

NOW = 5000.0
"""What the monotonic clock may show when the camera is connected."""


def place(stream: list[float], arrival: list[float]) -> list[float]:
    clock = StreamClock()
    return [clock.place(one, other) for one, other in zip(stream, arrival, strict=True)]


def steady(count: int, fps: float = 25.0, start: float = 0.0) -> list[float]:
    return [start + index / fps for index in range(count)]


def gaps(times: list[float]) -> list[float]:
    return [later - sooner for sooner, later in pairwise(times)]


@pytest.mark.parametrize("start", [0.0, -0.08, 1.4, 90000.0, 1.5e9])
def test_first_frame_is_at_its_arrival_and_the_others_at_their_spacing(start: float) -> None:
    stream = steady(100, start=start)
    times = place(stream, [NOW + time for time in steady(100)])
    assert times == pytest.approx([NOW + time for time in steady(100)], abs=1e-5)


def test_hiccup_and_burst_keep_the_spacing() -> None:
    """Frames 50 to 149 come together, up to four seconds late."""
    arrival = [NOW + (time if not 2 <= time < 6 else 6) for time in steady(300)]
    times = place(steady(300), arrival)
    assert gaps(times) == pytest.approx([0.04] * 299, abs=1e-6)
    assert times[-1] == pytest.approx(NOW + 299 / 25)


@given(st.lists(st.floats(0, LEAP_S - 0.01), min_size=1, max_size=200))
def test_jitter_does_not_show(delays: list[float]) -> None:
    stream = steady(len(delays))
    delays[0] = 0.0
    arrival = [NOW + time + delay for time, delay in zip(stream, delays, strict=True)]
    assert place(stream, arrival) == pytest.approx([NOW + time for time in stream], abs=1e-6)


def test_a_late_first_frame_puts_no_other_off() -> None:
    """The first one came 2 s late, the others in time: that is told, and they keep their distance."""
    clock, stream = StreamClock(), steady(50)
    arrival = [NOW + 2, *(NOW + time for time in stream[1:])]
    times = [clock.place(one, other) for one, other in zip(stream, arrival, strict=True)]
    assert gaps(times) == pytest.approx([0.04] * 49)
    assert clock.lag_s == pytest.approx(-2)


def test_packets_out_of_order_keep_their_spacing() -> None:
    clock = StreamClock()
    shown = [0.0, 0.12, 0.04, 0.08, 0.24, 0.16, 0.2]
    placed = [clock.place(time, 1000 + number / 25) for number, time in enumerate(shown)]
    assert placed == pytest.approx([1000 + time for time in shown])


def test_lag_tells_how_much_a_burst_put_a_stream_ahead() -> None:
    clock = StreamClock()
    for number in range(10):  # had waited
        clock.place(number / 25, 1000)
    for number in range(10, 300):
        clock.place(number / 25, 1000 + (number - 9) / 25)
    assert clock.lag_s == pytest.approx(-9 / 25)


def test_packets_keep_the_streams_spacing_while_it_drifts_from_the_clock() -> None:
    clock = StreamClock()
    times = [number / 25 for number in range(25 * 600)]
    placed = [clock.place(time, 1000 + time * 1.002) for time in times]
    assert placed == pytest.approx([1000 + time for time in times])
    assert clock.lag_s == pytest.approx(1.2, abs=0.03)


@pytest.mark.parametrize("leap", [-100.0, -1.0, 1.0, 1000.0, 3600.0])
def test_packets_of_a_camera_that_counts_anew_go_on(leap: float) -> None:
    clock = StreamClock()
    times = [number / 25 + (leap if number >= 50 else 0) for number in range(100)]
    placed = [clock.place(time, 1000 + number / 25) for number, time in enumerate(times)]
    assert placed == pytest.approx([1000 + number / 25 for number in range(100)], abs=0.01)


@pytest.mark.parametrize(("fps", "leap"), [(25, -0.55), (25, -0.57), (5, -0.75), (5, -0.85), (2, -1.2)])
def test_a_counter_set_back_by_little_makes_no_picture_late(fps: int, leap: float) -> None:
    """By more than a leap, and no more than a picture beyond it; packets were lost before and after."""
    clock = StreamClock()
    numbers = [number for number in range(200) if number not in (45, 46, 55)]
    times = [number / fps + (leap if number >= 50 else 0) for number in numbers]
    placed = [clock.place(time, 1000 + number / fps) for number, time in zip(numbers, times, strict=True)]
    assert placed == pytest.approx([1000 + number / fps for number in numbers], abs=0.01)


@pytest.mark.parametrize("leap", [-30.0, -1.4, -0.3, 0.3, 1.4, 30.0])
def test_one_packet_of_a_damaged_time_leaves_the_others_in_place(leap: float) -> None:
    clock = StreamClock()
    times = [number / 25 + (leap if number == 50 else 0) for number in range(200)]
    placed = [clock.place(time, 1000 + number / 25) for number, time in enumerate(times)]
    assert placed[51:] == pytest.approx([1000 + number / 25 for number in range(51, 200)], abs=0.01)


@pytest.mark.parametrize("leap", [-0.4, 0.4])
def test_a_damaged_time_does_not_make_the_others_look_late(leap: float) -> None:
    """Number 47 is the last of seven packets that were read together, and tells when the others came."""
    clock = StreamClock()
    for number in range(200):
        damage, early = leap if number == 47 else 0.0, leap if 41 <= number < 47 else 0.0
        clock.place(number / 25 + damage, 1000 + number / 25 - early)
        assert number < 75 or clock.lag_s == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("leap", [-30.0, -2.0, 2.0, 30.0])
def test_damaged_time_among_packets_that_make_up_for_a_delay(leap: float) -> None:
    """Packets 50 to 149 come together, the first of them 4 s late; number 60 has a damaged time."""
    clock = StreamClock()
    times = [number / 25 + (leap if number == 60 else 0) for number in range(300)]
    arrivals = [1000 + (6 if 50 <= number < 150 else number / 25) for number in range(300)]
    placed = [clock.place(time, now) for time, now in zip(times, arrivals, strict=True)]
    assert placed[61:] == pytest.approx([1000 + number / 25 for number in range(61, 300)])


def test_damaged_time_right_after_a_loss_leaves_the_gap() -> None:
    """Packets 50 to 99 never come, and the time of number 100 is damaged."""
    clock = StreamClock()
    numbers = [*range(50), *range(100, 200)]
    times = [0.0 if number == 100 else number / 25 for number in numbers]
    placed = [clock.place(time, 1000 + number / 25) for number, time in zip(numbers, times, strict=True)]
    assert placed[51:] == pytest.approx([1000 + number / 25 for number in numbers[51:]])


@given(st.floats(-5, 5), st.integers(0, 30), st.integers(0, 10), st.floats(0, 0.3))
def test_damaged_time_between_losses_leaves_the_others_in_place(
    leap: float, lost_before: int, lost_after: int, late_s: float
) -> None:
    """Packets of ten a second; one of a damaged time that came late has lost its neighbours."""
    clock = StreamClock()
    numbers = [*range(50), 50 + lost_before, *range(51 + lost_before + lost_after, 150)]
    times = [number / 10 + (leap if number == 50 + lost_before else 0) for number in numbers]
    arrivals = [1000 + number / 10 + (late_s if number == 50 + lost_before else 0) for number in numbers]
    placed = [clock.place(time, now) for time, now in zip(times, arrivals, strict=True)]
    assert placed[51:] == pytest.approx([1000 + number / 10 for number in numbers[51:]])


def test_packets_lost_after_a_hiccup_leave_their_gap() -> None:
    """Packet 50 comes 3 s late, the next 75 never, and the others in time."""
    clock = StreamClock()
    numbers = [*range(51), *range(126, 200)]
    arrivals = [1000 + number / 25 + (3 if number == 50 else 0) for number in numbers]
    placed = [clock.place(number / 25, now) for number, now in zip(numbers, arrivals, strict=True)]
    assert placed == pytest.approx([1000 + number / 25 for number in numbers])
