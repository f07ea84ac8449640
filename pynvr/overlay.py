"""What is drawn onto pictures for people: the label of an event and the 2x2 picture of the stages."""

from __future__ import annotations

import math
from typing import cast

import cv2

from pynvr.detector import Detection
from pynvr.frame import Image

RED = (0, 0, 255)
GREEN = (0, 255, 0)
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX

BELOW_A_NAME = (0.02, 0.09)
"""Corner for a label in a pane that bears its name."""

PANE_NAMES = ("source", "difference", "mask", "contours")


def draw_label(image: Image, hold_left_s: float, corner: tuple[float, float] = (0.02, 0.02)) -> None:
    """Draw `MOTION DETECTED [n]` into the upper left of a BGR picture; n is in whole seconds, rounded up."""
    draw_text(image, f"MOTION DETECTED [{math.ceil(max(0.0, hold_left_s) - 1e-3)}]", RED, corner)


def draw_text(
    image: Image, text: str, colour: tuple[int, int, int], corner: tuple[float, float] = (0.02, 0.02)
) -> None:
    """Draw a line of text of a size that suits the picture; `corner` is its upper left, in fractions."""
    height, width = image.shape[:2]
    scale = max(0.3, min(width, height * 4 / 3) / 800)
    thickness = max(1, round(scale * 3))
    (_, text_height), _ = cv2.getTextSize(text, FONT, scale, thickness)
    origin = round(corner[0] * width), round(corner[1] * height) + text_height
    cv2.putText(image, text, origin, FONT, scale, colour, thickness, cv2.LINE_AA)


def mosaic(image: Image, detection: Detection, hold_left_s: float = 0.0) -> Image:
    """The detector's four stages as one picture, each pane as large as the detector's picture.

    Upper left the source, with the label during an event; upper right the
    difference; lower left the mask; lower right the source with the contours of
    what moved.
    """
    import imutils  # here, since it brings 8 MB that a recorder does not need

    height, width = detection.gray.shape
    source = cast(Image, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    contours = source.copy()
    if hold_left_s > 0:
        draw_label(source, hold_left_s, BELOW_A_NAME)
    cv2.drawContours(contours, detection.contours(), -1, GREEN, 2)
    panes = [
        source,
        # small differences are what matters: shown four times as bright as they are
        cv2.cvtColor(cv2.convertScaleAbs(detection.difference, alpha=4), cv2.COLOR_GRAY2BGR),
        cv2.cvtColor(detection.mask, cv2.COLOR_GRAY2BGR),
        contours,
    ]
    for pane, name in zip(panes, PANE_NAMES, strict=True):
        draw_text(cast(Image, pane), name, BLACK, (0.024, 0.026))
        draw_text(cast(Image, pane), name, WHITE)
    return cast(Image, imutils.build_montages(panes, (width, height), (2, 2))[0])
