"""Reading something live: always read, never blocked by who uses it, found again when it is lost.

One reader thread owns the connection: it alone opens, reads and closes it (a release
during a read would crash the process). It always reads, one by one or a few at a time,
because what is not read is not lost but late. A queue bounded in bytes lies between it and
who uses the items, which are decoded frames or a camera's packets: a `Connection` decides.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pynvr.errors import CameraError, SettingsError
from pynvr.media.frame import Gap
from pynvr.sources.base import SourceStatus
from pynvr.sources.burst import Burst, Reading
from pynvr.sources.file import DEFAULT_FPS
from pynvr.sources.pace import Pace

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
JITTER = 0.2
"""Share of a pause that chance takes off, so that twenty cameras do not all come back at once."""
REPEAT_S = 60.0
"""A camera that stays away is mentioned so often."""
LETTING_GO_S = 1.5
"""How long a stop waits for a reader that sits in OpenCV; nothing of what it would get is wanted."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a camera may take, in seconds; whatever takes longer counts as lost."""

    open_s: float = 5.0
    read_s: float = 5.0


DEFAULT_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How much may come before it is read; by default everything is read at once."""

    s: float = 0.0
    nbytes: int = 0


AT_ONCE = ReadAhead()


class Sized(Protocol):
    """Something that takes memory while it waits."""

    @property
    def nbytes(self) -> int: ...


Item = TypeVar("Item", bound=Sized)
Given = TypeVar("Given", covariant=True)
Content = TypeVar("Content")


class Connection(Protocol[Given, Content]):
    """A camera while it is connected; used on the reader's thread only."""

    nominal_fps: float
    """As the camera claims."""

    @property
    def lag_s(self) -> float:
        """How long after its own time the quickest item of late arrived; negative where it is ahead."""

    def read(self) -> Reading[Content] | None:
        """Wait for the next picture; None where none comes any more."""

    def make(self, got: Reading[Content], arrival: float, index: int) -> Iterable[Given | Gap]:
        """Make items of it, told when on the monotonic clock it came, and how many items came before."""

    def close(self) -> None:
        """Let go of the camera."""


class LiveReader(Generic[Item, Content]):
    """The reader thread, its queue, and how to find the camera again."""

    live = True
    _overflow = "motion detection is too slow, %d frames dropped so far"

    def __init__(
        self,
        name: str,
        stop: threading.Event,
        limit_bytes: int,
        timeouts: Timeouts,
        connect: Callable[[], Connection[Item, Content]],
        read_ahead: ReadAhead = AT_ONCE,
    ) -> None:
        """Start to read; at most `limit_bytes` of items wait.

        `connect` raises CameraError where there is no camera now, SettingsError where there never will
        be: unless there has been one, whose description is then only damaged.
        """
        self.name = name
        self.nominal_fps = DEFAULT_FPS
        self.connected = False
        self.connected_at = time.monotonic()
        """When it was found last."""
        self.connections = 0
        """How often the camera was found."""
        self.received = self.dropped = 0
        """Items that came, and those of them that found the queue full."""
        self.lag_s = 0.0
        """As the connection has it."""
        self._stop = stop
        self._limit_bytes = limit_bytes
        self._timeouts = timeouts
        self._connect = connect
        self._read_ahead = read_ahead
        self._queue: deque[Item | Gap] = deque()
        self._bytes = self._gaps = 0
        """What the queue holds."""
        self._over = False
        """Nobody asks for items any more: what comes now is neither received nor missing."""
        self._hopeless: SettingsError | None = None
        self._changed = threading.Condition()
        """Guards the five above; notified when something was added or the reader ended."""
        self.heartbeat = time.monotonic()
        """When the reader last came by; it does even while the camera is away."""
        self._pace = Pace()
        self._clock_told = False
        self._lost_at: float | None = None
        self._mentioned_at = 0.0
        self._reader = threading.Thread(target=self._read_until_stopped, name="camera", daemon=True)
        _READERS.add(self)
        self._reader.start()

    def close(self) -> None:
        """Have the reader let go of the camera, and wait a little for that."""
        self._stop.set()
        self._reader.join(LETTING_GO_S)

    def status(self) -> SourceStatus:
        """How it is just now."""
        # its heart beats at least so often unless OpenCV ignores the timeouts
        longest_s = max(self._timeouts.open_s, self._timeouts.read_s) + LONGEST_PAUSE_S
        overdue_s = time.monotonic() - self.heartbeat - longest_s
        return SourceStatus(
            self.connected,
            self.connected_at,
            self.connections,
            self.received,
            self.dropped,
            self._timeouts.read_s,
            overdue_s,
        )

    @property
    def stuck(self) -> bool:
        """Whether the reader still sits in OpenCV after a stop; the process must not end normally then."""
        return self._stop.is_set() and self._reader.is_alive()

    def _pop(self) -> Item | Gap:
        """Take the oldest item out of the queue, which is locked and not empty."""
        item = self._queue.popleft()
        if isinstance(item, Gap):
            self._gaps -= 1
        else:
            self._bytes -= item.nbytes
        return item

    # --- on the reader's thread -----------------------------------------------------------------

    def _read_until_stopped(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            received = self.received
            self.heartbeat = time.monotonic()
            try:
                self._read_connection()
            except (CameraError, SettingsError) as error:
                if isinstance(error, SettingsError) and not self.connections:
                    with self._changed:
                        self._hopeless = error
                        self._changed.notify()
                    return
                if self.received > received:
                    pause_s = FIRST_PAUSE_S
                    self._put(Gap(str(error)))
                self._lose(error)
            except Exception:  # a bug must not end the watch
                log.exception("camera %s: reading failed", self.name)
                self._put(Gap("reading failed"))
            finally:
                self.connected = False
            self._stop.wait(pause_s * random.uniform(1 - JITTER, 1))
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _read_connection(self) -> None:
        """Read until stopped; raises CameraError when the camera is not there or no more."""
        connection = self._connect()
        self._pace.begin()
        burst: Burst[Content] = Burst(self._pace, self._limit_bytes // 2)
        try:
            self.nominal_fps = connection.nominal_fps
            while not self._stop.is_set():
                due = self._read(connection, burst)
                if not self.connected:
                    self._find()
                if due:
                    usual_bytes = burst.usual_bytes
                    self._hand_over(connection, burst)
                    if burst.live:
                        self._let_gather(usual_bytes)
        finally:
            try:
                self._hand_over(connection, burst)
            finally:
                connection.close()

    def _let_gather(self, usual_bytes: float) -> None:
        """Sleep while pictures come: reading some at a time costs a fifth less than waking for each."""
        count = min(self._read_ahead.s * self.nominal_fps, self._read_ahead.nbytes / usual_bytes)
        if count >= 1:
            self._stop.wait(count / self.nominal_fps)

    def _read(self, connection: Connection[Item, Content], burst: Burst[Content]) -> bool:
        """Read a picture; return whether the burst is to be handed over. Raises CameraError."""
        asked, worked = time.monotonic(), time.thread_time()
        got = connection.read()
        self.heartbeat = arrival = time.monotonic()
        waited_s = arrival - asked
        # after a stall the decoder hands out old pictures and says that all is well
        if got is None or waited_s > 0.9 * self._timeouts.read_s:
            raise CameraError(f"camera {self.name}: lost after {waited_s:.1f} s of silence")
        return burst.add(got, arrival, waited_s, waited_s - (time.thread_time() - worked))

    def _hand_over(self, connection: Connection[Item, Content], burst: Burst[Content]) -> None:
        """Queue what was held back; whatever happens now, nothing is handed over twice."""
        for got, arrival in burst.take():
            for item in connection.make(got, arrival, self.received):
                self._put(item)
        self.lag_s = connection.lag_s
        if self._pace.found is not None and not self._clock_told:
            self._clock_told = True
            log.warning(
                "camera %s: %s; its pictures get the times at which they come", self.name, self._pace.found
            )

    def _put(self, item: Item | Gap) -> None:
        with self._changed:
            if self._over:
                return
            if isinstance(item, Gap):
                self._gaps += 1
            else:
                self.received += 1
                if self._bytes and self._bytes + item.nbytes > self._limit_bytes and not self._make_room():
                    self._drop()
                    return
                self._bytes += item.nbytes
            self._queue.append(item)
            self._changed.notify()

    def _make_room(self) -> bool:
        """Drop what has waited longest and return True, or return False to have the newest item dropped."""
        return False

    def _drop(self, count: int = 1) -> None:
        first = self.dropped == 0
        self.dropped += count
        if first or self._due_again():
            self._mentioned_at = time.monotonic()
            log.warning(
                f"camera %s: {self._overflow} (CAMERA_QUEUE_LIMIT_MB bounds the queue)",
                self.name,
                self.dropped,
            )

    def _lose(self, error: CameraError | SettingsError) -> None:
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = self._mentioned_at = now
            log.error("%s; trying again", error)
        elif self._due_again():
            self._mentioned_at = now
            log.error("camera %s: still away, for %.0f s now", self.name, now - self._lost_at)

    def _find(self) -> None:
        self.connected_at = time.monotonic()
        self.connected = True
        self.connections += 1
        away = "" if self._lost_at is None else f", was away for {time.monotonic() - self._lost_at:.1f} s"
        self._lost_at = None
        log.info("camera %s: connected%s", self.name, away)

    def _due_again(self) -> bool:
        return time.monotonic() - self._mentioned_at >= REPEAT_S


_READERS: weakref.WeakSet[LiveReader[Any, Any]] = weakref.WeakSet()


def may_end() -> bool:
    """Whether the process may end normally: no reader that was told to stop still sits in OpenCV.

    A normal end would pull the ground from under that thread, and crash.
    """
    return not any(reader.stuck for reader in _READERS)
