"""Which parts of the picture are looked at: a mask drawn by hand, and polygons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, cast

import cv2
import numpy as np

from pynvr.errors import SettingsError
from pynvr.media.frame import Gray, Image

DARK = 128
"""Who has painted darker than this meant black."""

Region: TypeAlias = Sequence[tuple[float, float]]
"""Corners (x, y) of a polygon, as fractions of the picture's width and height."""

FINE = 8
"""Corners are rounded to a 256th of a pixel."""


class Zones:
    """What counts: where the mask is not black, and inside one of the regions if there are any."""

    def __init__(self, mask: Gray | None = None, regions: Sequence[Region] = ()) -> None:
        self._mask = mask
        self._regions = regions
        self._drawn: dict[tuple[int, int], Gray] = {}

    def __bool__(self) -> bool:
        return self._mask is not None or bool(self._regions)

    def with_regions(self, regions: Sequence[Region]) -> Zones:
        """The same mask with other regions."""
        return Zones(self._mask, regions)

    def drawn(self, width: int, height: int) -> Gray | None:
        """255 where the picture is looked at, 0 elsewhere; None where it is looked at everywhere."""
        if not self:
            return None
        if (width, height) not in self._drawn:
            self._drawn = {(width, height): self._draw(width, height)}  # pictures seldom change their size
        return self._drawn[width, height]

    def shown(self, gray: Gray) -> Gray:
        """The picture, black where it is not looked at: what is hidden spreads nowhere by blurring."""
        visible = self.drawn(gray.shape[1], gray.shape[0])
        return gray if visible is None else cast(Gray, cv2.bitwise_and(gray, visible))

    def _draw(self, width: int, height: int) -> Gray:
        looked_at = np.full((height, width), 0 if self._regions else 255, np.uint8)
        for region in self._regions:
            corners = np.array(region) * (width, height) - 0.5
            fixed = np.round(corners * (1 << FINE)).astype(np.int32)
            cv2.fillPoly(looked_at, [fixed], 255, shift=FINE)
        if self._mask is not None:
            # a pixel is ignored if any part of it is
            scaled = cv2.resize(self._mask, (width, height), interpolation=cv2.INTER_AREA)
            looked_at[scaled < 255] = 0
        return looked_at


def load_mask(path: Path) -> Gray:
    """Read a grey PNG, in which black is to be ignored, as 0 and 255; raises SettingsError."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SettingsError(f"MOTION_MASK = {str(path)!r}: {error.strerror}") from None
    mask = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if mask is None:
        raise SettingsError(f"MOTION_MASK = {str(path)!r}: is not a picture that OpenCV can read")
    whole = cast(Image, cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
    if whole.shape[2:] == (4,) and not whole[..., 3].all():
        raise SettingsError(
            f"MOTION_MASK = {str(path)!r}: is transparent in places; fill them with black or white"
        )
    if not mask.any():
        raise SettingsError(f"MOTION_MASK = {str(path)!r}: is all black, so nothing would ever be motion")
    if 0 < mask.min() < DARK:
        raise SettingsError(
            f"MOTION_MASK = {str(path)!r}: has dark parts that are not quite black, so everything would be "
            "looked at"
        )
    return cast(Gray, np.where(mask > 0, 255, 0).astype(np.uint8))
