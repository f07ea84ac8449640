"""What every motion detector has in common: what it is asked, what it answers, and the picture it works on.

`classic.py` and `robust.py` are the detectors. Both are pure picture arithmetic: no clock, no files; the
same pictures with the same times give the same answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.zones import Zones
from pynvr.media.frame import Gray, Image

WHOLE_UP_TO = 3.0
"""A picture with at most this many lines for each line of the small one is read whole, which is quick."""
LINES_KEPT = 1.25
"""This many lines for each line of the small one are enough of a larger picture, and before halving."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What the detector saw in one frame, stage by stage, all of one size."""

    gray: Gray
    """The scaled, blurred grey picture."""
    difference: Gray
    """By how many grey levels each pixel differs from what it is compared with."""
    mask: Gray
    """255 where something changed, after all the steps that clean it; else 0."""
    changed_px: int
    """Pixels set in the mask, in the units of `area_threshold_px`."""
    motion: bool
    """Whether that is motion."""
    score: float = 0.0
    """What decides: motion is a score of at least the threshold. Pixels, as `changed_px`."""
    threshold: float = 0.0
    """As `score`."""
    blind: bool = False
    """The light is changing: no answer is possible until it has settled."""

    def contours(self) -> Sequence[NDArray[np.int32]]:
        """Outlines of what changed: N x 1 x 2 arrays of x, y in pixels of the scaled picture."""
        found, _ = cv2.findContours(self.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return cast(Sequence[NDArray[np.int32]], found)


class Detector(Protocol):
    """Looks at pictures in their order and says in which something moves."""

    def detect(self, image: Image | Gray, time_s: float) -> Detection:
        """Judge the next picture: BGR of any size from one pixel on, or what `reduced` made of it. Neither is
        changed. `time_s` is the frame's time and rises from picture to picture.
        """

    def reset(self) -> None:
        """Forget what was seen: the next picture has nothing to do with it."""


class MotionDetector(Detector, Protocol):
    """A detector that can be tuned."""

    area_threshold_px: float
    """May be changed while it works, as may the zones."""
    zones: Zones

    def reduced(self, image: Image | Gray) -> Gray:
        """Return the grey picture that `detect` looks at; to keep it alone saves memory.

        It depends on the picture alone, BGR or grey, so any thread may make it. It has memory of its own.
        """


def scaled_gray(image: Image | Gray, width_px: int) -> Gray:
    """Make a picture grey and scale it to `width_px`, its shape kept.

    Grey first, since scaling one channel costs a third. Then halving by exact
    averaging while that leaves enough, and linear interpolation for the rest:
    smooth like INTER_AREA all the way, at a tenth of its cost (1080p to 500 px
    wide: 0.4 instead of 7.6 ms). Of a picture to be made much smaller only every
    second, third … line is read: reading is what takes the time then, and there
    is enough left to average.
    """
    height_px = max(1, round(image.shape[0] * width_px / image.shape[1]))
    shrink = image.shape[0] / height_px
    lines = image[:: int(shrink / LINES_KEPT)] if shrink > WHOLE_UP_TO else image
    gray = lines if lines.ndim == 2 else cast(Gray, cv2.cvtColor(lines, cv2.COLOR_BGR2GRAY))
    while gray.shape[1] >= 2 * width_px:
        height, width = gray.shape
        if height >= LINES_KEPT * height_px:
            even = gray[: height // 2 * 2, : width // 2 * 2]  # an odd line or column would make it slow
            gray = cast(Gray, cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        else:  # only the width is left to halve; so it is the mean of two pixels too
            gray = cast(Gray, cv2.resize(gray, (width // 2, height), interpolation=cv2.INTER_LINEAR))
    return cast(Gray, cv2.resize(gray, (width_px, height_px), interpolation=cv2.INTER_LINEAR))


def blurred(gray: Gray, side_px: int) -> Gray:
    """Gaussian blur of an odd width, to one grey level the same as cv2.GaussianBlur, in half its time."""
    kernel = _gaussian(side_px)
    return cast(Gray, cv2.sepFilter2D(gray, -1, kernel, kernel))


@lru_cache
def _gaussian(side_px: int) -> NDArray[np.float64]:
    return cast(NDArray[np.float64], cv2.getGaussianKernel(side_px, 0))
