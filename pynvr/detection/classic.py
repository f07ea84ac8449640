"""The classic detector: frame differencing, as in the original.

The stages: scale, grey, blur, difference to the frame before, threshold, dilate, erode, count. Whatever
changes enough pixels from one frame to the next is motion, be it a person, rain or a lamp.
"""

from dataclasses import dataclass
from typing import cast

import cv2

from pynvr.detection.detector import Detection, blurred, scaled_gray
from pynvr.detection.mask_filters import square
from pynvr.detection.zones import Zones
from pynvr.media.frame import Gray, Image


@dataclass(frozen=True, slots=True)
class ClassicParameters:
    """The numbers of the pipeline; sizes and areas are pixels of the scaled picture."""

    width_px: int = 500
    blur_px: int = 11
    pixel_threshold: int = 10
    dilate_iterations: int = 8
    erode_iterations: int = 4
    area_threshold_px: int = 1500
    normalize_contrast: bool = False


class ClassicDetector:
    """Compares each picture with the one before."""

    def __init__(self, parameters: ClassicParameters | None = None, zones: Zones | None = None) -> None:
        self._parameters = parameters or ClassicParameters()
        self.area_threshold_px: float = self._parameters.area_threshold_px
        self.zones = zones or Zones()
        self._previous: Gray | None = None

    def reset(self) -> None:
        """Forget the frame before: the next one has nothing to do with it."""
        self._previous = None

    def reduced(self, image: Image | Gray) -> Gray:
        """The grey picture of the width to work on."""
        return scaled_gray(image, self._parameters.width_px)

    def detect(self, image: Image | Gray, time_s: float = 0.0) -> Detection:
        """Find what changed since the picture before; nothing in the first one. The time does not matter.

        A picture of another shape than the one before counts as the first one.
        """
        p = self._parameters
        gray = image if image.ndim == 2 else self.reduced(image)
        if p.normalize_contrast:
            gray = cast(Gray, cv2.normalize(gray, gray.copy(), 0, 255, cv2.NORM_MINMAX))
        gray = blurred(self.zones.shown(gray), p.blur_px)
        if self._previous is None or self._previous.shape != gray.shape:
            self._previous = gray
        difference = cast(Gray, cv2.absdiff(gray, self._previous))
        self._previous = gray
        mask = changed_mask(difference, p.pixel_threshold, p.dilate_iterations, p.erode_iterations)
        changed_px = cv2.countNonZero(mask)
        motion = changed_px >= self.area_threshold_px
        return Detection(gray, difference, mask, changed_px, motion, changed_px, self.area_threshold_px)


def changed_mask(difference: Gray, threshold: int, dilate: int, erode: int) -> Gray:
    """Set the pixels that differ by more than `threshold`, join neighbours, take back the rim.

    An iteration of `dilate` or `erode` reaches one pixel in every direction.
    """
    _, mask = cv2.threshold(difference, threshold, 255, cv2.THRESH_BINARY)
    mask = cv2.dilate(mask, square(3), iterations=dilate)
    return cast(Gray, cv2.erode(mask, square(3), iterations=erode))
