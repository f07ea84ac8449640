"""What else is in view of the drawn camera: leaves before everything, water, a balloon, a table, headlights.

Each is an effect as `weather.py` has them: a pure function of time and frame number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, cast

import cv2
import numpy as np

from pynvr.demo.brushes import SUBPIXEL_BITS, noise, scatter_leaves, tinted
from pynvr.media.frame import Image

Effect: TypeAlias = "Callable[[Image, float, int], Image]"
"""Takes a picture, which it may change, its time in seconds and its number; returns the picture."""

LEAF = (48, 104, 84)
GAPS = 0.55
"""The share of the picture that is seen between the leaves."""
GUST_PX = 0.008
"""Of the picture's width: how far a twig right before the lens swings."""
SHORE = 0.55
"""The row where the water begins, of the picture's height."""
FOAM_LIFE_S, FOAM_EVERY_S = 3.0, 1.2
SWING_PX = 0.02
"""Of the picture's width: how far the balloon swings at its string."""
TABLE = (0.3, 0.7, 0.62, 0.74)
"""Left, right, upper and lower edge, of the picture's width and height."""
BEAM_EVERY_S, BEAM_FIRST_S, BEAM_LASTS_S = 11.0, 4.0, 2.5
BEAM_LIGHT = 2.5
"""Times the light that there is without it."""
GATE_BARS = 14
"""Shadows of bars that a car's beams throw over the whole width."""


def foliage(size: tuple[int, int], seed: int) -> Effect:
    """A bush right before the lens, which sways; what is behind it is seen between its leaves."""
    width, height = size
    rng = np.random.default_rng((seed, 21))
    leaves = np.full((height, width, 3), LEAF, np.uint8)
    at = rng.uniform((0, 0), (width, height), (1800, 2))
    scatter_leaves(leaves, at, 0.022 * width, LEAF, 1 + 0.3 * rng.standard_normal(len(at)), rng)
    thick = noise(rng, (height, width), (0.09 * width, 0.09 * width), 3)
    cover = np.where(thick > np.quantile(thick, GAPS), 255, 0).astype(np.uint8)
    layer = np.dstack((leaves, cv2.GaussianBlur(cover, (0, 0), 0.8)))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    phase = 2.5 * noise(rng, (height, width), (0.2 * width, 0.2 * width), 2)

    def sway(image: Image, time_s: float, index: int) -> Image:
        time_s = float(time_s)  # numpy's would make the maps twice as wide
        reach = GUST_PX * width * (0.6 + 0.4 * math.sin(0.45 * time_s + seed))
        dx = reach * (np.sin(4.2 * time_s + phase) + 0.5 * np.sin(7.9 * time_s + 2 * phase))
        dy = 0.4 * reach * np.sin(5.3 * time_s + 1.5 * phase)
        moved = cv2.remap(layer, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        share = moved[..., 3:].astype(np.float32) / 255
        return cast(Image, (image * (1 - share) + moved[..., :3] * share).astype(np.uint8))

    return sway


def water(size: tuple[int, int], seed: int) -> Effect:
    """The ground is water: waves run over it, and foam comes, drifts and is gone."""
    width, height = size
    rng = np.random.default_rng((seed, 22))
    first = round(SHORE * height)
    y, x = np.mgrid[first:height, 0:width].astype(np.float32)
    near = (y - first) / (height - first)
    warp = noise(rng, y.shape, (0.3 * width, 0.1 * height), 3)
    foam = rng.uniform((0, 0.15, 0.02, -0.01), (1, 0.9, 0.06, 0.03), (400, 4))

    def ripple(image: Image, time_s: float, index: int) -> Image:
        down = (y - first) / height
        waves = np.sin(40 / (0.3 + near) * down + 2.1 * time_s + 1.5 * warp)
        waves += 0.6 * np.sin(0.05 * 640 / width * x + 23 * down - 3.3 * time_s + 2 * warp)
        part = image[first:].astype(np.float32)
        shaded = part * 0.35 + 60 + (14 * near * waves)[..., None]
        white = np.zeros(y.shape, np.float32)
        last = int(time_s / FOAM_EVERY_S)
        for number in range(max(0, last - 3), last + 1):
            age_s = time_s - number * FOAM_EVERY_S
            if age_s < FOAM_LIFE_S:
                at_x, at_y, wide, drift = foam[number % len(foam)]
                middle = round((at_x + drift * age_s) * width), round(at_y * (height - first))
                axes = max(1, round(wide * width)), max(1, round(0.2 * wide * width))
                strength = 70 * math.sin(math.pi * age_s / FOAM_LIFE_S)
                cv2.ellipse(white, middle, axes, 0, 0, 360, strength, -1)
        shaded += (cv2.GaussianBlur(white, (0, 0), 0.006 * width) * (0.7 + 0.3 * np.sin(3 * warp)))[..., None]
        image[first:] = np.clip(shaded, 0, 255)
        return image

    return ripple


def balloon(size: tuple[int, int], seed: int) -> Effect:
    """A balloon on a string, half out of the picture on the left, swings in the wind."""
    width, height = size

    def swing(image: Image, time_s: float, index: int) -> Image:
        across = math.sin(2.1 * time_s + seed) + 0.5 * math.sin(3.7 * time_s)
        centre = SWING_PX * width * across, (0.3 + 0.008 * math.sin(4.5 * time_s)) * height
        fixed = round(centre[0] * (1 << SUBPIXEL_BITS)), round(centre[1] * (1 << SUBPIXEL_BITS))
        radius = round(0.05 * width * (1 << SUBPIXEL_BITS))
        cv2.circle(image, fixed, radius, (40, 40, 190), -1, cv2.LINE_AA, SUBPIXEL_BITS)
        return image

    return swing


def table(size: tuple[int, int], seed: int) -> Effect:
    """A table before the visitor hides all below the breast of who stands behind it."""
    width, height = size
    left, right = (round(share * width) for share in TABLE[:2])
    top, below = (round(share * height) for share in TABLE[2:])
    rng = np.random.default_rng((seed, 24))
    grain = noise(rng, (height - top, right - left), (0.12 * width, 0.01 * height), 3)
    wood = np.clip(tinted((58, 92, 128), 1 + 0.06 * grain), 0, 255)
    wood[below - top :] *= 0.45  # the cloth hangs in its own shadow

    def stand(image: Image, time_s: float, index: int) -> Image:
        image[top:, left:right] = wood
        return image

    return stand


def headlights(size: tuple[int, int], seed: int) -> Effect:
    """Now and then a car drives by outside: its beams sweep over the yard through the bars of a gate."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width, y / height

    def sweep(image: Image, time_s: float, index: int) -> Image:
        share = ((float(time_s) - BEAM_FIRST_S) % BEAM_EVERY_S) / BEAM_LASTS_S
        if share > 1:
            return image
        middle = 1.6 * share - 0.3
        beam = np.exp(-(((x - middle) / 0.25) ** 2) - ((y - 0.6) / 0.3) ** 2)
        bars = 0.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * GATE_BARS * (x - 0.6 * share)))
        light = 1 + BEAM_LIGHT * beam * bars
        return cast(Image, np.clip(image * light[..., None], 0, 255).astype(np.uint8))

    return sweep
