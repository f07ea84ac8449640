"""Looking for motion less often than frames come, which leaves every frame's time as it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from pynvr.detector import Detection, MotionDetector
from pynvr.frame import TIME_TOLERANCE_S, Frame, Gap, Image

_NOTHING = np.zeros((1, 1), np.uint8)
NOT_LOOKED = Detection(_NOTHING, _NOTHING, _NOTHING, 0, False)
"""For a frame that was passed over: no motion, as far as anybody knows."""


class PacedDetector(MotionDetector):
    """A detector that looks at so many frames a second at most, evenly.

    Which ones depends on their times alone, so a file gives the same events every time.
    """

    def __init__(self, detector: MotionDetector, fps: float) -> None:
        """Have `detector` look at `fps` frames a second of those that pass `paced`."""
        self._detector = detector
        self._fps = fps
        self._turn: int | None = None
        self._due = True

    def paced(self, frames: Iterable[Frame | Gap]) -> Iterator[Frame | Gap]:
        """Pass frames through, and know when the next one is to be looked at."""
        for frame in frames:
            if isinstance(frame, Frame):
                turn = math.floor((frame.time + TIME_TOLERANCE_S) * self._fps)
                self._due, self._turn = turn != self._turn, turn
            yield frame

    def reset(self) -> None:
        """Forget the frame before, and look at the next one."""
        self._turn = None
        self._detector.reset()

    def detect(self, image: Image) -> Detection:
        """As `MotionDetector` does, for a frame whose turn it is."""
        return self._detector.detect(image) if self._due else NOT_LOOKED
