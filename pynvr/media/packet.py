"""One encoded picture as it lies in a file or comes from a camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynvr.media.codecs import CopyCodec
from pynvr.media.frame import BufferedFrame


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One encoded picture."""

    data: NDArray[np.uint8]
    """1 x N bytes, as they lie in the file or came over the network."""
    key: bool
    """Whether it can be decoded without the packets before it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a player shows the pictures of a file, beside what the packets themselves say."""

    turn: int = 0
    """Degrees counter-clockwise: 0, 90, 180 or 270."""
    pixel_width: int = 1
    pixel_height: int = 1
    """Of one pixel, in any unit."""


AS_CODED = Shape()


@dataclass(frozen=True, slots=True)
class Stream:
    """What the packets of one connection have in common."""

    codec: CopyCodec
    width: int
    height: int
    nominal_fps: float
    parameter_sets: bytes
    """As Annex B, for key packets that come without."""
    reorder_s: float
    """How far packets come before others that are shown earlier; 0 without B-frames."""
    shape: Shape = AS_CODED


@dataclass(frozen=True, slots=True, eq=False)
class TimedPacket(Packet):
    """A packet of a camera with its two times."""

    time: float
    """Seconds; when it is shown. With B-frames packets do not come in this order."""
    utc: datetime
    """Wall clock, for names, logs and the index only."""
    stream: Stream

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.data.nbytes

    def packed(self) -> TimedPacket:
        """Itself: it cannot be made smaller."""
        return self


Recordable: TypeAlias = BufferedFrame | TimedPacket
"""What a recording is made of: pictures to encode, or packets as the camera sent them."""
