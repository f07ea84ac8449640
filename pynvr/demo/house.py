"""The house of the drawn scene: brick and plaster, a door, a window, a roof, and what stands before it.

All lengths are metres on its front, from the left edge of the picture or from the thing's own middle.
"""

from __future__ import annotations

import numpy as np

from pynvr.demo.brushes import Front, lit, noise, ramp, scatter_leaves, shade

EAVES_M, PLINTH_M = 3.0, 0.62
SLATE, PLASTER, MORTAR, BRICK = (74, 70, 68), (158, 182, 194), (128, 138, 146), (72, 86, 128)
WHITE, STONE, METAL, PANE = (206, 210, 212), (172, 178, 181), (120, 122, 122), (58, 54, 48)
DOOR, BRASS, LAMP, LAMPLIGHT = (58, 66, 44), (150, 172, 180), (40, 42, 44), (176, 204, 212)
SHRUB, BLOSSOM, BIN = (74, 104, 92), (150, 98, 118), (66, 72, 66)


def paint_house(front: Front, corner: float, door: float, window: float, rng: np.random.Generator) -> None:
    """Paint the front from the picture's left edge to `corner`; door and window have their middles there."""
    front.box(0, 0, corner, EAVES_M, PLASTER)
    _weather(front, corner, rng)
    _lay_bricks(front, corner, rng)
    front.box(0, PLINTH_M - 0.02, corner, PLINTH_M + 0.03, lit(MORTAR, 1.2))
    front.shadow(0, EAVES_M - 0.42, corner, EAVES_M, 0.58, 0.1)
    _paint_window(front.at(window, 0.95), rng)
    _paint_door(front.at(door), rng)
    _paint_lamp(front.at(door + 0.82, 1.85))
    _paint_pipe(front.at(corner - 0.28))
    _paint_shrub(front.at(window), rng)
    _paint_bin(front.at(corner - 1.0, -0.06))
    _paint_roof(front, corner + 0.35, rng)


def _weather(front: Front, corner: float, rng: np.random.Generator) -> None:
    """Rough plaster with streaks, and the shade of the tree's leaves on the side next to it."""
    wall = front.area(0, 0, corner, EAVES_M)
    streaks = noise(rng, wall.shape, (0.5 * front.scale, 1.4 * front.scale), 5)
    leaves = noise(rng, wall.shape, (0.4 * front.scale, 0.3 * front.scale), 3)
    tree = np.linspace(-3.2, 0.9, wall.shape[1], dtype=np.float32)[None]
    shade(wall, 1 + 0.035 * streaks + 0.035 * noise(rng, wall.shape, (2.0, 2.0), 2))
    shade(wall, 1 - 0.2 * np.clip(1.8 * (tree + 0.6 * leaves), 0, 1))


def _lay_bricks(front: Front, corner: float, rng: np.random.Generator) -> None:
    """Courses in running bond, each brick with its own tone; dirt splashes up from the ground."""
    front.box(0, 0, corner, PLINTH_M, MORTAR)
    course, length = 0.0775, 0.25
    for row, y in enumerate(np.arange(0, PLINTH_M - course, course).tolist()):
        for x in np.arange(-(row % 2) * length / 2, corner, length).tolist():
            tone = lit(BRICK, rng.normal(1, 0.15))
            front.box(x, y, min(corner, x + 0.95 * length), y + 0.86 * course, tone)
    plinth = front.area(0, 0, corner, PLINTH_M)
    shade(plinth, ramp(1.05, 0.74, plinth.shape[0]) + 0.06 * noise(rng, plinth.shape, (2.0, 2.0), 2))


def _paint_window(sill: Front, rng: np.random.Generator) -> None:
    """Two panes with curtains and a clouded reflection."""
    sill.shadow(-0.75, -0.25, 0.9, 0, 0.66, 0.07)
    sill.box(-0.82, 0, 0.82, 1.37, WHITE)
    sill.shadow(-0.82, 1.3, 0.82, 1.37, 0.72, 0.03)
    for left, right, curtain in ((-0.74, -0.03, (-0.74, -0.52)), (0.03, 0.74, (0.52, 0.74))):
        sill.box(left, 0.07, right, 1.3, PANE)
        glass = sill.area(left, 0.07, right, 1.3)
        fading = ramp(1.9, 0.85, glass.shape[0])
        slanting = np.linspace(0, 1, glass.shape[1])[None] > fading / 2
        clouds = noise(rng, glass.shape, (0.3 * sill.scale, 0.25 * sill.scale), 3)
        shade(glass, fading + 0.25 * clouds + 0.3 * slanting)
        cloth = sill.area(curtain[0], 0.07, curtain[1], 1.3)
        folds = 0.1 * np.sin(np.arange(cloth.shape[1]) / (0.02 * sill.scale))
        cloth[:] = (0.55 * cloth + 68) * (1 + folds)[None, :, None]
    sill.box(-0.89, -0.05, 0.89, 0.02, STONE)
    sill.box(-0.89, -0.08, 0.89, -0.05, lit(STONE, 0.52))


def _paint_door(door: Front, rng: np.random.Generator) -> None:
    """A panelled door in a white frame, with a step."""
    door.box(-0.59, 0, 0.59, 2.21, WHITE)
    door.box(-0.5, 0, 0.5, 2.12, DOOR)
    for bottom, top in ((0.14, 0.65), (0.8, 1.12), (1.27, 1.94)):
        for left, right in ((-0.39, -0.05), (0.05, 0.39)):
            door.box(left, bottom, right, top, lit(DOOR, 0.62))
            door.box(left + 0.03, bottom, right, top - 0.03, lit(DOOR, 1.28))
            door.box(left + 0.03, bottom + 0.03, right - 0.03, top - 0.03, lit(DOOR, 1.05))
    leaf = door.area(-0.5, 0, 0.5, 2.12)
    shade(leaf, 1 + 0.06 * noise(rng, leaf.shape, (2.0, 0.5 * door.scale), 3))
    door.shadow(-0.5, 1.96, 0.5, 2.12, 0.6)
    door.shadow(-0.5, 0, -0.42, 2.12, 0.6, 0.04)
    door.box(0.39, 0.9, 0.43, 1.04, BRASS)
    door.shadow(-0.75, -0.2, 0.87, 0, 0.62)
    door.box(-0.75, -0.05, 0.75, 0.05, STONE)
    door.box(-0.75, -0.15, 0.75, -0.05, lit(STONE, 0.6))


def _paint_lamp(lamp: Front) -> None:
    lamp.shadow(0, -0.34, 0.22, 0, 0.7)
    lamp.box(-0.07, -0.26, 0.07, 0.05, LAMP)
    lamp.box(-0.045, -0.21, 0.045, 0, LAMPLIGHT)


def _paint_pipe(pipe: Front) -> None:
    pipe.shadow(0.06, 0, 0.2, EAVES_M, 0.75)
    pipe.box(0, 0, 0.09, EAVES_M, METAL)
    pipe.box(0, 0, 0.035, EAVES_M, lit(METAL, 1.37))


def _paint_shrub(spot: Front, rng: np.random.Generator) -> None:
    """Lavender: dark at the foot, blossoms on top."""
    spot.shadow(-0.9, -0.22, 1.0, 0.02, 0.6, 0.09)
    count = 1500
    x = np.clip(rng.normal(0, 0.42, count), -0.9, 0.9)
    rise = rng.uniform(-0.2, 1, count)
    y = rise * (0.62 - 0.35 * x**2 + 0.07 * np.sin(9 * x))
    light = 0.62 + 0.75 * y - 0.12 * x + rng.normal(0, 0.15, count)
    at = np.column_stack((spot.x + x * spot.scale, spot.foot - y * spot.scale))
    back_to_front = np.argsort(light)
    scatter_leaves(spot.picture, at[back_to_front], 0.045 * spot.scale, SHRUB, light[back_to_front], rng)
    blossoms = at[(y > 0.3) & (rng.uniform(0, 1, count) < 0.16)]
    tones = rng.normal(1, 0.14, len(blossoms))
    scatter_leaves(spot.picture, blossoms, 0.035 * spot.scale, BLOSSOM, tones, rng)


def _paint_bin(spot: Front) -> None:
    """A wheeled bin."""
    spot.shadow(-0.25, 0.1, 0.46, 0.9, 0.72, 0.07)
    spot.shadow(-0.3, -0.07, 0.5, 0.06, 0.6)
    for left, light in ((-0.29, 1.0), (-0.06, 0.84), (0.13, 0.66)):
        spot.box(left, 0, 0.29, 1.0, lit(BIN, light))
    for rib in (-0.1, 0.08):
        spot.box(rib, 0.1, rib + 0.02, 0.9, lit(BIN, 0.7))
    spot.box(-0.33, 0.95, 0.33, 0.985, lit(BIN, 0.5))
    spot.box(-0.33, 0.97, 0.33, 1.07, lit(BIN, 1.5))


def _paint_roof(front: Front, right: float, rng: np.random.Generator) -> None:
    """Rows of slates up to the picture's edge, and the gutter."""
    course, length = 0.16, 0.3
    ridge = front.foot / front.scale
    front.box(0, EAVES_M, right, ridge, lit(SLATE, 0.6))
    for row, y in enumerate(np.arange(EAVES_M + 0.1, ridge, course).tolist()):
        for x in np.arange(-(row % 2) * length / 2, right, length).tolist():
            end = min(right, x + length) - 0.018
            front.box(x, y + 0.03, end, y + course, lit(SLATE, rng.normal(1, 0.09)))
    roof = front.area(0, EAVES_M, right, ridge)
    shade(roof, 1 + 0.06 * noise(rng, roof.shape, (0.3 * front.scale, 0.3 * front.scale), 5))
    front.box(0, EAVES_M - 0.03, right, EAVES_M + 0.12, METAL)
    front.box(0, EAVES_M + 0.075, right, EAVES_M + 0.12, lit(METAL, 1.4))
