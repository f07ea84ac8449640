"""The label on the pictures of an event in encode mode."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from pynvr.media.frame import I420, Image, as_i420, planes_of

RED = (0, 0, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
CORNER = 0.02, 0.02
LABEL_SHARE, LABEL_LINES = 0.07, 16
"""The label reaches down so far: a share of the height, and lines, for letters have a smallest size."""


def draw_label(image: Image, hold_left_s: float, corner: tuple[float, float] = CORNER) -> None:
    """Draw `MOTION DETECTED [n]` into the upper left of a BGR picture; n is in whole seconds, rounded up."""
    draw_text(image, _label(hold_left_s), RED, corner)


def label_video(picture: I420, hold_left_s: float) -> None:
    """Draw it into an I420 picture: only the lines that it needs become BGR for a moment."""
    planes = planes_of(picture)
    height, width = planes.brightness.shape
    lines = min(height, round(LABEL_SHARE * height) + LABEL_LINES) // 4 * 4  # whole rows of the colours
    if not lines:
        return
    upper = [plane[: lines * len(plane) // height] for plane in planes]
    strip = np.concatenate([part.reshape(-1, width) for part in upper])
    image = cast(Image, cv2.cvtColor(strip, cv2.COLOR_YUV2BGR_I420))
    draw_text(image, _label(hold_left_s), RED, size=(width, height))
    drawn = planes_of(as_i420(image))
    for part, plane in zip(upper, drawn, strict=True):
        part[:] = plane


def draw_text(
    image: Image,
    text: str,
    colour: tuple[int, int, int],
    corner: tuple[float, float] = CORNER,
    size: tuple[int, int] | None = None,
) -> None:
    """Draw a line of text that suits a picture of `size` (width, height), by default the image's own.

    `corner` is the text's upper left, in fractions of it.
    """
    width, height = size or (image.shape[1], image.shape[0])
    scale = max(0.3, min(width, height * 4 / 3) / 800)
    thickness = max(1, round(scale * 3))
    (_, text_height), _ = cv2.getTextSize(text, FONT, scale, thickness)
    origin = round(corner[0] * width), round(corner[1] * height) + text_height
    cv2.putText(image, text, origin, FONT, scale, colour, thickness, cv2.LINE_AA)


def _label(hold_left_s: float) -> str:
    return f"MOTION DETECTED [{math.ceil(max(0.0, hold_left_s) - 1e-3)}]"
