"""What the tuning scripts draw: the detector's score, the zones, the 2x2 picture of the stages."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import cv2

from pynvr.detection.detector import Detection
from pynvr.media.frame import Gray, Image
from pynvr.recording.label import RED, draw_label, draw_text

GREEN = (0, 255, 0)
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
YELLOW = (0, 220, 255)

BELOW_A_NAME = (0.02, 0.09)
"""Upper left corner of a label below a pane's name, in fractions."""

PANE_LEAST_WIDTH_PX = 500

PANE_NAMES = ("source", "difference", "mask", "contours")


def draw_bar(image: Image, detection: Detection) -> None:
    """Draw the detector's score as a bar whose full length is twice the threshold, which is marked."""
    height, width = image.shape[:2]
    left, right = round(0.024 * width), round(0.6 * width)
    upper, lower = round(0.1 * height), round(0.135 * height)
    share = min(1.0, detection.score / (2 * detection.threshold)) if detection.threshold else 0.0
    cv2.rectangle(image, (left, upper), (right, lower), WHITE, 1)
    colour = RED if detection.motion else GREEN
    if share > 0:
        cv2.rectangle(image, (left, upper), (round(left + share * (right - left)), lower), colour, -1)
    middle = (left + right) // 2
    cv2.line(image, (middle, upper - 3), (middle, lower + 3), WHITE, 2)
    text = f"{detection.score:.0f} of {detection.threshold:.0f} px"
    draw_text(image, text, WHITE, (0.024, 0.155))


def draw_zones(image: Image, looked_at: Gray | None, corners: Sequence[tuple[float, float]]) -> None:
    """Darken what is not looked at (0 in `looked_at`, of any size), and draw the corners set so far."""
    height, width = image.shape[:2]
    if looked_at is not None:
        wide = cv2.resize(looked_at, (width, height), interpolation=cv2.INTER_NEAREST)
        image[wide == 0] //= 3
        outlines, _ = cv2.findContours(wide, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(image, outlines, -1, YELLOW, 1)
    points = [(round(x * width), round(y * height)) for x, y in corners]
    for start, end in pairwise(points):
        cv2.line(image, start, end, YELLOW, 1, cv2.LINE_AA)
    for point in points:
        cv2.circle(image, point, 3, YELLOW, -1, cv2.LINE_AA)


def state_of(armed: bool, detection: Detection, hold_left_s: float) -> str:
    """One or two words for what the detector's answer means at this moment."""
    if not armed:
        return "waiting"
    if detection.motion:
        return "motion"
    if hold_left_s > 0:
        return f"hold {math.ceil(hold_left_s - 1e-3)} s"
    return "waiting for the light" if detection.blind else "armed"


def mosaic(
    image: Image, detection: Detection, hold_left_s: float = 0.0, time_s: float | None = None, state: str = ""
) -> Image:
    """The detector's four stages as one picture, each pane as wide as the detector's picture, or 500 px.

    Upper left the source, with the label during an event; upper right the
    difference, and the time; lower left the mask, and the score as a bar; lower
    right the source with the contours of what moved, and the state.
    """
    import imutils  # imported here, since it takes 8 MB that a recorder does not need

    rows, columns = detection.gray.shape
    width = max(columns, PANE_LEAST_WIDTH_PX)
    height = max(1, round(rows * width / columns))
    source = cast(Image, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    contours = source.copy()
    if hold_left_s > 0:
        draw_label(source, hold_left_s, BELOW_A_NAME)
    mask = cv2.resize(detection.mask, (width, height), interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(contours, outlines, -1, GREEN, 2)
    # small differences matter, so they are shown four times as bright
    bright = cv2.resize(cv2.convertScaleAbs(detection.difference, alpha=4), (width, height))
    difference, white = (cast(Image, cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)) for gray in (bright, mask))
    panes = [source, difference, white, contours]
    for pane, name in zip(panes, PANE_NAMES, strict=True):
        draw_text(pane, name, BLACK, (0.024, 0.026))
        draw_text(pane, name, WHITE)
    draw_bar(white, detection)
    if time_s is not None:
        draw_text(difference, f"{time_s:.2f} s", WHITE, BELOW_A_NAME)
    draw_text(contours, state, BLACK, (BELOW_A_NAME[0] + 0.004, BELOW_A_NAME[1] + 0.006))
    draw_text(contours, state, WHITE, BELOW_A_NAME)
    return cast(Image, imutils.build_montages(panes, (width, height), (2, 2))[0])
