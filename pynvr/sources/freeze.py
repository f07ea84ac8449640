"""Notices that OpenCV returns one picture for ever although the camera sends others.

So does 4.12 when the pictures become larger within a stream. Its scaler refuses each of them ("Slice
parameters 0, 304 are invalid"), and read() returns the last one that fitted, with new times. No property
tells it; only a new connection helps.
"""

from __future__ import annotations

import numpy as np

from pynvr.media.frame import Image

FROZEN_AFTER_S = 5.0
"""A sensor has noise, and a key picture is coded anew: only a drawn picture stays the same for so long."""
FEWEST = 10
"""Pictures in a row that are the same, byte by byte."""
ROWS = 16
"""So many lines of each are compared: 0.01 ms of 1080p."""
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
"""How long nothing is done after a reconnect: what still is the same then may be a drawn picture."""


class Freeze:
    """Looks at every picture of a camera, in all its connections."""

    def __init__(self) -> None:
        self._sample: Image | None = None
        self._since_s = 0.0
        self._count = 0
        self._pause_s = FIRST_PAUSE_S
        self._not_before_s = float("-inf")

    def sees(self, image: Image, now_s: float) -> bool:
        """Take the next picture; return whether the camera should be connected anew. `now_s` is monotonic."""
        sample = image[:: max(1, image.shape[0] // ROWS)]
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._since_s, self._count = sample.copy(), now_s, 0
            return False
        self._count += 1
        frozen = self._count >= FEWEST and now_s - self._since_s >= FROZEN_AFTER_S
        if not frozen or now_s < self._not_before_s:
            return False
        if now_s - self._not_before_s > LONGEST_PAUSE_S:
            self._pause_s = FIRST_PAUSE_S
        self._not_before_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self._sample = None
        return True
