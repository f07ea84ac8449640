"""Detectors that look at fewer frames than come. The frames and their times stay as they are.

Which frames are passed over depends on their times and on what was seen, so a file gives the same events
every time.
"""

import math

import numpy as np

from pynvr.detection.detector import Detection, Detector
from pynvr.media.frame import TIME_TOLERANCE_S, Gray, Image

REST_AFTER_S = 0.5
"""Somebody who was half seen is often seen again within that time."""
RESTING_STEP_S = 0.06
"""Passes over every second picture of 17 to 33 a second, more of a faster camera, none of a slower one."""

_NOTHING = np.zeros((1, 1), np.uint8)
NOT_LOOKED = Detection(_NOTHING, _NOTHING, _NOTHING, 0, False)
"""For a frame that was passed over: no motion is known of."""


class PacedDetector:
    """A detector that looks at `fps` frames a second at most, evenly."""

    def __init__(self, detector: Detector, fps: float) -> None:
        """Have `detector` look at the frames."""
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


class RestingDetector:
    """A detector that passes over frames of a fast camera while the answer is plain.

    It is plain while nothing stirs, and while motion goes on: then a frame passed over counts as motion, too.
    Any score without motion, however low, or a change of the light makes it look at every frame again.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.reset()

    def reset(self) -> None:
        """Forget what was seen, and look at every frame for a while."""
        self._looked_s: float | None = None
        self._doubted_s = 0.0
        """When the answer was last not plain, or differed from the one before."""
        self._seen = NOT_LOOKED
        self._detector.reset()

    def detect(self, image: Image | Gray, time_s: float) -> Detection:
        """As `Detector` has it, for a frame that is looked at."""
        if self._looked_s is None:
            self._doubted_s = time_s
        elif time_s - self._doubted_s > REST_AFTER_S and 0 <= time_s - self._looked_s < RESTING_STEP_S:
            return self._seen if self._seen.motion else NOT_LOOKED
        self._looked_s = time_s
        seen = self._detector.detect(image, time_s)
        plain = seen.motion or not (seen.score > 0 or seen.blind)
        if not plain or seen.motion != self._seen.motion:
            self._doubted_s = time_s
        self._seen = seen
        return seen
