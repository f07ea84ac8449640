"""What a reader asks of a camera while it is connected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from pynvr.errors import CameraError
from pynvr.media.frame import Gap
from pynvr.sources.burst import Reading

Given = TypeVar("Given", covariant=True)
Content = TypeVar("Content")


class StreamEndedError(CameraError):
    """The camera has ended the stream by itself."""


class Connection(Protocol[Given, Content]):
    """A camera while it is connected; used on the reader's thread only."""

    nominal_fps: float
    """As the camera claims."""
    longest_wait_s: float
    """A read that takes longer has failed, whatever it gave."""

    @property
    def undecodable(self) -> int:
        """Packets so far of which nothing could be made."""

    @property
    def lag_s(self) -> float:
        """Arrival minus time of the quickest recent item, seconds; negative if the stream is ahead."""

    def read(self) -> Reading[Content] | None:
        """Wait for the next picture; None if no more will come."""

    def make(self, got: Reading[Content], arrival: float, index: int) -> Iterable[Given | Gap]:
        """Make items of a reading that arrived at this monotonic time, after so many earlier items."""

    def close(self) -> None:
        """Release the camera."""
