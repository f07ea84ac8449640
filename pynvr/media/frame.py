"""A picture of a camera with its two times, and the gap between two pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Height x width x 3, 8 bits, channels in the order blue, green, red."""
Gray: TypeAlias = NDArray[np.uint8]
"""Height x width, 8 bits."""

JPEG_QUALITY = 90

TIME_TOLERANCE_S = 0.0005
"""Stream times come as milliseconds in floating point; smaller differences do not count."""
SMALLEST_STEP_S = 0.001
"""Times of frames and packets increase strictly, by at least this."""
DEFAULT_FPS = 25.0
"""Assumed for a stream that tells no rate, or an impossible one."""


class Encoding(IntEnum):
    """How a frame keeps its picture. Each encoding takes less memory than the one before."""

    BGR = 0
    """As `Image` has it, 3 bytes a pixel."""
    I420 = 1
    """1.5 bytes a pixel, 1.5 x height rows: first the brightness, then both colour planes at half the size.
    Hardly anything is lost, since video is encoded from it."""
    JPEG = 2
    """About a tenth of I420, with hardly visible loss."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera, as it came or as it waits in memory."""

    data: NDArray[np.uint8]
    """The whole picture as `encoding` has it; or the detector's small grey one, if no more is needed."""
    time: float
    """Seconds, strictly increasing within one source; every duration is a difference of these."""
    utc: datetime
    """Wall clock, for names, logs, the index and events only."""
    index: int
    """Counts the frames of one source from 0."""
    lost_before: int = 0
    """How many pictures between the previous frame and this one could not be decoded."""
    jpeg: NDArray[np.uint8] | None = None
    """The whole picture as JPEG, from time to time, if `data` is the small grey one."""
    encoding: Encoding = Encoding.BGR

    key = True
    """A picture needs no other; a packet may need the packets before it."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the pictures take."""
        return self.data.nbytes + (0 if self.jpeg is None else self.jpeg.nbytes)

    @property
    def image(self) -> Image:
        """The picture as BGR, decoded at each call unless it is kept so; or the small grey one."""
        if self.encoding is Encoding.BGR:
            return self.data
        if self.encoding is Encoding.I420:
            return cast(Image, cv2.cvtColor(self.data, cv2.COLOR_YUV2BGR_I420))
        return cast(Image, cv2.imdecode(self.data, cv2.IMREAD_COLOR))

    def encoded(self, encoding: Encoding) -> Frame:
        """The same frame in another encoding; itself if its own takes no more memory.

        I420 halves the colours, so a picture of odd width or height stays BGR.
        """
        if encoding <= self.encoding:
            return self
        image = self.image
        if encoding is Encoding.JPEG:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        elif image.shape[0] % 2 or image.shape[1] % 2:
            return self
        else:
            data = cast(NDArray[np.uint8], cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420))
        return replace(self, data=data, encoding=encoding)

    def packed(self) -> Frame:
        """The same frame in as little memory as possible: as JPEG."""
        return self.encoded(Encoding.JPEG)


@dataclass(frozen=True, slots=True)
class Gap:
    """Separates two frames that do not belong together: the camera was lost, or its picture changed size.

    A source yields the gap when it happens, not with the next frame, which may come hours later: an open
    recording has to be closed now.
    """

    reason: str
    lost_before: int = 0
    """How many pictures since the previous frame could not be decoded."""
