"""What everything that pictures come from has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pynvr.media.frame import Frame, Gap


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

    def __iter__(self) -> Iterator[Frame | Gap]: ...

    def close(self) -> None:
        """Give the device back; harmless when repeated."""
