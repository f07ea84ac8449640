"""Keys and mouse while a tuning script watches, and the settings that come out of it."""

from __future__ import annotations

import numpy as np
import pytest

from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import MotionDetector
from pynvr.detection.robust import RobustDetector
from pynvr.tuning.controls import BACKSPACE, Action, Controls

SQUARE = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]


@pytest.fixture(params=[ClassicDetector, RobustDetector])
def detector(request: pytest.FixtureRequest) -> MotionDetector:
    made: MotionDetector = request.param()
    return made


@pytest.fixture
def controls(detector: MotionDetector) -> Controls:
    return Controls(detector, ())


def draw(controls: Controls, corners: list[tuple[float, float]]) -> None:
    for corner in corners:
        controls.click(corner)
    controls.close_region()


@pytest.mark.parametrize(
    ("key", "action"),
    [("q", Action.END), ("\x1b", Action.END), (" ", Action.PAUSE), ("s", Action.SAVE), ("x", Action.NONE)],
)
def test_keys_with_a_wish(controls: Controls, key: str, action: Action) -> None:
    assert controls.key(ord(key)) is action
    assert controls.key(-1) is Action.NONE
    assert controls.changed_settings() == []


def test_threshold_goes_up_and_down(controls: Controls, detector: MotionDetector) -> None:
    controls.key(ord("+"))
    assert detector.area_threshold_px == 1875
    assert controls.changed_settings() == ["MOTION_AREA_THRESHOLD = 1875"]
    controls.key(ord("-"))
    assert controls.changed_settings() == []
    for _ in range(100):
        controls.key(ord("-"))
    assert detector.area_threshold_px == 1


def test_changed_threshold_counts_at_once(controls: Controls, detector: MotionDetector) -> None:
    still = np.full((120, 160, 3), 90, np.uint8)
    for _ in range(20):
        controls.key(ord("+"))
    assert detector.detect(still, 0.0).threshold == detector.area_threshold_px > 100_000


def test_region_drawn_by_mouse(controls: Controls, detector: MotionDetector) -> None:
    draw(controls, SQUARE)
    assert controls.changed_settings() == [f"MOTION_REGIONS = {[SQUARE]!r}"]
    looked_at = detector.zones.drawn(100, 100)
    assert looked_at is not None
    assert looked_at[50, 50] == 255
    assert looked_at[10, 10] == 0


def test_region_drawn_and_taken_back_while_it_watches(controls: Controls, detector: MotionDetector) -> None:
    noise = np.random.default_rng(1)
    for number in range(60):
        if number in (20, 30):
            draw(controls, SQUARE)
        if number == 50:
            controls.key(BACKSPACE)
        picture = noise.integers(90, 94, (120, 160, 3), np.uint8)
        assert not detector.detect(picture, number / 25).motion


def test_two_corners_are_no_region(controls: Controls, detector: MotionDetector) -> None:
    draw(controls, SQUARE[:2])
    assert controls.regions == controls.corners == []
    assert not detector.zones


def test_backspace_takes_back_corners_then_regions(controls: Controls, detector: MotionDetector) -> None:
    draw(controls, SQUARE)
    controls.click((0.1, 0.1))
    controls.key(BACKSPACE)
    assert (controls.corners, len(controls.regions)) == ([], 1)
    controls.key(BACKSPACE)
    assert controls.regions == []
    assert not detector.zones
    assert controls.changed_settings() == []
    controls.key(BACKSPACE)


def test_clicks_outside_are_moved_to_the_edge(controls: Controls) -> None:
    controls.click((-0.2, 1.7))
    assert controls.corners == [(0.0, 1.0)]
