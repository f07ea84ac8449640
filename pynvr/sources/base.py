"""What all sources have in common: the protocols, and the status of a live one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pynvr.media.frame import Frame, Gap
from pynvr.media.packet import TimedPacket


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of a live source at this moment. Times are seconds on the monotonic clock."""

    connected: bool
    connected_at: float
    """When the latest connection was made; before the first one, when the search began."""
    connections: int
    received: int
    dropped: int
    """Received frames or packets that were dropped because the queue was full."""
    undecodable: int
    """Packets that could not be decoded."""
    longest_pause_s: float
    """The longest time that a connected camera may take from one item to the next."""
    overdue_s: float
    """How long the reader thread has shown no sign of life beyond what is allowed; above 0 it is stuck."""


class AnySource(Protocol):
    """A camera, a file or the drawn scene."""

    name: str
    """For logs and messages, without any password."""
    live: bool
    """A live source cannot wait; a file can, and is read at full speed."""

    @property
    def lag_s(self) -> float:
        """Arrival minus time of the quickest recent frame or packet, seconds; 0 for a file."""

    def status(self) -> SourceStatus | None:
        """The state of a live source; None for a file, which waits for its reader and cannot be lost."""

    def close(self) -> None:
        """Give the device back; harmless when repeated."""


class Source(AnySource, Protocol):
    """Iterate over it to get its frames."""

    frame_count: int | None
    """How many frames there will be, if known; for a progress bar."""

    @property
    def nominal_fps(self) -> float:
        """Frames per second as the source claims them; only a hint, it may be wrong."""

    def __iter__(self) -> Iterator[Frame | Gap]: ...


class PacketSource(AnySource, Protocol):
    """Where the packets of a recording come from, beside the source of the frames.

    Nobody iterates over packets: the detector's frames set the pace, and the recorder asks
    for all packets `until` a frame's time.
    """

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """Every packet received with a time up to `time`, in the order of decoding.

        A packet with a later time stops those behind it: with B-frames they need it for decoding.
        """

    def first(self, timeout_s: float) -> TimedPacket:
        """Wait for a packet without taking it; raises CameraError or SettingsError."""

    def wait_for_gap(self, timeout_s: float) -> None:
        """Wait until the camera is lost, but not longer; there is nothing to wait for with a file."""
