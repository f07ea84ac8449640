"""Looking for motion less often than frames come, which leaves every frame's time as it is."""

from __future__ import annotations

import math

import numpy as np

from pynvr.detection.detector import Detection, Detector
from pynvr.media.frame import TIME_TOLERANCE_S, Gray, Image

_NOTHING = np.zeros((1, 1), np.uint8)
NOT_LOOKED = Detection(_NOTHING, _NOTHING, _NOTHING, 0, False)
"""For a frame that was passed over: no motion, as far as anybody knows."""


class PacedDetector:
    """A detector that looks at so many frames a second at most, evenly.

    Which ones depends on their times alone, so a file gives the same events every time.
    """

    def __init__(self, detector: Detector, fps: float) -> None:
        """Have `detector` look at `fps` frames a second."""
        self._detector = detector
        self._fps = fps
        self._turn: int | None = None

    def reset(self) -> None:
        """Forget what was seen, and look at the next frame."""
        self._turn = None
        self._detector.reset()

    def detect(self, image: Image | Gray, time_s: float) -> Detection:
        """As `Detector` has it, for a frame whose turn it is."""
        turn = math.floor((time_s + TIME_TOLERANCE_S) * self._fps)
        if turn == self._turn:
            return NOT_LOOKED
        self._turn = turn
        return self._detector.detect(image, time_s)
