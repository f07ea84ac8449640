"""Learns what each pixel usually does: leaves, rain and clocks change all the time and are not news.

For each pixel the mean of its squared differences over the last seconds is kept; squared, because one strong
change must weigh more than many faint ones. A pixel has to exceed a multiple of its own deviation.
"""

import math
from collections.abc import Iterable
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.exposure import FINE, Plane
from pynvr.detection.mask_filters import square, within
from pynvr.detection.parameters import EARLY_S, RobustParameters
from pynvr.detection.tracks import Box
from pynvr.media.frame import Gray

Power: TypeAlias = NDArray[np.float32]
"""Height x width, squared grey levels."""

LEARN_EVERY_S = 0.1
"""A fast camera sends more pictures than are needed."""
LONGEST_STEP_S = 1.0
"""A longer pause counts as this: what changed meanwhile is not known."""
FIRST_WEIGHT_S = 0.1
"""The assumption at the start weighs as much as the pictures of this time."""
RIM_PX = 4
"""Beyond the box of an object: its blurred edge belongs to it."""


class Habits:
    """The usual squared change of each pixel."""

    def __init__(self, parameters: RobustParameters) -> None:
        self._p = parameters
        self._power: Power = np.empty(0, np.float32)
        self._usual: Plane | None = None
        self._age_s = self._waited_s = 0.0

    def begin(self, shape: tuple[int, ...]) -> None:
        """Has to come before all else, and comes at each new scene or light; what has been learnt is kept."""
        if self._power.shape != shape:
            self._power = np.full(shape, self._p.habit_start**2, np.float32)
            self._usual = None
            self._age_s = self._waited_s = 0.0

    def unusual(self, change: Plane, least: float) -> Gray:
        """255 where `change` is more than what is usual around, and than `least` [grey levels]."""
        strong = cv2.threshold(change, least * FINE, 0, cv2.THRESH_TOZERO)[1]
        return cast(Gray, cv2.compare(strong, self._usual_around(), cv2.CMP_GT))

    def _usual_around(self) -> Plane:
        if self._usual is None:
            deviation = cv2.sqrt(self._power)
            usual = cv2.addWeighted(deviation, self._p.habit_factor * FINE, deviation, 0, 0, dtype=cv2.CV_16S)
            self._usual = cast(Plane, cv2.dilate(usual, square(3)))
        return self._usual

    def learn(self, change: Plane, step_s: float, objects: Iterable[Box]) -> None:
        """Take in the change of `step_s` seconds; slowly below `objects`, so that none is learnt away."""
        self._waited_s += step_s
        if self._waited_s < LEARN_EVERY_S - EARLY_S:
            return
        step_s, self._waited_s, self._usual = min(self._waited_s, LONGEST_STEP_S), 0.0, None
        p, power = self._p, self._power
        self._age_s += step_s
        # a running mean at first, an exponential one later
        rate = max(-math.expm1(-step_s / p.habit_s), step_s / (self._age_s + FIRST_WEIGHT_S))
        news = cv2.threshold(change, p.habit_cap * FINE, 0, cv2.THRESH_TRUNC)[1]
        news = cv2.multiply(news, news, scale=1 / FINE**2, dtype=cv2.CV_32F)
        kept = [(where, power[where].copy()) for where in (within(box, RIM_PX) for box in objects)]
        cv2.accumulateWeighted(news, power, rate)
        for where, old in kept:
            power[where] = cv2.accumulateWeighted(news[where].copy(), old, rate * p.object_learning)
