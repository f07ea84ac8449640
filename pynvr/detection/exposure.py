"""Tells exposure from movement: remembers pictures, and fits the light of one to that of another.

A camera that changes its exposure, a lamp or a cloud changes all pixels together: new = gain x old + offset.
Least squares finds both, trimmed of the pixels that moved; what is left after it is movement.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.media.frame import Gray

Plane: TypeAlias = NDArray[np.int16]
"""Height x width, `FINE` for one grey level: whole numbers of 16 bits cost a third of floating point."""

FINE_BITS = 6
FINE = 1 << FINE_BITS
"""Parts of a grey level that differences are told in; they end at 511 grey levels, above all limits."""

Levels: TypeAlias = NDArray[np.float32]
"""Grey levels, in one dimension."""

COARSE = 4
"""Wide surroundings are taken of a picture that is smaller by this factor."""
SAMPLE_STEP_PX = 5
BLACK = 4.0
"""Grey levels added to both before their ratio is taken: noise divided by noise says nothing."""
AS_IT_WAS = 0.25
"""Share of the allowed ratio by which most pixels may differ where somebody covers the rest."""
LEAST_SHIFT = 1.0
"""Grey levels: the light is the same as before, no fit is needed."""
GAIN_LIMITS = 1 / 3, 3.0
ALL_LEVELS = np.arange(256)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture remembered, with what comparing it needs."""

    time_s: float
    gray: Gray
    detail: Plane
    """Grey less its wide surroundings; the grey itself where the high-pass is off."""
    sample: Levels
    """Of every 5th pixel of every 5th row."""
    level: float
    """Median of the sample, grey levels."""
    mean: float
    light: float
    """Logarithm of the level plus `BLACK`."""


def remember(gray: Gray, time_s: float, surroundings_px: int, visible: Gray | None) -> Picture:
    """Prepare a picture for comparing; `surroundings_px` 0: off, `visible` is 0 where it is not looked at."""
    detail = gray.astype(np.int16)
    detail <<= FINE_BITS  # in place, which halves the time of np.left_shift with another type
    if surroundings_px:
        cv2.subtract(detail, _surroundings(gray, surroundings_px), dst=detail)
    sparse = gray[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX]
    if visible is not None:
        seen = sparse[visible[::SAMPLE_STEP_PX, ::SAMPLE_STEP_PX] > 0]
        sparse = seen if seen.size else sparse
    sample = sparse.ravel().astype(np.float32)
    level = _median(sample)
    light = math.log(level + BLACK)
    return Picture(time_s, gray, detail, sample, level, _mean(sample), light)


def _surroundings(gray: Gray, side_px: int) -> Plane:
    """The mean of the square around each pixel, in `FINE`. A coarse picture is enough for it."""
    height, width = gray.shape
    coarse = _halved(_halved(gray)).astype(np.int16)
    coarse <<= FINE_BITS
    side = 2 * round(side_px / COARSE / 2) + 1  # odd, or it would lie beside its pixel
    mean = cv2.boxFilter(coarse, cv2.CV_16S, (side, side))
    return cast(Plane, cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR))


def _halved(gray: Gray) -> Gray:
    height, width = (max(1, side // 2) for side in gray.shape)
    even = gray[: 2 * height, : 2 * width]  # an odd line or column would make it slow
    return cast(Gray, cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))


def same_exposure(one: Picture, other: Picture, most: float) -> bool:
    """Whether the exposure of two pictures differs by a ratio whose logarithm is `most` at most.

    If the medians differ by more, somebody close may cover half of the picture. Then most pixels are as they
    were; in another light none is.
    """
    if abs(one.light - other.light) <= most:
        return True
    ratios = (one.sample + np.float32(BLACK)) / (other.sample + np.float32(BLACK))
    return abs(math.log(_median(ratios))) <= AS_IT_WAS * most


def fit_exposure(old: Picture, now: Picture) -> tuple[float, float]:
    """Gain and offset that bring `old` to the light of `now`; 1 and 0 where that cannot be told."""
    if abs(old.level - now.level) < LEAST_SHIFT and abs(old.mean - now.mean) < LEAST_SHIFT:
        return 1.0, 0.0
    x, y = old.sample, now.sample
    if 2 * np.count_nonzero(np.abs(y - x) <= LEAST_SHIFT) > len(x):
        return 1.0, 0.0  # something large moved, the rest is as before
    x, y = x - np.float32(old.level), y - np.float32(now.level)  # small numbers, for exact sums
    spread = _mean(np.abs(x))
    gain = _mean(np.abs(y)) / spread if spread > 2 else 1.0
    gain, offset = min(max(gain, GAIN_LIMITS[0]), GAIN_LIMITS[1]), 0.0
    for _ in range(2):
        error = np.abs(y - np.float32(gain) * x - np.float32(offset))
        # weights, since picking takes longer
        still = (error < max(2.0, 2 * _median(error[::4]))).astype(np.float32)
        count, x_still = float(np.add.reduce(still)), still * x
        x_mean, y_mean = float(np.add.reduce(x_still)) / count, float(still @ y) / count
        power = float(x_still @ x) - count * x_mean**2
        if power < count:  # a picture of one grey: only the offset can be told
            return 1.0, now.level + y_mean - old.level - x_mean
        gain = (float(x_still @ y) - count * x_mean * y_mean) / power
        offset = y_mean - gain * x_mean
    return gain, offset + now.level - gain * old.level


def difference(old: Picture, now: Picture, fit: bool, doubt: float, high_pass: bool) -> Plane:
    """How far each pixel of `now` is from `old`, the light allowed for where `fit`.

    `doubt` is the share of a pixel's correction that is taken off its difference: where the light changed
    much, less is believed. With `high_pass` the surroundings are off both pictures, and the offset with them.
    """
    gain, offset = fit_exposure(old, now) if fit else (1.0, 0.0)
    if (gain, offset) == (1.0, 0.0):
        return cast(Plane, cv2.absdiff(now.detail, old.detail))
    expected = 0.0 if high_pass else -offset * FINE
    signed = cast(Plane, cv2.addWeighted(now.detail, 1.0, old.detail, -gain, expected))
    change = np.abs(signed, out=signed)
    if doubt:
        shift = FINE * doubt * np.abs(ALL_LEVELS * (gain - 1) + offset)
        doubtful = cv2.LUT(old.gray, shift.astype(np.uint16))
        # without signs the subtraction ends at 0
        change = cast(Plane, cv2.subtract(change.view(np.uint16), doubtful).view(np.int16))
    return change


def count_above(plane: Plane, level: float) -> int:
    """The number of pixels above `level` grey levels."""
    return cv2.countNonZero(cv2.threshold(plane, level * FINE, 1, cv2.THRESH_BINARY)[1])


def _median(values: Levels) -> float:
    """The upper median; np.median takes twice as long."""
    return float(np.partition(values, values.size // 2)[values.size // 2])


def _mean(values: Levels) -> float:
    """values.mean() takes three times as long on so few."""
    return float(np.add.reduce(values)) / values.size
