"""A camera while it is connected: what is the same whether its pictures are decoded or not."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import Generic, TypeVar

from pynvr.errors import CameraError
from pynvr.media.frame import Gap
from pynvr.sources.item_queue import Item
from pynvr.sources.opening import Opener
from pynvr.sources.times.burst import Reading
from pynvr.sources.times.clock import LEAP_S, LONGEST_STEP_S, StreamClock

Content = TypeVar("Content")

MOST_FAILED_READS = 100
"""In a row. At the end of a stream reads fail at once; any other failure has used up a packet."""
FURTHEST_BEHIND_S = 1.0
"""If the reader falls further behind, the next picture is due at once and the others are metered from it."""
HOLE_STEPS = 4
"""A step so many times as long as the one before is a hole."""


class StreamEndedError(CameraError):
    """The camera has ended the stream by itself."""


class Connection(ABC, Generic[Item, Content]):
    """A camera while it is connected; used on the reader's thread only."""

    nominal_fps: float
    """As the camera claims."""
    begun = True
    """Whether what it has sent can be decoded; before that the camera is not taken for found."""

    def __init__(self, opener: Opener, stop: threading.Event) -> None:
        """For the camera that `opener` has opened."""
        self.undecodable = 0
        """Packets that could not be decoded, although others could after them; the reader counts them on."""
        self.held_s = 0.0
        """How long the latest picture was held back until it was due; the camera was not silent meanwhile."""
        self._name = opener.name
        self._longest_wait_s = opener.timeouts.read_s
        self._stop = stop
        self._clock = StreamClock()
        self._meter = Meter(opener.longest_hole_s) if opener.in_pieces else None

    @property
    def missing_s(self) -> float:
        """How much of its stream is missing so far, seconds."""
        return 0.0 if self._meter is None else self._meter.missing_s

    @property
    def lag_s(self) -> float:
        """Arrival minus time of the quickest recent item, seconds; negative if the stream is ahead."""
        return self._clock.lag_s

    def read(self) -> Reading[Content] | None:
        """Wait for the next picture; None if no more will come.

        A failed read is the end of a stream only if nothing follows: what cannot be decoded fails, too.
        """
        began, self.held_s = monotonic(), 0.0
        for failed in range(MOST_FAILED_READS):
            reading = self._receive()
            if reading is not None:
                self.undecodable += failed
                if self._meter is not None and reading.stream_s is not None:
                    self.held_s = self._meter.wait_s(reading.stream_s, monotonic())
                    self._stop.wait(self.held_s)
                return reading
            if monotonic() - began > 0.9 * self._longest_wait_s:
                break
        return None

    def _utc(self, time: float) -> datetime:
        """The wall clock at the moment of this time."""
        return datetime.now(timezone.utc) - timedelta(seconds=monotonic() - time - self.lag_s)

    @abstractmethod
    def _receive(self) -> Reading[Content] | None:
        """Read once; None if the next picture could not be read."""

    @abstractmethod
    def make(self, got: Reading[Content], arrival: float, index: int) -> Iterable[Item | Gap]:
        """Make items of a reading; `arrival` is its monotonic time, `index` how many items came before."""

    @abstractmethod
    def close(self) -> None:
        """Release the camera."""


class Meter:
    """Slows down the reading of a stream that comes in pieces to the pace at which it was filmed.

    HLS gives some seconds at once, and then nothing for as long. Read at once, they would fill the memory;
    pieces that are read later are not lost. Those that could not be fetched leave a hole, for which it waits.
    """

    def __init__(self, longest_hole_s: float) -> None:
        """A step forward up to `longest_hole_s` is a hole; a longer one is a counter that was set."""
        self.missing_s = 0.0
        """The length of all holes so far, seconds."""
        self._longest_s = max(longest_hole_s, LONGEST_STEP_S)
        self._offset: float | None = None
        self._latest = 0.0
        self._step_s = LONGEST_STEP_S

    def wait_s(self, stream_s: float, now_s: float) -> float:
        """Seconds from `now_s` until a picture of the stream's time `stream_s` is due."""
        step_s = stream_s - self._latest
        leapt = self._offset is None or not -LONGEST_STEP_S <= step_s <= self._longest_s
        if not leapt and step_s > max(LEAP_S, HOLE_STEPS * self._step_s):
            self.missing_s += step_s - self._step_s
        if step_s > 0:
            self._step_s = min(step_s, LONGEST_STEP_S)
        self._latest = stream_s if leapt else max(stream_s, self._latest)
        if self._offset is None or leapt or self._latest + self._offset < now_s - FURTHEST_BEHIND_S:
            self._offset = now_s - self._latest
        return max(0.0, self._latest + self._offset - now_s)
