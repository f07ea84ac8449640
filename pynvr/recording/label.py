"""The label on the pictures of an event in encode mode."""

import math

import cv2

from pynvr.media.frame import Image

RED = (0, 0, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_label(image: Image, hold_left_s: float, corner: tuple[float, float] = (0.02, 0.02)) -> None:
    """Draw `MOTION DETECTED [n]` into the upper left of a BGR picture; n is in whole seconds, rounded up."""
    draw_text(image, f"MOTION DETECTED [{math.ceil(max(0.0, hold_left_s) - 1e-3)}]", RED, corner)


def draw_text(
    image: Image, text: str, colour: tuple[int, int, int], corner: tuple[float, float] = (0.02, 0.02)
) -> None:
    """Draw a line of text to suit a BGR picture; `colour` is BGR, `corner` its upper left, as fractions."""
    height, width = image.shape[:2]
    scale = max(0.3, min(width, height * 4 / 3) / 800)
    thickness = max(1, round(scale * 3))
    (_, text_height), _ = cv2.getTextSize(text, FONT, scale, thickness)
    origin = round(corner[0] * width), round(corner[1] * height) + text_height
    cv2.putText(image, text, origin, FONT, scale, colour, thickness, cv2.LINE_AA)
