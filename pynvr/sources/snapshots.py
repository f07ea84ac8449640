"""Whole pictures, now and then, of a camera of which otherwise only a part of each picture is kept."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.media.frame import JPEG_QUALITY, Image

EVENT_S = 0.2
"""During an event: a person walks half a step meanwhile."""
PX_A_SECOND = 10_000_000
"""Large pictures are taken less often: encoding as many pixels takes about 25 ms."""


class Snapshots:
    """Chooses pictures and makes JPEGs of them: on the reader's thread, told by any other how often."""

    def __init__(self) -> None:
        self.every_s: float | None = None
        """None: no picture is wanted."""
        self._last_s = -math.inf

    def of(self, image: Image, time_s: float) -> NDArray[np.uint8] | None:
        """The picture as JPEG where it is time for one. A stream's times may begin anew."""
        if self.every_s is None:
            return None
        pause_s = max(self.every_s, image.shape[0] * image.shape[1] / PX_A_SECOND)
        if 0 <= time_s - self._last_s < pause_s:
            return None
        self._last_s = time_s
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
