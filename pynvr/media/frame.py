"""One picture of a camera with its two times, and the gap between two pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Height x width x 3, 8 bits, channels in the order blue, green, red."""
Gray: TypeAlias = NDArray[np.uint8]
"""Height x width, 8 bits."""
I420: TypeAlias = NDArray[np.uint8]
"""One plane of 1.5 x height rows, both even: the brightness, then both colours at half the size."""
Jpeg: TypeAlias = NDArray[np.uint8]
"""The bytes of a JPEG file."""

JPEG_QUALITY = 90

TIME_TOLERANCE_S = 0.0005
"""Stream times come as milliseconds in floating point; smaller differences do not count."""
DEFAULT_FPS = 25.0
"""The rate of what tells none that can be."""


class Encoding(IntEnum):
    """How a frame keeps its picture. Each encoding takes less memory than the one before."""

    BGR = 0
    """As `Image` has it, 3 bytes a pixel."""
    I420 = 1
    """1.5 bytes a pixel. Video is encoded from this form, so hardly anything is lost."""
    JPEG = 2
    """Some 10 times smaller than I420, with hardly visible loss."""


class Planes(NamedTuple):
    """What I420 has, in three: a picture of even size as its decoder keeps it, which nobody may change."""

    brightness: Gray
    blue: Gray
    red: Gray
    """Both colours at half the size."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(plane.nbytes for plane in self)

    def joined(self) -> I420:
        """A copy of them as one plane."""
        height, width = self.brightness.shape
        joined = np.empty((height * 3 // 2, width), np.uint8)
        for part, plane in zip(planes_of(joined), self, strict=True):
            part[:] = plane
        return joined


def planes_of(picture: I420) -> Planes:
    """The three parts of an I420 picture, as views."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    colours = picture[height:].reshape(2, height // 2, width // 2)
    return Planes(picture[:height], colours[0], colours[1])


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera, as it came or as it waits in memory."""

    data: NDArray[np.uint8] | Planes
    """The whole picture, as its encoding has it; or only the small grey picture for the detector, if nothing
    else is needed."""
    time: float
    """Seconds, strictly increasing within one source; every duration is a difference of these."""
    utc: datetime
    """Wall clock, for names, logs and the index only."""
    index: int
    """Counts the frames of one source from 0."""
    lost_before: int = 0
    """How many pictures between the previous frame and this one could not be decoded."""
    jpeg: Jpeg | None = None
    """From time to time the whole picture as JPEG, if `data` is only the small grey one."""
    encoding: Encoding = Encoding.BGR
    planes: Planes | None = None
    """What `data` was made of, if the source knows it: half as large, and all that video is encoded from."""

    key = True
    """Always True: a picture needs no other. A packet may need the packets before it."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the picture takes."""
        return self.data.nbytes + (0 if self.jpeg is None else self.jpeg.nbytes)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        shape = (self.data.brightness if isinstance(self.data, Planes) else self.image).shape
        return shape[1], shape[0]

    @property
    def image(self) -> Image:
        """The picture as BGR. It is decoded at each call, unless it is kept as BGR."""
        if self.encoding is Encoding.BGR:
            return cast(Image, self.data)
        if self.encoding is Encoding.I420:
            return cast(Image, cv2.cvtColor(self.i420(), cv2.COLOR_YUV2BGR_I420))
        return cast(Image, cv2.imdecode(cast(Jpeg, self.data), cv2.IMREAD_COLOR))

    def i420(self) -> I420:
        """The picture as video is encoded from it, without an odd last column or row.

        It is made at each call, unless it is kept so, and may be drawn on.
        """
        if isinstance(self.data, Planes):
            return self.data.joined()
        return self.data if self.encoding is Encoding.I420 else as_i420(self.image)

    def as_jpeg(self) -> Jpeg | None:
        """The whole picture as JPEG; None where there is only the small grey one."""
        if self.jpeg is not None or self.image.ndim == 2:
            return self.jpeg
        return cv2.imencode(".jpg", self.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]

    def waiting(self) -> Frame:
        """The same frame in the smallest encoding that costs no work."""
        if self.planes is None:
            return self
        return replace(self, data=self.planes, planes=None, encoding=Encoding.I420)

    def encoded(self, encoding: Encoding) -> Frame:
        """The same frame in another encoding; itself if it takes as little memory already.

        The colours of odd sizes cannot be halved: such a frame stays BGR where I420 is asked for.
        """
        if encoding <= self.encoding:
            return self
        if encoding is Encoding.JPEG:
            data = cast(Jpeg, self.as_jpeg())
        elif self.planes is not None:
            data = self.planes.joined()
        elif self.size[0] % 2 or self.size[1] % 2:
            return self
        else:
            data = self.i420()
        return replace(self, data=data, planes=None, encoding=encoding)

    def packed(self) -> Frame:
        """The same frame in as little memory as possible: as JPEG."""
        return self.encoded(Encoding.JPEG)


def as_i420(image: Image) -> I420:
    """A BGR picture as video is encoded from it, without an odd last column or row."""
    height, width = image.shape[:2]
    return cast(I420, cv2.cvtColor(image[: height // 2 * 2, : width // 2 * 2], cv2.COLOR_BGR2YUV_I420))


@dataclass(frozen=True, slots=True)
class Gap:
    """Separates two frames that do not belong together.

    The camera was lost, or its picture changed size. A source yields the gap
    when it happens, not with the next frame, which may be hours away: an open
    recording has to be closed now.
    """

    reason: str
    lost_before: int = 0
    """How many pictures since the previous frame could not be decoded."""
