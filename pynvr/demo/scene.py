"""A drawn scene that behaves like a camera: for the demo, and for tests that must know the truth.

`DemoScene` is the picture: a pure function of its parameters, a time and a frame
number. `DemoCamera` is the source: it walks through the times and hands out
frames. What moves, and when, is a script of visits, so a test can order any
course of events and ask the scene where the person really is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.demo.frame_number import COLUMNS, draw_frame_number
from pynvr.demo.person import REACH_LEFT, REACH_RIGHT, STRIDE, Box, Pose, draw
from pynvr.demo.weather import make_weather
from pynvr.demo.yard import View, paint_yard
from pynvr.media.frame import Image

Path: TypeAlias = tuple[tuple[float, float, float], ...]
"""Waypoints (share of the visit's duration, x, depth). x: 0 is just outside the picture on the
left, 1 just outside on the right. depth: the feet's row as a fraction of the picture's height,
from 0.55 (by the house) to 1, and more for who is so close that the feet are below the picture."""

CROSSING: Path = ((0.0, 0.0, 0.86), (1.0, 1.0, 0.74))
CROSSING_BACK: Path = ((0.0, 1.0, 0.74), (1.0, 0.0, 0.86))
STANDING: Path = ((0.0, 1.0, 0.80), (0.38, 0.62, 0.66), (0.64, 0.62, 0.66), (1.0, 1.0, 0.78))
"""Comes from the right, stands for a quarter of the time, goes back."""

BODY_HEIGHT_M = 1.76
SMALLEST_SIZE, LARGEST_SIZE = (COLUMNS, 48), (4096, 4096)
CLOCK_LEAST_WIDTH_PX = 160
"""In a narrower picture nobody could read it."""
NOISE_DRIFT_PX = 96
"""The noise picture is that much larger than the frame, which cuts another piece from it each time."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody comes, does something and is gone again."""

    start_s: float
    duration_s: float
    path: Path = CROSSING
    scale: float = 1.0
    """Size of the person; 1 is an adult."""
    faint: float = 1.0
    """How much of the person is to be seen; 0 is as clear as air."""

    def __post_init__(self) -> None:
        shares = [share for share, _, _ in self.path]
        if self.duration_s <= 0 or self.scale <= 0:
            raise ValueError("a visit's duration_s and scale must be above 0")
        if len(shares) < 2 or shares[0] != 0 or shares[-1] != 1 or sorted(set(shares)) != shares:
            raise ValueError("a path needs waypoints whose shares of the time rise from 0 to 1")

    @property
    def end_s(self) -> float:
        """When nothing of it is left in the picture."""
        return self.start_s + self.duration_s


TWO_VISITS = (Visit(5.5, 4.5), Visit(25.2, 4.6, STANDING))
"""With 5 s of pre-alarm and 10 s of hold these are two recordings, both complete within 40 s."""


class DemoScene:
    """The yard with its visitors, as pictures of `size` (width, height) in pixels."""

    def __init__(
        self,
        size: tuple[int, int] = (640, 480),
        *,
        seed: int = 1,
        visits: tuple[Visit, ...] = TWO_VISITS,
        noise: float = 2.0,
        weather: Sequence[str] = (),
        clock_start: datetime = datetime(2017, 4, 2, 13, 20, 17),
    ) -> None:
        """`noise` is a standard deviation in grey levels; `weather` are names of weather.KINDS;
        `clock_start` is what the clock shows at time 0.
        """
        for given, least, most in zip(size, SMALLEST_SIZE, LARGEST_SIZE, strict=True):
            if not least <= given <= most:
                raise ValueError(f"size {size} must lie between {SMALLEST_SIZE} and {LARGEST_SIZE}")
        self.visits = tuple(sorted(visits, key=lambda visit: visit.start_s))
        if any(later.start_s < sooner.end_s for sooner, later in pairwise(self.visits)):
            raise ValueError("visits must not overlap: there is one person only")
        self.size = size
        self._seed = seed
        self._clock_start = clock_start
        self.weather = make_weather(weather, size, seed)
        self._yard = paint_yard(*size, seed)
        self._walks = [_Walk(visit, View(*size)) for visit in self.visits]
        self._noise = _noise_pictures(size, noise, seed) if noise > 0 else None

    @property
    def motion_intervals(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each visit in seconds: outside of them nothing moves."""
        return tuple((visit.start_s, visit.end_s) for visit in self.visits)

    @property
    def light_intervals(self) -> tuple[tuple[float, float], ...]:
        """When only the light changes, in seconds."""
        return self.weather.light_intervals

    def figure_box(self, time_s: float) -> Box | None:
        """Left, top, width and height of what is to be seen of the person, or None."""
        pose = self._pose(time_s)
        return pose.box(*self.size) if pose else None

    def render(self, time_s: float, index: int) -> Image:
        """The picture at `time_s`, as frame number `index`: height x width x 3, BGR.

        The time moves the person and the clock, the index the noise and the
        strip; the same arguments give the same bytes.
        """
        image: Image = self._yard.copy()
        self._draw_visitor(image, time_s)
        image = self.weather(image, time_s, index)
        self._add_noise(image, index)
        _burn_in_clock(image, self._clock_start + timedelta(seconds=time_s))
        draw_frame_number(image, index)
        return image

    def _pose(self, time_s: float) -> Pose | None:
        for walk in self._walks:
            if walk.visit.start_s <= time_s < walk.visit.end_s:
                return walk.pose(time_s)
        return None

    def _draw_visitor(self, image: Image, time_s: float) -> None:
        pose = self._pose(time_s)
        if pose:
            behind = image.copy()
            draw(image, pose)
            faint = next(visit.faint for visit in self.visits if visit.start_s <= time_s < visit.end_s)
            cv2.addWeighted(image, faint, behind, 1 - faint, 0, dst=image)

    def _add_noise(self, image: Image, index: int) -> None:
        """Another piece of the ready noise: 0.1 ms at 640x480, where drawing fresh numbers takes 8 ms."""
        if self._noise is None:
            return
        brighter, darker = self._noise
        x, y = np.random.default_rng((self._seed, index)).integers(0, NOISE_DRIFT_PX, 2)
        part = slice(y, y + image.shape[0]), slice(x, x + image.shape[1])
        cv2.add(image, brighter[part], dst=image)
        cv2.subtract(image, darker[part], dst=image)


class _Walk:
    """Where the person is during one visit, worked out beforehand in small steps."""

    STEP_S = 0.02
    SMOOTHING_S = 0.5
    """Nobody starts, stops or turns at once."""
    WALKING_M_S = 0.9
    """From this speed on the steps have their full length."""

    def __init__(self, visit: Visit, view: View) -> None:
        self.visit = visit
        body_m = BODY_HEIGHT_M * visit.scale
        shares, xs, depths = (np.array(column) for column in zip(*visit.path, strict=True))
        feet = depths * view.height
        heights = body_m * np.array([view.scale_at(foot) for foot in feet])
        left, right = -REACH_RIGHT * heights, view.width + REACH_LEFT * heights
        corners = np.column_stack((left + xs * (right - left), feet, heights))

        self._times: NDArray[np.float64] = np.arange(
            0, visit.duration_s + self.STEP_S, self.STEP_S, dtype=np.float64
        )
        way = _smoothed(shares * visit.duration_s, corners, self._times, self.SMOOTHING_S)
        self._x, self._foot, self._height = way.T
        # Away from the camera a step shows little in the picture, but the legs walk it all the same.
        px_per_m = self._height / body_m
        across, away = np.gradient(self._x) / px_per_m, 2.5 * np.gradient(self._foot) / px_per_m
        speed = np.hypot(across, away) / self.STEP_S
        self._phase = np.cumsum(speed * self.STEP_S) / (STRIDE * body_m) * 2 * np.pi
        self._swing = np.clip(speed / (self.WALKING_M_S * visit.scale), 0, 1)
        self._facing = np.clip(across / self.STEP_S / (0.6 * visit.scale), -1, 1)

    def pose(self, time_s: float) -> Pose:
        """The pose at `time_s`, a time of the stream within the visit."""
        series = self._x, self._foot, self._height, self._facing, self._swing, self._phase
        since = time_s - self.visit.start_s
        return Pose(*(float(np.interp(since, self._times, values)) for values in series))


def _smoothed(
    corner_times: NDArray[np.float64],
    corners: NDArray[np.float64],
    times: NDArray[np.float64],
    span_s: float,
) -> NDArray[np.float64]:
    """The way through `corners` (N x values) at `times`, averaged over `span_s`; straight on at both ends."""
    first = (corners[1] - corners[0]) / (corner_times[1] - corner_times[0])
    last = (corners[-1] - corners[-2]) / (corner_times[-1] - corner_times[-2])
    longer = np.concatenate(([corner_times[0] - span_s], corner_times, [corner_times[-1] + span_s]))
    way = np.concatenate(([corners[0] - first * span_s], corners, [corners[-1] + last * span_s]))
    shifts = np.linspace(-span_s / 2, span_s / 2, 15)
    columns = [np.mean([np.interp(times + by, longer, column) for by in shifts], axis=0) for column in way.T]
    return np.column_stack(columns)


@lru_cache(maxsize=4)
def _noise_pictures(size: tuple[int, int], deviation: float, seed: int) -> tuple[Image, Image]:
    """Sensor noise, mostly of brightness, a little of colour: what to add to a frame and what to subtract."""
    rng = np.random.default_rng(seed)
    shape = (size[1] + NOISE_DRIFT_PX, size[0] + NOISE_DRIFT_PX)
    grains = rng.standard_normal((*shape, 1), np.float32) + 0.6 * rng.standard_normal((*shape, 3), np.float32)
    # A camera makes colours out of neighbouring pixels, so their noise is a little alike.
    soft = cv2.GaussianBlur(grains, (0, 0), 0.5)
    levels = np.round(soft * (deviation / cv2.cvtColor(soft, cv2.COLOR_BGR2GRAY).std()))
    brighter, darker = (part.clip(0, 255).astype(np.uint8) for part in (levels, -levels))
    return cast(Image, brighter), cast(Image, darker)


def _burn_in_clock(image: Image, moment: datetime) -> None:
    """Date and time in the upper right corner; the seconds come last, so only their place changes."""
    if image.shape[1] < CLOCK_LEAST_WIDTH_PX:
        return
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    width = image.shape[1]
    scale = width / 1400
    thin = max(1, round(width / 640))
    (long, high), _ = cv2.getTextSize("0000-00-00 00:00:00", cv2.FONT_HERSHEY_SIMPLEX, scale, thin)
    corner = (width - long - round(0.015 * width), high + round(0.012 * width) + 2)
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (30, 30, 30), 3 * thin, cv2.LINE_AA)
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (245, 245, 245), thin, cv2.LINE_AA)
