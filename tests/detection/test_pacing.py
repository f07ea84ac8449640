"""Looking less often: evenly, at most so often, and every frame goes on as it came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recordings import numbered, rising, wandering

from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import Detection
from pynvr.detection.pacing import NOT_LOOKED, REST_AFTER_S, PacedDetector, RestingDetector
from pynvr.media.frame import Gray, Image


def looked_at(times: list[float], fps: float) -> list[float]:
    detector = PacedDetector(ClassicDetector(), fps)
    return [time for time in times if detector.detect(numbered(0), time) is not NOT_LOOKED]


@pytest.mark.slow
@pytest.mark.parametrize("fps", [1, 3, 5, 10, 12.5])
@pytest.mark.parametrize("times", [rising(25, 8), wandering(8)], ids=["even", "wandering"])
def test_at_most_so_often(times: list[float], fps: float) -> None:
    looked = looked_at(times, fps)
    assert abs(len(looked) - 8 * fps) <= (1 if fps <= 5 else 20)  # slow stretches have fewer frames
    for turn in range(int(8 * fps)):
        assert sum(turn <= (time + 0.0005) * fps < turn + 1 for time in looked) <= 1


def test_slower_frames_are_all_looked_at() -> None:
    assert len(looked_at(rising(5, 8), 10)) == 40


def test_after_a_gap_the_next_frame_is_looked_at() -> None:
    detector = PacedDetector(ClassicDetector(), 1)
    assert detector.detect(numbered(0), 10.0) is not NOT_LOOKED
    assert detector.detect(numbered(1), 10.1) is NOT_LOOKED
    detector.reset()
    assert detector.detect(numbered(2), 10.2) is not NOT_LOOKED


# ---- while nothing stirs


class Scored:
    """A detector that sees something, short of motion, at given times."""

    def __init__(self, stirs_s: tuple[float, float], blind: bool) -> None:
        self._stirs_s = stirs_s
        self._blind = blind

    def reset(self) -> None:
        pass

    def detect(self, image: Image | Gray, time_s: float) -> Detection:
        gray = image[:, :, 0]
        stirs = self._stirs_s[0] <= time_s < self._stirs_s[1]
        score = 1.0 if stirs and not self._blind else 0.0
        return Detection(gray, gray, gray, 0, False, score, 1500.0, stirs and self._blind)


def rested(
    fps: float, seconds: float, stirs_s: tuple[float, float] = (0, 0), blind: bool = False
) -> list[float]:
    """The times of the frames that were passed over."""
    detector, image = RestingDetector(Scored(stirs_s, blind)), numbered(0)
    return [time_s for time_s in rising(fps, seconds) if detector.detect(image, time_s) is NOT_LOOKED]


@pytest.mark.parametrize(("fps", "share"), [(60, 0.75), (30, 0.5), (25, 0.5), (20, 0.5), (15, 0), (5, 0)])
def test_every_second_frame_of_a_fast_camera_while_nothing_stirs(fps: float, share: float) -> None:
    passed = rested(fps, 12)
    assert len(passed) == pytest.approx(share * fps * (12 - REST_AFTER_S), abs=2)
    assert all(time_s > REST_AFTER_S for time_s in passed)


def test_every_second_frame_while_motion_goes_on_and_the_one_before_speaks_for_it() -> None:
    looked: list[float] = []

    class Moving(Scored):
        def detect(self, image: Image | Gray, time_s: float) -> Detection:
            looked.append(time_s)
            return replace(super().detect(image, time_s), motion=5 <= time_s < 11)

    detector, image = RestingDetector(Moving((5, 11), False)), numbered(0)
    said = [time_s for time_s in rising(25, 15) if detector.detect(image, time_s).motion]
    assert (said[0], said[-1]) == (pytest.approx(5, abs=0.041), pytest.approx(11, abs=0.041))
    assert len(said) == pytest.approx(6 * 25, abs=1)
    assert not any(4.99 < time_s < 5 + REST_AFTER_S and time_s not in looked for time_s in said)
    assert len([time_s for time_s in said if time_s in looked and time_s > 7.1]) == pytest.approx(49, abs=2)


@pytest.mark.parametrize("blind", [False, True])
def test_every_frame_while_something_stirs_and_for_a_while_after(blind: bool) -> None:
    passed = rested(25, 12, (5, 6), blind)
    assert not [time_s for time_s in passed if 5.1 < time_s < 6 + REST_AFTER_S - 0.1]
    assert [time_s for time_s in passed if time_s < 5]
    assert [time_s for time_s in passed if time_s > 6 + REST_AFTER_S]


def test_after_a_gap_or_a_step_back_it_is_awake() -> None:
    detector, image = RestingDetector(Scored((0, 0), False)), numbered(0)
    for time_s in rising(25, 4):
        detector.detect(image, time_s)
    assert detector.detect(image, 1.0) is not NOT_LOOKED
    detector.reset()
    assert all(detector.detect(image, 4 + time_s) is not NOT_LOOKED for time_s in rising(25, REST_AFTER_S))
