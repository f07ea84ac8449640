"""A frame number that programs can read, drawn as black and white blocks along the bottom edge.

Each of 24 bits is a pair of blocks, black and white or white and black: a bit is
read by comparing its two blocks, whatever compression did to their levels, and
a pair that is not clearly one or the other shows that this is no strip or a
damaged one, so every bit carries its own check. Four blocks at either end, which no pairs could
form, say where it is and how far black and white are apart.

The number is in Gray code: from one frame to the next a single pair changes,
too small an area for the motion detectors. The robust one compares with a picture of a
second ago, since when several pairs have changed; so in large pictures the strip is relatively smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pynvr.media.frame import Image

BITS = 24
COLUMNS = 64
"""A small picture's width in blocks; the strip takes the middle ones. A large one's is a multiple of it."""
SHRUNK = range(1, 7)
"""These multiples: up to 3840 pixels of width."""
LARGEST_BLOCK_PX = 10
"""A codec keeps a block of so many pixels in pictures of any size; larger ones would look like motion."""
BLACK, WHITE = 24, 232
MINIMAL_CONTRAST = 60
"""Grey levels between black and white; below that nothing is believed."""

_BEGIN, _END = (1, 1, 0, 0), (0, 0, 1, 1)
_BLOCKS = len(_BEGIN) + 2 * BITS + len(_END)
_WEIGHTS = 1 << np.arange(BITS)[::-1]


def draw_frame_number(image: Image, number: int) -> None:
    """Draw `number` (its lowest 24 bits) into a BGR picture at least 64 pixels wide."""
    number &= (1 << BITS) - 1
    gray_code = number ^ (number >> 1)
    bits = (gray_code & _WEIGHTS) != 0
    blocks = np.concatenate((_BEGIN, np.stack((bits, ~bits), axis=1).ravel(), _END))
    columns = _columns(image.shape[1])
    edges = _edges(image.shape[1], columns)
    levels = np.where(blocks, WHITE, BLACK).astype(np.uint8)
    tall = _height(image.shape[1], columns)
    image[-tall:, edges[0] : edges[-1]] = np.repeat(levels, np.diff(edges))[:, None]


def read_frame_number(image: Image) -> int | None:
    """The number in the strip of a BGR picture, scaled or compressed or not; None where no valid one is."""
    found = (_read(image, columns) for columns in _all_columns(image.shape[1]))
    return next((number for number in found if number is not None), None)


def _read(image: Image, columns: int) -> int | None:
    height, width = image.shape[:2]
    tall = _height(width, columns)
    if width < columns or height < tall:
        return None
    rows = image[height - tall + tall // 4 : height - tall // 4]
    profile = rows.mean(axis=(0, 2))
    blocks = _block_means(profile, columns)
    begin, pairs, end = np.split(blocks, [len(_BEGIN), _BLOCKS - len(_END)])
    marks, expected = np.concatenate((begin, end)), np.array(_BEGIN + _END, bool)
    black, white = marks[~expected].max(), marks[expected].min()
    differences = pairs[0::2] - pairs[1::2]
    contrast = white - black
    if contrast < MINIMAL_CONTRAST or np.abs(differences).min() < contrast / 2:
        return None
    # Undoing Gray code: each bit is the parity of itself and all higher ones.
    bits = np.cumsum(differences > 0) % 2
    return int(bits @ _WEIGHTS)


def _columns(width: int) -> int:
    """The width of a picture in blocks: in a large one they are no larger than in one of 640 pixels."""
    return COLUMNS * max(1, round(width / LARGEST_BLOCK_PX / COLUMNS))


def _all_columns(width: int) -> list[int]:
    """What the width may be in blocks, the likeliest first; a picture may have been scaled since."""
    likeliest = _columns(width)
    return [likeliest, *(COLUMNS * size for size in SHRUNK if COLUMNS * size != likeliest)]


def _height(width: int, columns: int) -> int:
    """Of the strip in pixels: enough for a codec to keep, too little to count as motion."""
    return max(2, round(0.7 * width / columns))


def _edges(width: int, columns: int) -> NDArray[np.intp]:
    """Where the blocks begin, and where the last one ends."""
    first = (columns - _BLOCKS) // 2
    return np.round((np.arange(_BLOCKS + 1) + first) * width / columns).astype(np.intp)


def _block_means(profile: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Mean of the middle of each block, away from neighbours that compression smears in."""
    edges = _edges(len(profile), columns)
    margins = np.diff(edges) // 4
    return np.array(
        [
            profile[left + margin : right - margin].mean()
            for left, right, margin in zip(edges[:-1], edges[1:], margins, strict=True)
        ]
    )
