"""One encoded picture, as a file holds it or a camera sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynvr.media.codecs import CopyCodec
from pynvr.media.frame import Frame

if TYPE_CHECKING:
    from av.audio.stream import AudioStream


@dataclass(frozen=True, slots=True, eq=False)
class SoundPacket:
    """A piece of encoded sound. It travels with the picture that came after it."""

    data: bytes
    after_s: float
    """Seconds by which this begins after the picture is shown; usually negative."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One encoded picture."""

    data: NDArray[np.uint8]
    """1 x N bytes, unchanged from the file or the network."""
    key: bool
    """Whether it can be decoded without the packets before it."""
    sound: tuple[SoundPacket, ...] = field(default=(), kw_only=True)
    """The sound since the packet before."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that picture and sound take."""
        return self.data.nbytes + sum(len(piece.data) for piece in self.sound)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file tells a player about showing its pictures, beside what the packets say themselves."""

    turn: int = 0
    """Degrees counter-clockwise: 0, 90, 180 or 270."""
    pixel_width: int = 1
    pixel_height: int = 1
    """Width and height of one pixel, in any unit."""


AS_CODED = Shape()


@dataclass(frozen=True, slots=True)
class Stream:
    """What the packets of one connection have in common."""

    codec: CopyCodec
    width: int
    height: int
    nominal_fps: float
    parameter_sets: bytes
    """As Annex B, for key packets that come without them."""
    reorder_s: float
    """By how many seconds at most a packet comes behind packets that are shown later; 0 without B-frames."""
    shape: Shape = AS_CODED
    sound: AudioStream | None = None
    """What a writer has to know of the sound, as `sound_part.writable` returns it."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedPacket(Packet):
    """A packet of a camera or a file with its two times."""

    time: float
    """When it is shown, seconds. With B-frames packets do not come in this order."""
    utc: datetime
    """Wall clock, for names, logs and the index only."""
    stream: Stream

    def packed(self) -> TimedPacket:
        """The packet itself: it cannot be made smaller."""
        return self


Recordable: TypeAlias = Frame | TimedPacket
"""What a recording is made of: pictures to encode, or packets as the camera sent them."""
