"""Looking less often: evenly, at most so often, and every frame goes on as it came."""

from __future__ import annotations

import pytest
from recordings import frame, rising, wandering

from pynvr.detector import Detection, MotionDetector
from pynvr.frame import Frame, Gap, Image
from pynvr.pacing import NOT_LOOKED, PacedDetector


class Counting(MotionDetector):
    def __init__(self) -> None:
        super().__init__()
        self.looked = 0

    def detect(self, image: Image) -> Detection:
        self.looked += 1
        return super().detect(image)


def looked_at(times: list[float], fps: float) -> tuple[list[float], int]:
    counting = Counting()
    detector = PacedDetector(counting, fps)
    frames = [frame(number, time) for number, time in enumerate(times)]
    passed, looked = [], []
    for each in detector.paced(frames):
        assert isinstance(each, Frame)
        passed.append(each)
        if detector.detect(each.image) is not NOT_LOOKED:
            looked.append(each.time)
    assert passed == frames
    return looked, counting.looked


@pytest.mark.parametrize("fps", [1, 3, 5, 10, 12.5])
@pytest.mark.parametrize("times", [rising(25, 8), wandering(8)], ids=["even", "wandering"])
def test_at_most_so_often(times: list[float], fps: float) -> None:
    looked, count = looked_at(times, fps)
    assert count == len(looked)
    assert abs(len(looked) - 8 * fps) <= (1 if fps <= 5 else 20)  # slow stretches have fewer frames
    for turn in range(int(8 * fps)):
        assert sum(turn <= (time + 0.0005) * fps < turn + 1 for time in looked) <= 1


def test_slower_frames_are_all_looked_at() -> None:
    looked, _ = looked_at(rising(5, 8), 10)
    assert len(looked) == 40


def test_after_a_gap_the_next_frame_is_looked_at() -> None:
    detector = PacedDetector(MotionDetector(), 1)
    items: list[Frame | Gap] = [frame(0, 10.0), frame(1, 10.1), Gap("lost"), frame(2, 10.2)]
    found = []
    for item in detector.paced(items):
        if isinstance(item, Gap):
            detector.reset()
        else:
            found.append(detector.detect(item.image) is not NOT_LOOKED)
    assert found == [True, False, True]
