"""Cleans the mask of specks, as rain and snow make them, and of what moves on at once, as insects do.

Each step works only around what is set, which is seldom more than a fifth of the picture.
"""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from pynvr.detection.parameters import EARLY_S, RobustParameters
from pynvr.media.frame import Gray

DENSITY_PX = 5
"""Side of the square in which density is measured; the work picture is about 270 px wide."""
LONGEST_STEP_S = 1.0
EARLIEST = 0.75
"""The picture nearest in time is meant: at 12.5 frames a second that of 0.08 s ago, not of 0.16 s."""
EARLY_REACH = 0.5
"""Share of the reach to a picture that is younger than asked for: flakes have not moved on so far yet."""


@lru_cache
def square(side_px: int) -> Gray:
    """A kernel for dilation and erosion."""
    return np.ones((side_px, side_px), np.uint8)


def around(mask: Gray, rim_px: int) -> tuple[slice, slice]:
    """The rows and columns that hold all set pixels, and `rim_px` more on each side."""
    return within(cv2.boundingRect(mask), rim_px)


def within(box: Sequence[int], rim_px: int = 0) -> tuple[slice, slice]:
    """The rows and columns of a box (left, top, width, height), and `rim_px` more on each side."""
    x, y, width, height = box
    return slice(max(0, y - rim_px), y + height + rim_px), slice(max(0, x - rim_px), x + width + rim_px)


def clear_specks(mask: Gray, share: float) -> None:
    """Clear, in place, each pixel around which no more than `share` of the 5x5 is set."""
    part = mask[around(mask, DENSITY_PX)]
    shares = cv2.blur(part, (DENSITY_PX, DENSITY_PX))
    part[:] = cv2.bitwise_and(part, cv2.threshold(shares, int(255 * share), 255, cv2.THRESH_BINARY)[1])


def closed(mask: Gray, side_px: int) -> Gray:
    """Dilate by a square of `side_px`, erode by one two smaller: close parts become one blob."""
    where = around(mask, side_px)
    joined = np.zeros(mask.shape, np.uint8)
    joined[where] = cv2.erode(cv2.dilate(mask[where], square(side_px)), square(max(1, side_px - 2)))
    return joined


class Persistence:
    """Keeps changes that had others nearby `persist_s` ago already."""

    def __init__(self, parameters: RobustParameters) -> None:
        self._p = parameters
        self._masks: deque[tuple[float, Gray]] = deque()

    def begin(self, time_s: float, shape: tuple[int, ...]) -> None:
        """Forget earlier masks: all that changes is new."""
        self._masks = deque([(time_s, np.zeros(shape, np.uint8))])

    def lasting(self, mask: Gray, time_s: float, step_s: float) -> Gray:
        """The part of the mask that is not new; the next frames are compared with `mask` as a whole."""
        p = self._p
        while len(self._masks) > 1 and self._masks[1][0] <= time_s - EARLIEST * p.persist_s + EARLY_S:
            self._masks.popleft()
        lasting = mask
        if cv2.hasNonZero(mask):
            wait_s = max(0.0, min(step_s, LONGEST_STEP_S) - p.persist_s)
            early = self._masks[0][0] > time_s - p.persist_s + EARLY_S
            near = round(p.persist_px * (EARLY_REACH if early else 1) + p.persist_px_s * wait_s)
            where = around(mask, near)
            lasting = np.zeros(mask.shape, np.uint8)
            before = cv2.dilate(self._masks[0][1][where], square(2 * near + 1))
            lasting[where] = cv2.bitwise_and(mask[where], before)
        self._masks.append((time_s, mask))
        return lasting
