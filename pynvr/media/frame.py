"""One picture of a camera with its two times, and the gap between two pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
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
"""Stream times come as milliseconds in floating point; a smaller difference is none."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the camera gave it."""

    image: Image
    """Or what is looked at of it, where nothing else is wanted."""
    time: float
    """Seconds, strictly increasing within one source; every duration is a difference of these."""
    utc: datetime
    """Wall clock, for names, logs and the index only."""
    index: int
    """Counts the frames of one source from 0."""

    key = True
    """A picture stands for itself; a packet may need others before it."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the picture takes."""
        return self.image.nbytes

    def planar(self) -> BufferedFrame:
        """The same frame in the form that video has anyway: half the memory, and no loss to speak of.

        The colours of odd sizes cannot be halved; such a frame stays as it is.
        """
        height, width = self.image.shape[:2]
        if height % 2 or width % 2:
            return self
        i420 = cv2.cvtColor(self.image, cv2.COLOR_BGR2YUV_I420)
        return PlanarFrame(cast(NDArray[np.uint8], i420), self.time, self.utc, self.index)

    def packed(self) -> PackedFrame:
        """The same frame with its picture as JPEG: some 10 times smaller, hardly visible loss."""
        _, jpeg = cv2.imencode(".jpg", self.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return PackedFrame(jpeg, self.time, self.utc, self.index)

    def unpacked(self) -> Frame:
        """Itself, so that frames of all forms can be treated alike."""
        return self


@dataclass(frozen=True, slots=True)
class CompactFrame(ABC):
    """A frame whose picture is kept in less memory while it waits."""

    data: NDArray[np.uint8]
    time: float
    utc: datetime
    index: int

    key = True
    """As a frame has it."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the picture takes."""
        return self.data.nbytes

    def planar(self) -> CompactFrame:
        """Itself: it is small enough."""
        return self

    def packed(self) -> PackedFrame:
        """The frame with its picture as JPEG."""
        return self.unpacked().packed()

    @abstractmethod
    def unpacked(self) -> Frame:
        """The frame with its picture made BGR again."""


class PlanarFrame(CompactFrame):
    """A frame as I420: 1.5 x height rows, first the brightness, then both colour planes at half the size."""

    __slots__ = ()

    def unpacked(self) -> Frame:
        """As `CompactFrame` has it."""
        image = cv2.cvtColor(self.data, cv2.COLOR_YUV2BGR_I420)
        return Frame(cast(Image, image), self.time, self.utc, self.index)


class PackedFrame(CompactFrame):
    """A frame as JPEG."""

    __slots__ = ()

    def packed(self) -> PackedFrame:
        """Itself."""
        return self

    def unpacked(self) -> Frame:
        """As `CompactFrame` has it."""
        image = cv2.imdecode(self.data, cv2.IMREAD_COLOR)
        return Frame(cast(Image, image), self.time, self.utc, self.index)


BufferedFrame: TypeAlias = Frame | CompactFrame
"""A frame while it waits in memory."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands between two frames that do not belong together.

    The camera was lost, or its picture changed size. It is told when it
    happens, not with the next frame, which may be hours away: an open
    recording has to be closed now.
    """

    reason: str
