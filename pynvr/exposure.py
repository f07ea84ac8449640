"""Pictures remembered, and how the light differs between two of them: exposure told from movement.

A camera that changes its exposure, a lamp or a cloud changes all pixels together: new = gain x old + offset.
Least squares finds both, trimmed of the pixels that moved; what is left after it is movement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detector import Plane
from pynvr.frame import Gray

Sample = NDArray[np.float32]
"""Grey levels of every 5th pixel of every 5th row, in one dimension."""

SAMPLE_STEP_PX = 5
BLACK = 4.0
"""Grey levels added to both before their ratio is taken: noise divided by noise would say anything."""
OVEREXPOSED = 250
"""A pixel at the end of its range says nothing about the light."""
FEWEST_SAMPLES = 200
LEAST_SHIFT = 1.0
"""Grey levels: the light is the same as before, no fit is needed."""
GAIN_LIMITS = 1 / 3, 3.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture remembered, with what comparing it needs."""

    time_s: float
    gray: Gray
    detail: Plane
    """Grey less its wide surroundings; the grey itself where the high-pass is off."""
    sample: Sample
    level: float
    """Median of the sample, grey levels."""
    mean: float


def remember(gray: Gray, time_s: float, surroundings_px: int, visible: Gray | None) -> Picture:
    """Prepare a picture for comparing; `surroundings_px` 0: off, `visible` is 0 where it is not looked at."""
    detail = gray.astype(np.float32)
    if surroundings_px:
        detail -= cv2.boxFilter(gray, cv2.CV_32F, (surroundings_px, surroundings_px))
    sparse = gray[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX]
    if visible is not None:
        seen = sparse[visible[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX] > 0]
        sparse = seen if seen.size else sparse
    sample = sparse.ravel().astype(np.float32)
    return Picture(time_s, gray, detail, sample, _median(sample), _mean(sample))


def exposure_ratio(one: Picture, other: Picture) -> float:
    """By how much the exposure of two pictures differs: the ratio's logarithm without its sign."""
    return abs(math.log((one.level + BLACK) / (other.level + BLACK)))


def fit_exposure(old: Picture, now: Picture) -> tuple[float, float]:
    """Gain and offset that bring `old` to the light of `now`; 1 and 0 where that cannot be told."""
    if abs(old.level - now.level) < LEAST_SHIFT and abs(old.mean - now.mean) < LEAST_SHIFT:
        return 1.0, 0.0
    usable = (old.sample < OVEREXPOSED) & (now.sample < OVEREXPOSED)
    x, y = old.sample[usable], now.sample[usable]
    if len(x) < FEWEST_SAMPLES:
        return 1.0, 0.0
    x_middle, y_middle = _median(x), _median(y)
    spread = _mean(np.abs(x - x_middle))
    gain = _mean(np.abs(y - y_middle)) / spread if spread > 2 else 1.0
    gain = min(max(gain, GAIN_LIMITS[0]), GAIN_LIMITS[1])
    offset = y_middle - gain * x_middle
    for _ in range(2):
        error = np.abs(y - (gain * x + offset))
        still = error < max(2.0, 2 * _median(error))
        x_still, y_still = x[still], y[still]
        x_mean, y_mean = _mean(x_still), _mean(y_still)
        deviation = x_still - np.float32(x_mean)
        power = float(deviation @ deviation)
        if power < len(x_still):  # a picture of one grey: only the offset can be told
            return 1.0, y_mean - x_mean
        gain = float(deviation @ y_still) / power
        offset = y_mean - gain * x_mean
    return gain, offset


def difference(old: Picture, now: Picture, fit: bool, doubt: float, high_pass: bool) -> Plane:
    """How far each pixel of `now` is from `old`, in grey levels, the light allowed for where `fit`.

    `doubt` is the share of a pixel's correction that is taken off its difference: where the light changed
    much, less is believed. With `high_pass` the surroundings are off both pictures, and the offset with them.
    """
    gain, offset = fit_exposure(old, now) if fit else (1.0, 0.0)
    signed = cv2.addWeighted(now.detail, 1.0, old.detail, -gain, 0.0 if high_pass else -offset)
    change = np.abs(signed, out=cast(Plane, signed))
    if doubt and (gain, offset) != (1.0, 0.0):
        shift = np.abs(old.gray * np.float32(gain - 1) + np.float32(offset))
        change = np.maximum(change - np.float32(doubt) * shift, 0, out=change)
    return change


def _median(values: Sample) -> float:
    """The upper median; np.median takes twice as long."""
    return float(np.partition(values, values.size // 2)[values.size // 2])


def _mean(values: Sample) -> float:
    """values.mean() takes three times as long on so few."""
    return float(np.add.reduce(values)) / values.size
