"""Looking for motion less often than frames come, which leaves every frame's time as it is."""

from __future__ import annotations

import math

import numpy as np

from pynvr.detector import Detection, MotionDetector
from pynvr.frame import TIME_TOLERANCE_S, Image
from pynvr.zones import Zones

_NOTHING = np.zeros((1, 1), np.uint8)
NOT_LOOKED = Detection(_NOTHING, _NOTHING, _NOTHING, 0, False)
"""For a frame that was passed over: no motion, as far as anybody knows."""


class PacedDetector:
    """A detector that looks at so many frames a second at most, evenly.

    Which ones depends on their times alone, so a file gives the same events every time.
    """

    def __init__(self, detector: MotionDetector, fps: float) -> None:
        """Have `detector` look at `fps` frames a second."""
        self._detector = detector
        self._fps = fps
        self._turn: int | None = None

    @property
    def area_threshold_px(self) -> float:
        """As `MotionDetector` has it."""
        return self._detector.area_threshold_px

    @area_threshold_px.setter
    def area_threshold_px(self, px: float) -> None:
        self._detector.area_threshold_px = px

    @property
    def zones(self) -> Zones:
        """As `MotionDetector` has it."""
        return self._detector.zones

    @zones.setter
    def zones(self, zones: Zones) -> None:
        self._detector.zones = zones

    def reset(self) -> None:
        """Forget what was seen, and look at the next frame."""
        self._turn = None
        self._detector.reset()

    def detect(self, image: Image, time_s: float) -> Detection:
        """As `MotionDetector` has it, for a frame whose turn it is."""
        turn = math.floor((time_s + TIME_TOLERANCE_S) * self._fps)
        if turn == self._turn:
            return NOT_LOOKED
        self._turn = turn
        return self._detector.detect(image, time_s)
