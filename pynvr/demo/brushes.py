"""What the drawn scene is painted with: noise, light and shade, leaves, and boxes measured in metres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.media.frame import Image

Map: TypeAlias = NDArray[np.floating[Any]]
"""Height x width (x 3): factors of brightness, noise, or colours not yet rounded."""
Color: TypeAlias = tuple[int, int, int]
"""Blue, green, red."""

SUBPIXEL_BITS = 4
"""Corners are handed to OpenCV in sixteenths of a pixel."""


@dataclass(frozen=True, slots=True)
class Front:
    """An upright surface that faces the camera, painted in metres: x to the right, y up from its foot."""

    picture: Image
    x: float
    """Where x is 0, in pixels."""
    foot: float
    """Where y is 0, in pixels."""
    scale: float
    """Pixels per metre."""

    def at(self, x: float, y: float = 0.0) -> Front:
        """The same surface, measured from another point of it."""
        return replace(self, x=self.x + x * self.scale, foot=self.foot - y * self.scale)

    def area(self, left: float, bottom: float, right: float, top: float) -> Image:
        """The part of the picture within these metres, to be painted on; empty where there is none."""
        (x0, y0), (x1, y1) = self._corner(left, top), self._corner(right, bottom)
        return self.picture[y0:y1, x0:x1]

    def box(self, left: float, bottom: float, right: float, top: float, color: Color) -> None:
        """Fill a rectangle."""
        self.area(left, bottom, right, top)[:] = color

    def shadow(
        self, left: float, bottom: float, right: float, top: float, light: float, soft: float = 0.05
    ) -> None:
        """Leave only `light` (0-1) of a rectangle's brightness, with edges that fade over `soft` metres."""
        rim = 2 * soft
        outer = self.area(left - rim, bottom - rim, right + rim, top + rim)
        inner = self.area(left, bottom, right, top)
        if inner.size == 0:
            return
        # Where the inner rectangle lies within the outer one; at the picture's edge the rim is cut off.
        (x0, y0), (x1, y1) = self._corner(left - rim, top + rim), self._corner(left, top)
        factor = np.ones(outer.shape[:2], np.float32)
        factor[y1 - y0 :, x1 - x0 :][: inner.shape[0], : inner.shape[1]] = light
        shade(outer, cast(Map, cv2.GaussianBlur(factor, (0, 0), max(0.5, soft * self.scale))))

    def _corner(self, x: float, y: float) -> tuple[int, int]:
        """Column and row, moved into the picture where they are left of or above it."""
        return max(0, round(self.x + x * self.scale)), max(0, round(self.foot - y * self.scale))


def noise(
    rng: np.random.Generator, shape: tuple[int, ...], grain_px: tuple[float, float], octaves: int
) -> Map:
    """Cloudy noise of mean 0 and deviation 1, height x width.

    The coarsest spots measure `grain_px` (across, down), each further octave is half as large.
    """
    total = np.zeros(shape[:2], np.float32)
    for octave in range(octaves):
        across, down = (max(1.0, grain / 2**octave) for grain in grain_px)
        cells = (max(2, round(shape[0] / down)), max(2, round(shape[1] / across)))
        spots = rng.standard_normal(cells, dtype=np.float32)
        total += cv2.resize(spots, (shape[1], shape[0])) * np.float32(0.65**octave)
    return cast(Map, (total - total.mean()) / (total.std() + 1e-6))


def tinted(color: Color, factor: Map) -> Map:
    """A colour under a map of brightness (height x width): height x width x 3."""
    return cast(Map, np.array(color, np.float32) * factor[..., None])


def lit(color: tuple[float, ...], factor: float) -> Color:
    """A colour under more or less light."""
    blue, green, red = (int(min(255, max(0, part * factor))) for part in color)
    return blue, green, red


def shade(area: Image, factor: Map) -> None:
    """Change the brightness of a part of a picture in place."""
    area[:] = np.clip(area * factor[..., None], 0, 255)


def ramp(start: float, end: float, count: int) -> Map:
    """A factor that changes evenly from top to bottom: count x 1."""
    return np.linspace(start, end, count, dtype=np.float32)[:, None]


def scatter_leaves(
    picture: Image, at: Map, size_px: float, color: Color, light: Map, rng: np.random.Generator
) -> None:
    """Paint small quadrilaterals, turned at random, at the points `at` (N x 2: x, y), each in its `light`."""
    corners = rng.uniform(0.45, 1.0, (len(at), 4)) * size_px
    angles = rng.uniform(0, 2 * np.pi, (len(at), 1)) + np.arange(4) * (np.pi / 2)
    leaves = at[:, None] + corners[..., None] * np.stack((np.cos(angles), 0.8 * np.sin(angles)), axis=-1)
    tones = np.clip(light, 0.3, 1.7)
    for leaf, tone in zip(np.round(leaves * (1 << SUBPIXEL_BITS)).astype(np.int32), tones, strict=True):
        cv2.fillConvexPoly(picture, leaf, lit(color, float(tone)), cv2.LINE_AA, SUBPIXEL_BITS)
