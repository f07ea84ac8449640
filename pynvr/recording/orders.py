"""The orders of the capture loop to the writer thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynvr.media.packet import Recordable


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new recording. Times are the frame's or packet's own, `trigger_utc` is the wall clock."""

    trigger_s: float
    trigger_utc: datetime
    nominal_fps: float
    continues: bool = False
    """Whether the event began in the recording before this one."""


@dataclass(frozen=True, slots=True)
class Write:
    """Add a frame or a packet to the open recording."""

    frame: Recordable
    changed_px: int = 0
    motion: bool = False
    hold_left_s: float | None = None
    """For the label, in seconds; None for a pre-alarm frame, which gets no label."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the frame takes."""
        return self.frame.nbytes

    def packed(self) -> Write:
        """The same order with the frame in as little memory as possible."""
        return replace(self, frame=self.frame.packed())


@dataclass(frozen=True, slots=True)
class Picture:
    """Put a picture beside the open recording; it replaces one of the same kind."""

    kind: Literal["picture", "strip"]
    jpeg: NDArray[np.uint8]
    facts: Mapping[str, object]
    """Fields of the index about it."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the picture takes."""
        return self.jpeg.nbytes


@dataclass(frozen=True, slots=True)
class End:
    """Close the open recording."""

    dropped: int = 0
    """Frames of it that were dropped because the queue was full."""
    undecodable: int = 0
    """Pictures within it that could not be decoded."""
    last_motion_s: float | None = None
    """Copy mode: time of the latest motion, which the packets do not tell exactly."""


Order: TypeAlias = Begin | Write | Picture | End
