"""What everything that pictures come from has in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pynvr.media.frame import Frame, Gap


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a live source is just now; times are on the monotonic clock."""

    connected: bool
    connected_at: float
    """When it was found last; before that, when it was first looked for."""
    connections: int
    """How often it was found."""
    received: int
    """Frames or packets that came."""
    dropped: int
    """Those of them that found the queue full."""
    longest_pause_s: float
    """Between two items of a connected camera."""
    overdue_s: float
    """How much longer than it may the reader has given no sign of life; at most 0 while it lives."""


class Source(Protocol):
    """A camera or whatever behaves like one: iterate over it to get its frames."""

    name: str
    """For logs and messages, without any password."""
    live: bool
    """A live source cannot wait; a file can, and is read at full speed."""
    frame_count: int | None
    """How many frames there will be, where that is known; for a progress bar."""
    nominal_fps: float
    """Frames per second as the source claims them; only a hint, it may be wrong."""
    lag_s: float
    """How long after its own time the quickest frame of late arrived; 0 for a file."""

    def status(self) -> SourceStatus | None:
        """How it is; None for a source that waits for its reader, and is always well."""

    def __iter__(self) -> Iterator[Frame | Gap]: ...

    def close(self) -> None:
        """Give the device back; harmless when repeated."""
