"""What the capture loop asks of the writer thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pynvr.media.packet import Recordable


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new recording."""

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
    """Drawn onto the picture; None for a pre-alarm frame, which bears no label."""


@dataclass(frozen=True, slots=True)
class End:
    """Close the open recording."""

    dropped: int = 0
    """Frames of it that found no room in the queue."""


Order: TypeAlias = Begin | Write | End
