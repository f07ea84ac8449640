"""What all sources have in common: the protocol, and the status of a live one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pynvr.media.frame import Frame, Gap


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of a live source at this moment. Times are seconds on the monotonic clock."""

    connected: bool
    connected_at: float
    """When the latest connection was made; before the first one, when the search began."""
    connections: int
    """How many connections were made."""
    received: int
    """Frames or packets received."""
    dropped: int
    """Received frames or packets that were dropped because the queue was full."""
    undecodable: int
    """Packets of which nothing could be made."""
    longest_pause_s: float
    """The longest time that a connected camera may take from one item to the next."""
    overdue_s: float
    """How long the reader thread has shown no sign of life beyond what is allowed; above 0 it is stuck."""


class Source(Protocol):
    """A camera, a file or the drawn scene: iterate over it to get its frames."""

    name: str
    """For logs and messages, without any password."""
    live: bool
    """A live source cannot wait; a file can, and is read at full speed."""
    frame_count: int | None
    """How many frames there will be, if known; for a progress bar."""
    nominal_fps: float
    """Frames per second as the source claims them; only a hint, it may be wrong."""
    lag_s: float
    """Arrival minus frame time of the quickest recent frame, seconds; 0 for a file."""

    def status(self) -> SourceStatus | None:
        """The state of a live source; None for a file, which waits for its reader and cannot be lost."""

    def __iter__(self) -> Iterator[Frame | Gap]: ...

    def close(self) -> None:
        """Give the device back; harmless when repeated."""
