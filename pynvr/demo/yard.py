"""The yard in front of the drawn camera, painted once from a seed.

Everything stands in one simple perspective, so that what is measured in metres
gets its right size: the ground is painted as seen from above and then tilted
into the picture, upright things face the camera. The sun stands left behind
the camera; shadows fall to the right and away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np

from pynvr.demo.brushes import SUBPIXEL_BITS, Front, Map, lit, noise, ramp, scatter_leaves, shade, tinted
from pynvr.demo.house import paint_house
from pynvr.media.frame import Image

HORIZON, HOUSE_FOOT, TREE_FOOT = 0.16, 0.5, 0.535
"""Rows of the horizon and of the ground at house and tree, as fractions of the picture's height."""
HOUSE_CORNER, DOOR, WINDOW, TREE = 0.65, 0.22, 0.45, 0.87
"""From left to right, as fractions of the picture's width."""
FENCE_DISTANCE = 1.45
"""How far the fence is from the camera, in distances of the house."""
SUPERSAMPLED_BELOW_PX = 640_000
"""Pictures up to this size are painted at twice their width: finer texture, smoother edges."""

GRASS, SOIL, GRAVEL, SLAB = (52, 108, 96), (54, 69, 84), (124, 134, 142), (138, 146, 152)
WOOD, BARK, LEAF, HEDGE = (82, 108, 132), (52, 66, 80), (44, 98, 78), (42, 78, 62)
SKY_TOP, SKY_LOW = (226, 214, 202), (236, 234, 230)


@dataclass(frozen=True, slots=True)
class View:
    """How metres in the yard become pixels of a picture of `width` x `height`."""

    width: int
    height: int

    @property
    def horizon(self) -> float:
        """The horizon's row, pixels."""
        return HORIZON * self.height

    @property
    def house_foot(self) -> float:
        """The row where house and ground meet, pixels."""
        return HOUSE_FOOT * self.height

    @property
    def house_scale(self) -> float:
        """Pixels per metre at the house; a portrait shows less of the yard, not a thinner house."""
        return 0.115 * min(self.height, 0.8 * self.width)

    @property
    def fence_foot(self) -> float:
        """The row where fence and ground meet, pixels."""
        return self.horizon + (self.house_foot - self.horizon) / FENCE_DISTANCE

    def scale_at(self, foot: float) -> float:
        """Pixels per metre of what stands on the ground at row `foot`."""
        return self.house_scale * (foot - self.horizon) / (self.house_foot - self.horizon)

    def front_at(self, picture: Image, x: float, foot: float) -> Front:
        """An upright surface in `picture` that stands on the ground at x, foot, pixels."""
        return Front(picture, x, foot, self.scale_at(foot))


@lru_cache(maxsize=8)
def paint_yard(width: int, height: int, seed: int) -> Image:
    """The yard without anybody in it, height x width x 3 BGR; the same for the same arguments.

    The result is shared and therefore read-only.
    """
    factor = 2 if width * height <= SUPERSAMPLED_BELOW_PX else 1
    view = View(width * factor, height * factor)
    rng = np.random.default_rng(seed)
    sky = np.linspace(SKY_TOP, SKY_LOW, view.height, dtype=np.float32).astype(np.uint8)
    picture = np.repeat(sky[:, None], view.width, axis=1)
    _paint_hedge(picture, view, rng)
    _paint_ground(picture, view, rng)
    _paint_fence(picture, view, rng)
    house = view.front_at(picture, 0, view.house_foot)
    corner, door, window = (place * view.width / house.scale for place in (HOUSE_CORNER, DOOR, WINDOW))
    paint_house(house, corner, door, window, rng)
    _paint_tree(picture, view, rng)
    if factor > 1:
        picture = cast(Image, cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    picture = _through_the_lens(picture)
    picture.flags.writeable = False
    return picture


def _paint_hedge(picture: Image, view: View, rng: np.random.Generator) -> None:
    """Bushes and far trees behind the fence."""
    spot = view.front_at(picture, HOUSE_CORNER * view.width, view.fence_foot)
    wide = (view.width - spot.x) / spot.scale
    spot.box(0, 0, wide, 2.0, lit(HEDGE, 0.6))
    count = 3200
    x = rng.uniform(-1, wide + 1, count)
    crest = 2.9 + 0.55 * np.sin(1.1 * x + 1.0) + 0.35 * np.sin(2.9 * x)
    rise = np.sqrt(rng.uniform(0.05, 1, count))
    light = 0.55 + 0.5 * rise**2 + rng.normal(0, 0.14, count)
    at = np.column_stack((spot.x + x * spot.scale, spot.foot - rise * crest * spot.scale))
    scatter_leaves(picture, at, 0.1 * spot.scale, HEDGE, light, rng)


def _paint_fence(picture: Image, view: View, rng: np.random.Generator) -> None:
    """Weathered boards on two rails, from the corner of the house to the right edge."""
    fence = view.front_at(picture, HOUSE_CORNER * view.width, view.fence_foot)
    wide = (view.width - fence.x) / fence.scale
    for rail in (0.26, 1.16):
        fence.box(0, rail, wide, rail + 0.09, lit(WOOD, 0.55))
    for left in np.arange(-0.14, wide, 0.145).tolist():
        top = 1.62 + rng.normal(0, 0.012)
        tone = lit(WOOD, rng.normal(0.92, 0.09))
        fence.box(left, -0.03, left + 0.115, top, tone)
        fence.box(left + 0.1, 0, left + 0.115, top, lit(tone, 0.72))
    boards = fence.area(0, 0, wide, 1.6)
    shade(boards, ramp(1.06, 0.78, boards.shape[0]) * (1 + 0.07 * noise(rng, boards.shape, (2.0, 30.0), 3)))


def _paint_tree(picture: Image, view: View, rng: np.random.Generator) -> None:
    """A tree on the lawn: branches that fork three times, and leaves around their ends."""
    spot = view.front_at(picture, TREE * view.width, TREE_FOOT * view.height)
    wood = np.zeros(picture.shape[:2], np.uint8)
    twigs: list[tuple[float, float]] = []

    def branch(base: tuple[float, float], tip: tuple[float, float], thick: float, thin: float) -> None:
        along = np.subtract(tip, base) / np.hypot(*np.subtract(tip, base))
        side = np.array((-along[1], along[0]))
        metres = np.array([base + side * thick, tip + side * thin, tip - side * thin, base - side * thick])
        corners = metres * (spot.scale, -spot.scale) + (spot.x, spot.foot)
        pixels = np.round(corners * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(wood, pixels, 255, cv2.LINE_AA, SUBPIXEL_BITS)

    def grow(base: tuple[float, float], angle: float, length: float, thick: float, forks: int) -> None:
        tip = (base[0] + length * np.sin(angle), base[1] + length * np.cos(angle))
        branch(base, tip, thick, 0.72 * thick)
        if forks < 3:
            twigs.append(tip)
        if forks:
            for turn in (-0.5, 0.08, 0.55):
                bend = angle + turn + rng.normal(0, 0.12)
                grow(tip, bend, length * rng.uniform(0.6, 0.8), 0.6 * thick, forks - 1)

    branch((0, 0), (0, 0.35), 0.24, 0.155)
    grow((0, 0), -0.04, 1.75, 0.15, 3)
    grain = noise(rng, wood.shape, (0.05 * spot.scale, 0.3 * spot.scale), 3)
    from_the_sun = np.clip((np.arange(view.width) - spot.x) / (0.2 * spot.scale), -1, 1)
    bark = np.clip(tinted(BARK, 1 - 0.36 * from_the_sun[None] + 0.17 * grain), 0, 255)
    cover = (wood / np.float32(255))[..., None]
    picture[:] = picture * (1 - cover) + bark * cover

    count = 5200
    leaves = np.array(twigs)[rng.integers(0, len(twigs), count)] + rng.normal(0, (0.42, 0.3), (count, 2))
    light = 0.88 - 0.13 * leaves[:, 0] + rng.normal(0, 0.2, count)
    back_to_front = np.argsort(light)
    at = leaves[back_to_front] * (spot.scale, -spot.scale) + (spot.x, spot.foot)
    scatter_leaves(picture, at, 0.055 * spot.scale, LEAF, light[back_to_front], rng)


def _paint_ground(picture: Image, view: View, rng: np.random.Generator) -> None:
    """Lawn, gravel along the house and a slab path, painted from above and tilted into the picture."""
    focal = 0.85 * view.width
    near, house = focal / view.scale_at(1.02 * view.height), focal / view.house_scale
    far = house * FENCE_DISTANCE * 1.02
    reach = 0.55 * view.width / view.scale_at(view.fence_foot)
    # Pixels per metre across and, since the ground is seen at a slant, half as many along.
    grain = 0.5 * view.scale_at(view.height)
    columns, rows = int(2 * reach * grain), int((far - near) * grain / 2)
    east = np.linspace(-reach, reach, columns, dtype=np.float32)[None]
    north = np.linspace(near, far, rows, dtype=np.float32)[:, None]
    door, corner = ((place - 0.5) * view.width / view.house_scale for place in (DOOR, HOUSE_CORNER))
    plan = _from_above(east, north, (door, corner, house), grain, rng)
    # A point (east, north) on the ground is seen in column width / 2 + focal * east / north
    # and in row horizon + focal * camera_height / north.
    camera_height = (view.house_foot - view.horizon) / view.house_scale
    tilt = np.array([[focal, view.width / 2, 0], [0, view.horizon, camera_height * focal], [0, 1, 0]])
    metres = np.array([[1 / grain, 0, -reach], [0, 2 / grain, near], [0, 0, 1]])
    seen = cv2.warpPerspective(plan, tilt @ metres, (view.width, view.height), flags=cv2.INTER_LINEAR)
    top = int(view.fence_foot)
    picture[top:] = seen[top:]


def _from_above(
    east: Map, north: Map, house_at: tuple[float, float, float], grain: float, rng: np.random.Generator
) -> Image:
    """The ground as a map, rows x columns x 3 BGR, of which `grain` pixels are a metre across.

    `east` (1 x columns) and `north` (rows x 1) are metres from the camera;
    `house_at` is how far east door and corner of the house are, and how far north its front.
    """
    door, corner, house = house_at
    shape = (north.shape[0], east.shape[1])
    patches = noise(rng, shape, (1.3 * grain, 0.65 * grain), 4)
    blades = noise(rng, shape, (0.016 * grain + 1, 2.4), 2)
    mown = np.sign(np.sin(2 * np.pi * (east + 0.25 * north) / 1.1))
    plan = tinted(GRASS, 1 + 0.07 * patches + 0.19 * blades + 0.03 * mown) + tinted((1, 2, 6), patches)

    ragged = 0.07 * noise(rng, shape, (0.3 * grain, 0.15 * grain), 3)
    gravel = (north + ragged > house - 0.55) & (north < house) & (east + ragged < corner)
    plan[gravel] = tinted(GRAVEL, 1 + 0.17 * noise(rng, shape, (0.03 * grain + 1, 2.0), 2))[gravel]

    # The path: slabs of 0.6 m in two columns, each of its own tone, with soil in the joints.
    along, across = (north - house) / 0.6, (east - door - 0.1 * (house - north)) / 0.6
    path = (np.abs(across) < 1) & (north < house)
    tones = rng.normal(1, 0.07, (64, 2))
    tone = tones[np.floor(along).astype(int) % 64, (across > 0).astype(int)]
    slabs = tinted(SLAB, tone + 0.06 * noise(rng, shape, (0.5 * grain, 0.25 * grain), 5))
    joint = np.minimum(np.abs(along - np.round(along)), np.abs(across - np.round(across))) < 0.035
    slabs[joint] = SOIL
    plan[path] = slabs[path]

    # The lawn is darker next to the path's edge, and paving where house and ground meet.
    paved = path | gravel
    light = np.where(paved, 1, 0.72 + 0.28 * np.clip((np.abs(across) - 1) / 0.16, 0, 1))
    light *= 1 - 0.4 * paved * np.exp(-np.abs(house - north) / 0.22)
    light *= _dappled_shade(east, north, house, noise(rng, shape, (0.35 * grain, 0.18 * grain), 3))
    return cast(Image, np.clip(plan * light[..., None], 0, 255).astype(np.uint8))


def _dappled_shade(east: Map, north: Map, house: float, leaves: Map) -> Map:
    """Light under the tree and under a second one that stands outside the picture on the left."""
    shade_of_both = np.zeros_like(leaves)
    for x, y, radius in ((0.5 * house, 1.02 * house, 1.9), (-0.36 * house, 0.58 * house, 1.7)):
        distance = np.hypot(east - x, (north - y) * 1.5) / radius
        shade_of_both = np.maximum(shade_of_both, 1.25 - distance + 0.28 * leaves)
    return cast(Map, 1 - 0.42 * np.clip(2.2 * shade_of_both, 0, 1))


def _through_the_lens(picture: Image) -> Image:
    """What a cheap camera adds: warm and cool light, pale colours, dark corners, softness, hard edges."""
    height, width = picture.shape[:2]
    y, x = ramp(-0.5, 0.5, height), ramp(-0.5, 0.5, width).T
    warm = np.clip(0.5 - 0.8 * x - 0.5 * y, 0, 1)
    tint = tinted((1, 1, 1), warm) * np.array((-0.2, 0.01, 0.16), np.float32) + np.array((1.1, 0.99, 0.93))
    vignette = 1.06 - 0.62 * (x * x + y * y)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None]
    pale = 0.82 * picture + 0.18 * grey
    light = (pale * tint * 0.95 * vignette[..., None] + 10).astype(np.float32)
    soft = cv2.GaussianBlur(light, (0, 0), 0.0008 * width + 0.15)
    halo = cv2.GaussianBlur(soft, (0, 0), 0.0022 * width + 0.3)
    return cast(Image, np.clip(1.5 * soft - 0.5 * halo, 0, 255).astype(np.uint8))
