"""Weather, light and camera faults for the drawn scene, each a pure function of time and frame number.

They are what a motion detector must not take for a person. Nothing of it moves a person, so the scene's truth
stays exact: who is where, and when only the light changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import cv2
import numpy as np

from pynvr.demo.backdrop import Effect, balloon, foliage, headlights, table, water
from pynvr.demo.brushes import SUBPIXEL_BITS, noise
from pynvr.demo.yard import TREE
from pynvr.media.frame import Gray, Image

Interval: TypeAlias = tuple[float, float]

LAMP_ON_S, LAMP_OFF_S = 14.0, 22.0
LAMP_RISE_S = 0.15
LAMP_SETTLED_S = 3.0
"""A camera's exposure has followed by then."""
EXPOSURE_S = 0.5
DUSK_S, DUSK_LOSS = 60.0, 0.7
GAIN_ON_S, GAIN_OFF_S = 14.0, 24.0
GAIN_NOISE, GAIN_LIGHT = 6.0, 1.15
SWAY_PX = 0.006
"""Of the picture's width: how far a twig swings."""
KEY_FRAME_EVERY = 25
NIGHT_NOISE = 5.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What is between the scene and the pictures of it: effects, in the order in which they happen."""

    names: tuple[str, ...]
    effects: tuple[Effect, ...]

    def __call__(self, image: Image, time_s: float, index: int) -> Image:
        """The picture as this weather shows it."""
        for effect in self.effects:
            image = effect(image, time_s, index)
        return image

    @property
    def light_intervals(self) -> tuple[Interval, ...]:
        """When a lamp is switched, until the camera's exposure has followed: only the light changes."""
        if "lamp" not in self.names:
            return ()
        return tuple((start_s, start_s + LAMP_SETTLED_S) for start_s in (LAMP_ON_S, LAMP_OFF_S))


def make_weather(names: Sequence[str], size: tuple[int, int], seed: int) -> Weather:
    """The weather of these names for pictures of `size` (width, height); raises ValueError."""
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise ValueError(f"no such weather: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    ordered = tuple(name for name in KINDS if name in names)
    return Weather(ordered, tuple(KINDS[name](size, seed) for name in ordered))


def _trees(size: tuple[int, int], seed: int) -> Effect:
    """The tree and what grows on the left sway, in gusts."""
    width, height = size
    rng = np.random.default_rng((seed, 11))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    crown = np.exp(-(((x / width - TREE) / 0.16) ** 4) - ((y / height - 0.3) / 0.2) ** 4)
    bush = np.exp(-(((x / width - 0.02) / 0.08) ** 4) - ((y / height - 0.5) / 0.3) ** 4)
    strength = np.clip(crown + bush, 0, 1).astype(np.float32)
    phase = 2 * noise(rng, (height, width), (0.15 * width, 0.15 * width), 3)

    def sway(image: Image, time_s: float, index: int) -> Image:
        reach = SWAY_PX * width * (0.5 + 0.5 * math.sin(0.35 * time_s + seed))
        time_s = float(time_s)  # numpy's would make the maps twice as wide
        dx = reach * strength * (np.sin(5.0 * time_s + phase) + 0.5 * np.sin(8.7 * time_s + 2 * phase))
        dy = 0.5 * reach * strength * np.sin(6.3 * time_s + 1.5 * phase)
        return cast(Image, cv2.remap(image, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))

    return sway


def _rain(size: tuple[int, int], seed: int) -> Effect:
    """Streaks, new ones in every frame, as rain is too fast to be followed."""
    width, height = size

    def rain(image: Image, time_s: float, index: int) -> Image:
        rng = np.random.default_rng((seed, index, 12))
        streaks = np.zeros((height, width), np.uint8)
        for x, y, long in rng.uniform((0, -0.05, 0.01), (1, 1, 0.07), (110, 3)) * (width, height, height):
            _line(streaks, (x, y), (x + 0.1 * long, y + long), 60, max(1, round(width / 640)))
        return cast(Image, cv2.add(image, cv2.cvtColor(streaks, cv2.COLOR_GRAY2BGR)))

    return rain


def _snow(size: tuple[int, int], seed: int) -> Effect:
    """Flakes that fall and drift."""
    width, height = size
    rng = np.random.default_rng((seed, 13))
    flakes = rng.uniform((0, 0, 0.15, 0.0012, 0), (1, 1, 0.4, 0.0042, 2 * np.pi), (70, 5))

    def snow(image: Image, time_s: float, index: int) -> Image:
        white = np.zeros((height, width), np.uint8)
        for x, y, speed, radius, phase in flakes:
            across = (x + 0.02 * time_s + 0.015 * math.sin(time_s + phase)) % 1.04 - 0.02
            down = (y + speed * time_s) % 1.08 - 0.04
            _disc(white, (across * width, down * height), radius * width, 120)
        return cast(Image, cv2.add(image, cv2.cvtColor(white, cv2.COLOR_GRAY2BGR)))

    return snow


def _insects(size: tuple[int, int], seed: int) -> Effect:
    """Bright blurs close to the camera's lamp, each gone within a fraction of a second."""
    width, height = size
    rng = np.random.default_rng((seed, 14))
    begins = np.cumsum(rng.exponential(0.8, 2000))
    flights = rng.uniform(
        (-0.2, -0.2, -0.2, -0.2, 0.1, 0.004, 60), (1.2, 1.2, 1.2, 1.2, 0.6, 0.02, 170), (2000, 7)
    )

    def insects(image: Image, time_s: float, index: int) -> Image:
        time_s %= float(begins[-1])
        for number in np.flatnonzero((begins <= time_s) & (begins > time_s - 0.6)):
            x0, y0, x1, y1, life_s, thick, level = flights[number]
            share = (time_s - begins[number]) / life_s
            if share <= 1:
                glow: Gray = np.zeros((height, width), np.uint8)
                ends = [
                    ((x0 + (x1 - x0) * at) * width, (y0 + (y1 - y0) * at) * height)
                    for at in (share, share + 0.03 / life_s)  # as far as it flies during an exposure
                ]
                _line(glow, ends[0], ends[1], level, max(1, round(thick * width)))
                glow = cast(Gray, cv2.GaussianBlur(glow, (0, 0), max(0.5, thick * width / 4)))
                image = cast(Image, cv2.add(image, cv2.cvtColor(glow, cv2.COLOR_GRAY2BGR)))
        return image

    return insects


def _lamp(size: tuple[int, int], seed: int) -> Effect:
    """A lamp on the right is switched on and off; the camera's exposure follows."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cone = np.exp(-(((x / width - 0.8) / 0.5) ** 2) - ((y / height - 0.55) / 0.5) ** 2)

    def lamp(image: Image, time_s: float, index: int) -> Image:
        on = _ramp(time_s, LAMP_ON_S) - _ramp(time_s, LAMP_OFF_S)
        since_s = time_s - (LAMP_OFF_S if time_s >= LAMP_OFF_S else LAMP_ON_S)
        settled = -math.expm1(-max(0.0, since_s) / EXPOSURE_S) if since_s > 0 else 0.0
        adapted = settled if time_s < LAMP_OFF_S else 1 - settled
        light = 0.55 + on * (0.35 + 0.9 * cone)
        light *= 1 - 0.25 * adapted if time_s >= LAMP_ON_S else 1.0
        return cast(Image, np.clip(image * light[..., None], 0, 255).astype(np.uint8))

    return lamp


def _ramp(time_s: float, start_s: float) -> float:
    return min(1.0, max(0.0, (time_s - start_s) / LAMP_RISE_S))


def _dusk(size: tuple[int, int], seed: int) -> Effect:
    """It gets dark within a minute: slow for a detector, fast for the sun."""

    def dusk(image: Image, time_s: float, index: int) -> Image:
        return cast(Image, cv2.convertScaleAbs(image, alpha=1 - DUSK_LOSS * min(1.0, time_s / DUSK_S)))

    return dusk


def _gain(size: tuple[int, int], seed: int) -> Effect:
    """The camera turns its gain up for some seconds: a little more light, much more noise."""
    width, height = size
    grains = (
        np.random.default_rng((seed, 15)).standard_normal((2 * height, 2 * width, 1), np.float32) * GAIN_NOISE
    )

    def gain(image: Image, time_s: float, index: int) -> Image:
        if not GAIN_ON_S <= time_s < GAIN_OFF_S:
            return image
        left, top = np.random.default_rng((seed, index, 15)).integers(0, (width, height))
        grain = grains[top : top + height, left : left + width]
        return cast(Image, np.clip(image * np.float32(GAIN_LIGHT) + grain, 0, 255).astype(np.uint8))

    return gain


def _night(size: tuple[int, int], seed: int) -> Effect:
    """Infrared: no colours, the camera's own lamp lights the middle, and the picture is noisy."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cone = 0.1 + 0.5 * np.exp(-(((x / width - 0.5) / 0.4) ** 2) - ((y / height - 0.7) / 0.45) ** 2)
    grains = np.random.default_rng((seed, 16)).standard_normal((2 * height, 2 * width), np.float32)

    def night(image: Image, time_s: float, index: int) -> Image:
        left, top = np.random.default_rng((seed, index, 16)).integers(0, (width, height))
        grain = NIGHT_NOISE * grains[top : top + height, left : left + width]
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) * cone + grain
        return cast(Image, cv2.cvtColor(np.clip(gray, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR))

    return night


def _blocks(size: tuple[int, int], seed: int) -> Effect:
    """Hard compression: blocks, and a little jump of the whole picture at every key frame."""

    def blocks(image: Image, time_s: float, index: int) -> Image:
        quality = 35 if index % KEY_FRAME_EVERY == 0 else 20
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cast(Image, cv2.imdecode(packed, cv2.IMREAD_COLOR))

    return blocks


def _line(
    plane: Image, start: tuple[float, float], end: tuple[float, float], level: float, thick: int
) -> None:
    ends = [(round(x * (1 << SUBPIXEL_BITS)), round(y * (1 << SUBPIXEL_BITS))) for x, y in (start, end)]
    cv2.line(plane, ends[0], ends[1], level, thick, cv2.LINE_AA, SUBPIXEL_BITS)


def _disc(plane: Image, centre: tuple[float, float], radius: float, level: float) -> None:
    x, y, r = (round(value * (1 << SUBPIXEL_BITS)) for value in (*centre, radius))
    cv2.circle(plane, (x, y), r, level, -1, cv2.LINE_AA, SUBPIXEL_BITS)


KINDS: dict[str, Callable[[tuple[int, int], int], Effect]] = {
    "water": water,
    "balloon": balloon,
    "table": table,
    "headlights": headlights,
    "trees": _trees,
    "foliage": foliage,
    "rain": _rain,
    "snow": _snow,
    "insects": _insects,
    "lamp": _lamp,
    "dusk": _dusk,
    "night": _night,
    "gain": _gain,
    "blocks": _blocks,
}
"""By the name that `cam = "demo:…"` gives them, in the order in which they happen."""
