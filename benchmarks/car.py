"""A car at the lower edge of the drawn yard, its lower half outside the picture; the truth is exact."""

from __future__ import annotations

import cv2
import numpy as np

from pynvr.demo.scene import DemoScene, Path
from pynvr.media.frame import Image

PAST: Path = ((0.0, 0.0, 1.0), (1.0, 1.0, 1.0))
PARKS: Path = ((0.0, 1.0, 1.0), (0.25, 0.72, 1.0), (0.75, 0.72, 1.0), (1.0, 1.0, 1.0))
"""Comes from the right, never more than half into the picture, and stands there for half of the time."""
LENGTH, HEIGHT = 0.42, 0.16
"""Of the picture's width and height."""
CAR = (
    ((58, 52, 128), ((0.0, 1.0), (0.0, 0.6), (0.2, 0.5), (0.34, 0.0), (0.72, 0.0), (0.92, 0.55), (1.0, 1.0))),
    ((70, 62, 50), ((0.25, 0.5), (0.37, 0.12), (0.52, 0.12), (0.52, 0.5))),
    ((70, 62, 50), ((0.56, 0.5), (0.56, 0.12), (0.7, 0.12), (0.83, 0.5))),
)
"""Body and windows: BGR and outline in its box."""


class CarAtTheEdge(DemoScene):
    """The yard with a car as its visitor."""

    def figure_box(self, time_s: float) -> tuple[int, int, int, int] | None:
        """Left, top, width and height of what is to be seen of the car, or None."""
        left, width = self._left(time_s), self.size[0]
        if left is None:
            return None
        first, last = max(0, left), min(width, left + round(LENGTH * width))
        high = round(HEIGHT * self.size[1])
        return (first, self.size[1] - high, last - first, high) if last > first else None

    def _left(self, time_s: float) -> int | None:
        long = round(LENGTH * self.size[0])
        for visit in self.visits:
            if visit.start_s <= time_s < visit.end_s:
                shares, along, _ = zip(*visit.path, strict=True)
                at = float(np.interp((time_s - visit.start_s) / visit.duration_s, shares, along))
                return round(at * (self.size[0] + long)) - long
        return None

    def _draw_visitor(self, image: Image, time_s: float) -> None:
        left = self._left(time_s)
        if left is None:
            return
        size = np.array([LENGTH * self.size[0], HEIGHT * self.size[1]])
        corner = np.array([left, self.size[1] - size[1]])
        for colour, outline in CAR:
            cv2.fillPoly(image, [np.round(corner + outline * size).astype(np.int32)], colour, cv2.LINE_AA)
