"""Motion detection by frame differencing: pure picture arithmetic, no clock, no files.

The stages are those of the original: scale, grey, blur, difference to the frame
before, threshold, dilate, erode, count. Every stage is returned, so that who
wants to show them only has to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.frame import Image

Gray: TypeAlias = NDArray[np.uint8]
"""Height x width, 8 bits."""

SQUARE_3 = np.ones((3, 3), np.uint8)
"""One iteration of dilation or erosion reaches one pixel in every direction."""


@dataclass(frozen=True, slots=True)
class DetectorParameters:
    """The numbers of the pipeline; sizes and areas are pixels of the scaled picture."""

    width_px: int = 500
    blur_px: int = 11
    pixel_threshold: int = 10
    dilate_iterations: int = 8
    erode_iterations: int = 4
    area_threshold_px: int = 1500
    normalize_contrast: bool = False


@dataclass(frozen=True, slots=True)
class Detection:
    """What the detector saw in one frame, stage by stage, all of one size."""

    gray: Gray
    """The scaled, blurred grey picture."""
    difference: Gray
    """By how many grey levels each pixel differs from the frame before."""
    mask: Gray
    """255 where something changed, after threshold, dilation and erosion; else 0."""
    changed_px: int
    """Pixels set in the mask."""
    motion: bool
    """Whether these are enough to count as motion."""

    def contours(self) -> Sequence[NDArray[np.int32]]:
        """Outlines of what changed: N x 1 x 2 arrays of x, y in pixels of the scaled picture."""
        found, _ = cv2.findContours(self.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return cast(Sequence[NDArray[np.int32]], found)


class MotionDetector:
    """Compares each picture with the one before."""

    def __init__(self, parameters: DetectorParameters | None = None) -> None:
        self._parameters = parameters or DetectorParameters()
        self._previous: Gray | None = None

    def reset(self) -> None:
        """Forget the frame before: the next one has nothing to do with it."""
        self._previous = None

    def detect(self, image: Image) -> Detection:
        """Find what changed since the picture before; nothing in the first one.

        `image` is BGR, of any size from one pixel on, and is not touched. A
        picture of another shape than the one before counts as the first one.
        """
        p = self._parameters
        gray = scaled_gray(image, p.width_px)
        if p.normalize_contrast:
            gray = cast(Gray, cv2.normalize(gray, gray.copy(), 0, 255, cv2.NORM_MINMAX))
        gray = cast(Gray, cv2.GaussianBlur(gray, (p.blur_px, p.blur_px), 0))
        if self._previous is None or self._previous.shape != gray.shape:
            self._previous = gray
        difference = cast(Gray, cv2.absdiff(gray, self._previous))
        self._previous = gray
        mask = changed_mask(difference, p.pixel_threshold, p.dilate_iterations, p.erode_iterations)
        changed_px = cv2.countNonZero(mask)
        return Detection(gray, difference, mask, changed_px, changed_px >= p.area_threshold_px)


def scaled_gray(image: Image, width_px: int) -> Gray:
    """Make a BGR picture grey and scale it to `width_px`, its shape kept.

    Grey first, since scaling one channel costs a third. Then halving by exact
    averaging while that leaves enough, and linear interpolation for the rest:
    smooth like INTER_AREA all the way, at a tenth of its cost (1080p to 500 px
    wide: 0.6 instead of 7.6 ms).
    """
    gray = cast(Gray, cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    size = width_px, max(1, round(gray.shape[0] * width_px / gray.shape[1]))
    while gray.shape[1] >= 2 * width_px and gray.shape[0] >= 2:
        half = gray.shape[1] // 2, gray.shape[0] // 2
        even = gray[: 2 * half[1], : 2 * half[0]]  # an odd line or column would make it slow
        gray = cast(Gray, cv2.resize(even, half, interpolation=cv2.INTER_AREA))
    return cast(Gray, cv2.resize(gray, size, interpolation=cv2.INTER_LINEAR))


def changed_mask(difference: Gray, threshold: int, dilate: int, erode: int) -> Gray:
    """Set the pixels that differ by more than `threshold`, join neighbours, take back the rim."""
    _, mask = cv2.threshold(difference, threshold, 255, cv2.THRESH_BINARY)
    mask = cv2.dilate(mask, SQUARE_3, iterations=dilate)
    return cast(Gray, cv2.erode(mask, SQUARE_3, iterations=erode))
