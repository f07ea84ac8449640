"""How OpenCV is to work in this process."""

from __future__ import annotations

import cv2

ERRORS = 2
"""OpenCV's own log level; it does not change what FFmpeg prints."""


def work_lightly() -> None:
    """Have OpenCV work in the calling thread alone, without IPP, and tell of errors only.

    On pictures as small as a detector's, threads cost CPU and save no time. Intel's library behind many of
    OpenCV 4.12's functions takes 9 µs more for each call than OpenCV's own code takes for the whole work.
    And it warns of each packet that it has written.
    """
    cv2.setNumThreads(1)
    cv2.ipp.setUseIPP(False)
    cv2.setLogLevel(ERRORS)
