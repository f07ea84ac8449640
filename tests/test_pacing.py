"""Looking less often: evenly, at most so often, and every frame goes on as it came."""

from __future__ import annotations

import pytest
from recordings import numbered, rising, wandering

from pynvr.detection.classic import ClassicDetector
from pynvr.detection.pacing import NOT_LOOKED, PacedDetector


def looked_at(times: list[float], fps: float) -> list[float]:
    detector = PacedDetector(ClassicDetector(), fps)
    return [time for time in times if detector.detect(numbered(0), time) is not NOT_LOOKED]


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
