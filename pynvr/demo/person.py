"""A person drawn from capsules: a gait, clothes with light and shade, and a shadow on the ground.

Lengths are fractions of the body's height, x forward, y up from the ground, until they are
drawn; from then on pixels, x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.demo.brushes import SUBPIXEL_BITS, Color
from pynvr.media.frame import Image

Point: TypeAlias = tuple[float, float]
"""x and y in body heights."""
Capsule: TypeAlias = tuple[Point, float, Point, float, Color, float]
"""Two circles and what lies between them: point, radius, point, radius; colour, light that falls on it."""
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

STRIDE = 0.84
"""Two steps, in body heights: fits the swing of the legs, so that the feet do not slide."""
REACH_LEFT, REACH_RIGHT = 0.30, 0.38
"""No part of the figure or its shadow lies further from its middle, in body heights."""

SKIN, HAIR, SHOE, BAG = (116, 148, 190), (30, 38, 50), (34, 34, 38), (52, 50, 116)
JACKET, TROUSERS = (82, 60, 46), (70, 62, 56)

SHADOW_SKEW, SHADOW_LENGTH, SHADOW_DEPTH = 0.30, 0.15, 0.55
"""How far the shadow of a point falls to the right and away per height, and what light it takes."""
SHADES = ((1.0, 0.72), (0.74, 0.95), (0.42, 1.16))
"""Each capsule is drawn three times, ever thinner and lighter, towards the sun: a round limb."""

_CORNERS = 10
_HALF_TURN = np.linspace(-np.pi / 2, np.pi / 2, _CORNERS)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the figure stands and what it does."""

    x: float
    """Between the feet, pixels from the left."""
    foot: float
    """The ground under the feet, pixels from the top."""
    height: float
    """Of the body, pixels."""
    facing: float
    """1 walks to the right, -1 to the left, 0 looks into the camera."""
    swing: float
    """0 stands, 1 walks."""
    phase: float
    """Of the gait, radians: 2 pi is two steps."""

    def box(self, width: int, height: int) -> Box | None:
        """The part of the body inside a picture of that size, without the shadow."""
        outlines, _ = _body(self)
        left, top = np.floor(outlines.min(axis=(0, 1))).astype(int)
        right, bottom = np.ceil(outlines.max(axis=(0, 1))).astype(int)
        left, right = max(0, left), min(width, right)
        top, bottom = max(0, top), min(height, bottom)
        if left >= right or top >= bottom:
            return None
        return int(left), int(top), int(right - left), int(bottom - top)


def draw(image: Image, pose: Pose) -> None:
    """Draw the figure and its shadow into a BGR picture; what is outside is cut off."""
    left = int(pose.x - (REACH_LEFT + 0.1) * pose.height) - 4
    top = int(pose.foot - 1.06 * pose.height) - 4
    columns = int((REACH_LEFT + REACH_RIGHT + 0.25) * pose.height) + 9
    rows = int(1.14 * pose.height) + 9
    x0, x1 = max(0, left), min(image.shape[1], left + columns)
    y0, y1 = max(0, top), min(image.shape[0], top + rows)
    if x0 >= x1 or y0 >= y1:
        return
    colors, cover = _painted(pose, left, top, columns, rows)
    shadow = _shadow(cover, pose.x - left, pose.foot - top, pose.height)
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    ground = image[y0:y1, x0:x1]
    ground[:] = cv2.multiply(ground, _three(255 - shadow[part]), scale=1 / 255)
    ground[:] = cv2.add(cv2.multiply(ground, _three(255 - cover[part]), scale=1 / 255), colors[part])


def _painted(pose: Pose, left: int, top: int, columns: int, rows: int) -> tuple[Image, NDArray[np.uint8]]:
    """The body's colours, already weighted by how much of a pixel it covers, and that cover (0-255)."""
    outlines, colors = _body(pose)
    # With a fourth channel of 255, antialiasing on an empty canvas yields exactly that weighting.
    canvas = np.zeros((rows, columns, 4), np.uint8)
    corners = np.round((outlines - (left, top)) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    for outline, color in zip(corners, colors, strict=True):
        cv2.fillConvexPoly(canvas, outline, (*color, 255), cv2.LINE_AA, SUBPIXEL_BITS)
    soft = 0.2 + 0.0045 * pose.height
    blurred = cv2.GaussianBlur(canvas, (0, 0), soft)
    cloth = _cloth(1 << max(rows, columns).bit_length())[:rows, :columns]
    cover = cast(NDArray[np.uint8], cv2.extractChannel(blurred, 3))
    weighted = cv2.multiply(cv2.cvtColor(blurred, cv2.COLOR_BGRA2BGR), cloth, scale=1 / 128)
    return cast(Image, weighted), cover


def _shadow(cover: NDArray[np.uint8], x: float, foot: float, height: float) -> NDArray[np.uint8]:
    """The outline laid down on the ground, away from the sun, soft: 0-255."""
    lay = np.array(
        [[1, -SHADOW_SKEW, SHADOW_SKEW * foot], [0, SHADOW_LENGTH, foot * (1 - SHADOW_LENGTH)]], np.float32
    )
    laid = cv2.warpAffine(cover, lay, cover.shape[::-1])
    middle = (round(x + 0.01 * height), round(foot))
    cv2.ellipse(laid, middle, (round(0.12 * height), round(0.022 * height)), 0, 0, 360, 255, -1)
    soft = cv2.GaussianBlur(laid, (0, 0), 0.6 + 0.011 * height)
    return cast(NDArray[np.uint8], cv2.convertScaleAbs(soft, alpha=SHADOW_DEPTH))


def _three(channel: NDArray[np.uint8]) -> Image:
    return cast(Image, cv2.cvtColor(channel, cv2.COLOR_GRAY2BGR))


@lru_cache(maxsize=4)
def _cloth(size: int) -> Image:
    """Folds and weave as a factor, 128 is 1: size x size x 3."""
    rng = np.random.default_rng(7)
    factor = np.full((size, size), 128, np.float32)
    for grain in (2, 8, 16):
        spots = rng.standard_normal((size // grain, size // grain), dtype=np.float32)
        factor += np.asarray(9 * cv2.resize(spots, (size, size)), np.float32)
    return _three(np.clip(factor, 60, 200).astype(np.uint8))


def _body(pose: Pose) -> tuple[NDArray[np.float64], list[tuple[float, float, float]]]:
    """Outlines (N x corners x 2, pixels) and colours of all capsules, in the order to be drawn."""
    yaw = np.pi / 2 - 1.25 * pose.facing
    ahead, beside = np.cos(yaw), np.sin(yaw)
    near = -1.0 if ahead >= 0 else 1.0
    bend = 0.45 * pose.swing

    def at(forward: float, up: float, side: float = 0.0) -> Point:
        return forward * ahead + side * beside, up

    parts: list[Capsule] = []
    legs = {side: _leg(pose.phase + (np.pi if side > 0 else 0), bend) for side in (-near, near)}
    # The body rises and sinks so that the lower foot is always on the ground.
    hip_up = 0.035 - min(ankle[1] for _, ankle in legs.values())

    def leg(side: float, light: float) -> None:
        knee, ankle = legs[side]
        # The foot is square to the shin where that hangs back, and never goes into the ground.
        tilt = min(0.0, np.arctan2(ankle[0] - knee[0], knee[1] - ankle[1]))
        hip = at(0, hip_up, 0.048 * side)
        knee_at = at(knee[0], hip_up + knee[1], 0.05 * side)
        ankle_at = at(ankle[0], hip_up + ankle[1], 0.055 * side)
        toe = at(
            ankle[0] + 0.085 * np.cos(tilt),
            max(0.014, hip_up + ankle[1] - 0.02 + 0.085 * np.sin(tilt)),
            0.06 * side,
        )
        heel = at(ankle[0] - 0.02, max(0.018, hip_up + ankle[1] - 0.018), 0.055 * side)
        parts.append((heel, 0.022, toe, 0.016, SHOE, light))
        parts.append((knee_at, 0.042, ankle_at, 0.028, TROUSERS, light))
        parts.append((hip, 0.066, knee_at, 0.044, TROUSERS, light))

    def arm(side: float, light: float) -> None:
        turn = -0.8 * bend * np.sin(pose.phase + (np.pi if side > 0 else 0)) + 0.04
        elbow = (0.165 * np.sin(turn), -0.165 * np.cos(turn))
        turn += 0.18 + 0.5 * bend
        wrist = (elbow[0] + 0.14 * np.sin(turn), elbow[1] - 0.14 * np.cos(turn))
        up = hip_up + 0.275
        shoulder, elbow_at = at(0, up, 0.108 * side), at(elbow[0], up + elbow[1], 0.125 * side)
        wrist_at = at(wrist[0], up + wrist[1], 0.12 * side)
        fingers = at(wrist[0] + 0.012, up + wrist[1] - 0.03, 0.12 * side)
        parts.append((wrist_at, 0.019, fingers, 0.017, SKIN, light))
        parts.append((elbow_at, 0.033, wrist_at, 0.026, JACKET, light))
        parts.append((shoulder, 0.042, elbow_at, 0.034, JACKET, light))

    broad = 0.068 + 0.022 * beside
    arm(-near, 0.78)
    leg(-near, 0.75)
    leg(near, 1.0)
    parts.append((at(-0.105, hip_up + 0.10), 0.058, at(-0.095, hip_up + 0.235), 0.05, BAG, 1.0))
    parts.append((at(0, hip_up + 0.01), broad, at(0.005, hip_up + 0.14), broad, JACKET, 0.94))
    parts.append((at(0, hip_up + 0.13), broad, at(0.008, hip_up + 0.235), broad + 0.012, JACKET, 1.0))
    parts.append((at(0.01, hip_up + 0.30), 0.034, at(0.02, hip_up + 0.34), 0.032, SKIN, 0.85))
    parts.append((at(0.018, hip_up + 0.385), 0.046, at(0.024, hip_up + 0.405), 0.05, SKIN, 1.0))
    hair = hip_up + 0.416 + 0.018 * beside
    parts.append((at(-0.016, hair), 0.045, at(0.008, hair + 0.014), 0.043, HAIR, 1.0))
    arm(near, 1.08)
    return _outlines(parts, pose)


def _leg(phase: float, bend: float) -> tuple[Point, Point]:
    """Knee and ankle as seen from the hip: the thigh swings, the knee gives while the leg comes forward."""
    thigh = bend * np.sin(phase) + 0.1 * bend
    shin = thigh - 0.04 - 1.7 * bend * max(0.0, np.cos(phase + 0.35)) ** 2
    knee = (0.245 * np.sin(thigh), -0.245 * np.cos(thigh))
    return knee, (knee[0] + 0.235 * np.sin(shin), knee[1] - 0.235 * np.cos(shin))


def _outlines(
    parts: list[Capsule], pose: Pose
) -> tuple[NDArray[np.float64], list[tuple[float, float, float]]]:
    """Outlines and colours of the three shades of each capsule, in pixels of the picture."""
    start = np.array([part[0] for part in parts])
    end = np.array([part[2] for part in parts])
    radii = np.array([(part[1], part[3]) for part in parts])
    along = np.arctan2(*(end - start).T[::-1])
    turns = along[:, None] + np.concatenate((_HALF_TURN + np.pi, _HALF_TURN))
    circle = np.stack((np.cos(turns), np.sin(turns)), axis=-1)
    centres = np.repeat(np.stack((start, end), axis=1), _CORNERS, axis=1)
    thick = np.repeat(radii, _CORNERS, axis=1)[..., None]
    # The sun stands at the upper left: the lighter, thinner shades lie there.
    sunward = np.array((-0.48, 0.3))
    shades = [centres + thick * (circle * width + sunward * (1 - width)) for width, _ in SHADES]
    outlines: NDArray[np.float64] = np.stack(shades, axis=1).reshape(-1, 2 * _CORNERS, 2)
    outlines = outlines * (pose.height, -pose.height) + (pose.x, pose.foot)
    colors = [
        (color[0] * light * tone, color[1] * light * tone, color[2] * light * tone)
        for *_, color, light in parts
        for _, tone in SHADES
    ]
    return outlines, colors
