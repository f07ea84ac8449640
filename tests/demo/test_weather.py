"""The drawn scene's weather: exact truth, and bounds on what the detector makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from pynvr.demo import is_demo
from pynvr.demo.scene import CROSSING, CROSSING_BACK, DemoScene, Visit
from pynvr.demo.weather import KINDS, LAMP_OFF_S, LAMP_ON_S
from pynvr.detection.robust import RobustDetector
from pynvr.detection.zones import Zones
from pynvr.events import Change, MotionEvents

pytestmark = pytest.mark.slow

SIZE = (320, 240)
FPS = 10.0
HOLD_S = 10.0
CROSSINGS = (Visit(8.0, 4.5, CROSSING, 1.2), Visit(26.0, 4.5, CROSSING_BACK, 1.2))


def alarms(scene: DemoScene, seconds: float, zones: Zones | None = None) -> list[float]:
    detector = RobustDetector(zones=zones)
    times = [index / FPS for index in range(round(seconds * FPS))]
    return [t for index, t in enumerate(times) if detector.detect(scene.render(t, index), t).motion]


def recordings(found: list[float], seconds: float) -> list[tuple[float, float]]:
    """Trigger and end of each event that these alarms make."""
    events, made = MotionEvents(HOLD_S), []
    for index in range(round(seconds * FPS)):
        time_s = index / FPS
        change = events.update(time_s, time_s in found)
        if change is Change.STARTED:
            made.append((time_s, time_s))
        if events.active:
            made[-1] = made[-1][0], time_s
    return made


@pytest.mark.parametrize("name", KINDS)
def test_every_crossing_is_found_in_every_weather(name: str) -> None:
    scene = DemoScene(SIZE, visits=CROSSINGS, weather=(name,))
    found = alarms(scene, 32)
    for start_s, end_s in scene.motion_intervals:
        first = min((time_s for time_s in found if start_s <= time_s <= end_s), default=None)
        assert first is not None, f"the visit from {start_s} to {end_s} s is missed"
        assert first - start_s < 1.5


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"snow", "headlights"}))
def test_nobody_is_seen_where_nobody_is(name: str) -> None:
    found = alarms(DemoScene(SIZE, visits=(), weather=(name,)), 30)
    assert len(found) <= 0.1 * FPS


def test_beams_through_a_gate_are_motion_for_a_moment_only() -> None:
    """They sweep over the yard for 2.5 s, three times."""
    found = alarms(DemoScene(SIZE, visits=(), weather=("headlights",)), 30)
    assert len(found) <= 0.3 * FPS


@pytest.mark.parametrize("start_s", [5.5, 5.75, 6.0])
def test_who_moves_while_beams_sweep_elsewhere_is_seen_at_once(start_s: float) -> None:
    """A car's beams sweep over the yard from 4 to 6.5 s; the visitor comes in behind them."""
    scene = DemoScene(SIZE, visits=(Visit(start_s, 4.5, CROSSING, 1.2),), weather=("headlights",))
    visible_s = next(second for second in np.arange(start_s, start_s + 1, 0.01) if scene.figure_box(second))
    found = alarms(scene, start_s + 2)
    assert 0 <= min(found) - visible_s <= 0.35


def test_lamp_steps_make_at_most_one_recording_no_longer_than_the_hold() -> None:
    for names in (("lamp",), ("lamp", "rain"), ("lamp", "gain")):
        made = recordings(alarms(DemoScene(SIZE, visits=(), weather=names), 40), 40)
        assert len(made) <= 1
        assert all(end_s - start_s <= HOLD_S + 0.2 for start_s, end_s in made)


def test_masked_motion_makes_none() -> None:
    scene = DemoScene(SIZE, visits=CROSSINGS)
    sky = Zones(None, [[(0.0, 0.0), (1.0, 0.0), (1.0, 0.2), (0.0, 0.2)]])
    assert alarms(scene, 32, sky) == []


def test_weather_is_a_function_of_time_and_number() -> None:
    one, other = (DemoScene((160, 120), weather=tuple(KINDS)) for _ in range(2))
    for time_s, index in ((15.0, 300), (3.0, 60), (15.0, 300)):
        assert np.array_equal(one.render(time_s, index), other.render(time_s, index))
    assert not np.array_equal(one.render(15.0, 300), DemoScene((160, 120)).render(15.0, 300))


@pytest.mark.parametrize("name", KINDS)
def test_each_weather_changes_pictures_and_leaves_the_truth(name: str) -> None:
    plain, scene = DemoScene((160, 120)), DemoScene((160, 120), weather=(name,))
    assert any(
        not np.array_equal(plain.render(t, index), scene.render(t, index))
        for index, t in enumerate(np.arange(14.0, 17.0, 0.25))
    )
    assert scene.motion_intervals == plain.motion_intervals
    assert scene.figure_box(7.0) == plain.figure_box(7.0)


def test_truth_of_the_lamp() -> None:
    assert DemoScene((160, 120)).light_intervals == ()
    starts = [start_s for start_s, _ in DemoScene((160, 120), weather=("lamp",)).light_intervals]
    assert starts == [LAMP_ON_S, LAMP_OFF_S]


def test_unknown_weather() -> None:
    with pytest.raises(ValueError, match=r"hail.*there are water, balloon, table"):
        DemoScene((160, 120), weather=("rain", "hail"))


@pytest.mark.parametrize(
    ("cam", "expected"), [("demo", True), ("demo:rain+lamp", True), ("demo.mp4", False), ("0", False)]
)
def test_name_of_the_scene(cam: str, expected: bool) -> None:
    assert is_demo(cam) == expected
