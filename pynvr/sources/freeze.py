"""Notices that OpenCV returns one picture for ever although the camera sends others.

OpenCV 4.12 does so when the pictures become larger within a stream, or lose their colours, as some cameras'
JPEGs do at night. Its scaler refuses each of them ("Slice parameters 0, 304 are invalid", "bad src image
pointers"), and read() returns the last one that fitted, with new times. No property of the capture shows
it; a second connection does, and only a new connection helps.
"""

import numpy as np

from pynvr.media.frame import Image

FROZEN_AFTER_S = 5.0
"""A sensor has noise, and a key picture is coded anew: otherwise only drawn pictures stay the same."""
FEWEST = 10
"""Pictures in a row that are the same, byte by byte."""
ROWS = 16
"""Lines of each picture that are compared: 0.01 ms of 1080p."""
PAUSE_S = 600.0
"""Between two looks at what the camera sends, each of which needs another connection for a second."""


class Freeze:
    """Looks at every picture of a camera, in all its connections."""

    def __init__(self) -> None:
        self._sample: Image | None = None
        self._since_s = 0.0
        self._count = 0
        self._not_before_s = float("-inf")

    def sees(self, image: Image, now_s: float) -> bool:
        """Take the next picture; return whether to look at what the camera sends. `now_s` is monotonic."""
        sample = image[:: max(1, image.shape[0] // ROWS)]
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._since_s, self._count = sample.copy(), now_s, 0
            return False
        self._count += 1
        frozen = self._count >= FEWEST and now_s - self._since_s >= FROZEN_AFTER_S
        if not frozen or now_s < self._not_before_s:
            return False
        self._not_before_s = now_s + PAUSE_S
        return True
