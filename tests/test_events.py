"""The event rule, as tables and against a plain model of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynvr.events import Change, MotionEvents

NONE, STARTED, PROLONGED, ENDED = Change.NONE, Change.STARTED, Change.PROLONGED, Change.ENDED
DAY = 86400.0


def changes(events: MotionEvents, course: Sequence[tuple[float, bool]]) -> list[Change]:
    return [events.update(time, motion) for time, motion in course]


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        pytest.param([(0, False), (1, False)], [NONE, NONE], id="nothing"),
        pytest.param([(0, True), (1, False), (10, False)], [STARTED, NONE, NONE], id="held"),
        pytest.param([(0, True), (10, False), (10.001, False)], [STARTED, NONE, ENDED], id="just over"),
        pytest.param([(0, True), (10.0004, False)], [STARTED, NONE], id="rounding is no time"),
        pytest.param([(0, True), (10, True), (20, False)], [STARTED, PROLONGED, NONE], id="prolonged"),
        pytest.param([(0, True), (10.1, True)], [STARTED, STARTED], id="expired and at once again"),
        pytest.param([(0, True), (11, False), (12, False)], [STARTED, ENDED, NONE], id="ends once"),
        pytest.param([(0, True), (11, False), (12, True)], [STARTED, ENDED, STARTED], id="again"),
        pytest.param([(0, False), (60, True), (120, False)], [NONE, STARTED, ENDED], id="1 frame a minute"),
        pytest.param([(-3, True), (7, False), (7.5, False)], [STARTED, NONE, ENDED], id="negative times"),
        pytest.param(
            [(3650 * DAY, True), (3650 * DAY + 10, False), (3650 * DAY + 10.05, False)],
            [STARTED, NONE, ENDED],
            id="ten years",
        ),
    ],
)
def test_hold_of_ten_seconds(course: list[tuple[float, bool]], expected: list[Change]) -> None:
    assert changes(MotionEvents(10), course) == expected


@pytest.mark.parametrize("fps", [0.5, 1, 7, 25, 29.97, 240])
def test_last_frame_held_is_the_latest_within_the_hold(fps: float) -> None:
    times = [round(index * 1000 / fps) / 1000 for index in range(round(fps * 30) + 2)]
    trigger = next(time for time in times if time >= 5)
    events = MotionEvents(10)
    found = {time: events.update(time, time == trigger) for time in times}
    (end,) = [time for time, change in found.items() if change is ENDED]
    assert end == min(time for time in times if time > trigger + 10.0005)


@pytest.mark.parametrize("hold_s", [0, 0.01])
def test_without_a_hold_a_run_of_motion_is_one_event(hold_s: float) -> None:
    course = [(0.0, True), (0.1, True), (0.2, True), (0.3, False), (0.4, True), (0.5, False), (9, True)]
    expected = [STARTED, PROLONGED, PROLONGED, ENDED, STARTED, ENDED, STARTED]
    assert changes(MotionEvents(hold_s), course) == expected


def test_motion_while_it_warms_up_is_ignored() -> None:
    events = MotionEvents(10, warm_up_s=5)
    course = [(100.0, True), (104.9, True), (105.0, True)]
    assert changes(events, course) == [NONE, NONE, STARTED]


def test_reset_ends_the_event_and_warms_up_again() -> None:
    events = MotionEvents(10, warm_up_s=5)
    changes(events, [(0.0, False), (6.0, True)])
    assert events.active
    events.reset()
    assert not events.active
    assert not events.armed(6.1)
    assert changes(events, [(6.1, True), (11.0, True), (11.1, True)]) == [NONE, NONE, STARTED]


def test_seconds_left_count_down() -> None:
    events = MotionEvents(10)
    assert events.hold_left(0) == 0
    events.update(1, True)
    assert [events.hold_left(time) for time in (1, 3.5, 11, 12)] == [10, 7.5, 0, 0]


def model(times: list[float], motions: list[bool], hold_s: float, warm_up_s: float) -> list[bool]:
    """Whether each frame belongs to an event: there was motion that counts, at most `hold_s` ago."""
    slack = 0.0005
    counted = [
        time
        for time, motion in zip(times, motions, strict=True)
        if motion and time - times[0] >= warm_up_s - slack
    ]
    return [any(0 <= time - moment <= hold_s + slack for moment in counted) for time in times]


@given(
    st.lists(st.tuples(st.integers(1, 4000), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 10000),
    st.integers(0, 6000),
)
def test_agrees_with_the_model(steps: list[tuple[int, bool]], hold_ms: int, warm_up_ms: int) -> None:
    times, now = [], 0
    for step_ms, _ in steps:
        now += step_ms
        times.append(now / 1000)
    motions = [motion for _, motion in steps]
    hold_s, warm_up_s = hold_ms / 1000, warm_up_ms / 1000
    events = MotionEvents(hold_s, warm_up_s)
    seen = changes(events, list(zip(times, motions, strict=True)))
    belongs = model(times, motions, hold_s, warm_up_s)
    active = False
    for change, expected in zip(seen, belongs, strict=True):
        # a start may follow an expired event directly; all else alternates
        assert change is not PROLONGED or active
        assert change is not ENDED or active
        active = {STARTED: True, PROLONGED: True, ENDED: False, NONE: active}[change]
        assert active == expected
    assert events.active == belongs[-1]
