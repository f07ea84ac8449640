"""Reads a camera on a thread of its own, and finds it again when it is lost.

The reader thread alone opens, reads and closes the connection: a release during a read would crash the
process. It puts frames or packets, as the `Connection` makes them, into a queue for the thread that uses
them, and never waits for that one: a picture that is not read in time comes late.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pynvr.errors import CameraError, LoginRefusedError, PynvrError, SettingsError, UnfitCameraError
from pynvr.media.frame import DEFAULT_FPS, Gap
from pynvr.sources.base import SourceStatus
from pynvr.sources.camera_log import CameraLog
from pynvr.sources.connection import Connection, StreamEndedError
from pynvr.sources.item_queue import Item, ItemQueue
from pynvr.sources.opening import Opener
from pynvr.sources.pauses import LONGEST_PAUSE_S, Pauses
from pynvr.sources.stoppable import LETTING_GO_S, may_hang
from pynvr.sources.times.burst import Burst
from pynvr.sources.times.pace import Pace

GIVE_UP_AFTER = 3
"""An address that ended this many times after one picture, and never gave more, is not a stream."""


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """How much may gather before it is read, in seconds and bytes; by default nothing."""

    s: float = 0.0
    nbytes: int = 0


AT_ONCE = ReadAhead()

Content = TypeVar("Content")


class LiveReader(Generic[Item, Content]):
    """The reader thread, its queue, and how to find the camera again."""

    live = True

    def __init__(
        self,
        opener: Opener,
        stop: threading.Event,
        queues: Sequence[ItemQueue[Item]],
        connect: Callable[[], Connection[Item, Content]],
        read_ahead: ReadAhead = AT_ONCE,
    ) -> None:
        """Start to read into all `queues`.

        Up to half of the first one's limit is held back until it is known when it came. `connect` raises
        CameraError if there is no camera now, and SettingsError if there never will be. After a first success
        a SettingsError only means that the stream's description was damaged.
        """
        self.name = opener.name
        self._opener = opener
        self.nominal_fps = DEFAULT_FPS
        self.lag_s = 0.0
        """As `Connection.lag_s`."""
        self.connected = False
        self.connections = self.undecodable = 0
        self._connected_at = time.monotonic()
        """These four as `SourceStatus` has them."""
        self._heartbeat = time.monotonic()
        """When the reader thread last showed a sign of life, or when it will after a pause."""
        self._stop = stop
        self._queues, self._queue = queues, queues[0]
        self._connect = connect
        self._read_ahead = read_ahead
        self._pace = Pace()
        self._came = 0
        """Pictures or packets of this connection."""
        self._unfit: CameraError | None = None
        """Why this connection is of no use, if somebody has found it so."""
        self._log = CameraLog(opener.name)
        self._reader = threading.Thread(target=self._read_until_stopped, name="camera", daemon=True)
        may_hang.add(self._reader)
        self._reader.start()

    def close(self) -> None:
        """Tell the reader to release the camera, and wait a little for it."""
        self._stop.set()
        self._reader.join(LETTING_GO_S)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._stop.is_set() or not self._reader.is_alive()

    @property
    def received(self) -> int:
        return self._queue.received

    def status(self) -> SourceStatus:
        # its heart beats at least so often unless OpenCV ignores the timeouts; a late opening is repeated
        read_s = self._opener.timeouts.read_s + self._opener.longest_hole_s
        longest_s = max(2 * self._opener.timeouts.open_s, read_s) + LONGEST_PAUSE_S
        overdue_s = time.monotonic() - self._heartbeat - longest_s
        return SourceStatus(
            self.connected,
            self._connected_at,
            self.connections,
            self.received,
            self._queue.dropped,
            self.undecodable,
            read_s,
            overdue_s,
        )

    def connect_anew(self, reason: CameraError) -> None:
        """Give up this connection, for a reason that only who uses its items could find."""
        self._unfit = reason

    # --- on the reader's thread -----------------------------------------------------------------

    def _read_until_stopped(self) -> None:
        pauses, single, opened = Pauses(), 0, 0
        while not self._stop.is_set():
            received, refused = self.received, False
            self._heartbeat = time.monotonic()
            try:
                self._read_connection()
            except (CameraError, SettingsError) as error:
                opened += self._came > 0
                refused = isinstance(error, LoginRefusedError)
                if self._came == 1 and isinstance(error, StreamEndedError):
                    single += 1
                    self._opener.distrust_lengths()
                if single == opened == GIVE_UP_AFTER:
                    error = UnfitCameraError(
                        f"camera {self.name}: ends after each picture; it needs the address of a stream "
                        "(setting cam)"
                    )
                elif opened:
                    error = CameraError(str(error))  # what describes it may have been damaged on the way
                if isinstance(error, SettingsError | UnfitCameraError):
                    self._fail(error)
                    return
                if self.received > received:
                    pauses.begin()
                    self._put(Gap(str(error)))
                self._log.lost(error)
            except Exception:  # a bug must not end the recorder
                self._log.failed()
                self._put(Gap("reading failed"))
            finally:
                self.connected = False
            pause_s = pauses.next_s(refused)
            self._heartbeat = time.monotonic() + pause_s
            self._stop.wait(pause_s)

    def _read_connection(self) -> None:
        """Read until stopped; raises CameraError if the camera is away or gets lost."""
        self._came, self._unfit = 0, None
        connection = self._connect()
        self._pace.begin()
        opened_at, read_s = time.monotonic(), self._opener.timeouts.read_s
        burst: Burst[Content] = Burst(self._pace, self._queue.limit_bytes // 2)
        try:
            self.nominal_fps = connection.nominal_fps
            while not self._stop.is_set():
                if self._unfit is not None:
                    raise self._unfit
                due = self._read(connection, burst)
                if not self.connected and connection.begun:
                    self._note_connection()
                elif not connection.begun and self._heartbeat - opened_at > read_s:
                    self._log.keyless(self._heartbeat - opened_at)
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

    def _note_connection(self) -> None:
        self._connected_at = time.monotonic()
        self.connected = True
        self.connections += 1
        self._log.found()

    def _let_gather(self, usual_bytes: float) -> None:
        """Sleep while pictures come: reading some at a time costs a fifth less than waking for each."""
        count = min(self._read_ahead.s * self.nominal_fps, self._read_ahead.nbytes / usual_bytes)
        if count >= 1:
            self._stop.wait(count / self.nominal_fps)

    def _read(self, connection: Connection[Item, Content], burst: Burst[Content]) -> bool:
        """Read a picture; return whether the burst is to be handed over. Raises CameraError."""
        asked, worked = time.monotonic(), time.thread_time()
        got = connection.read()
        self._heartbeat = arrival = time.monotonic()
        waited_s = arrival - asked
        silent_s = waited_s - connection.held_s
        # after a stall the decoder hands out old pictures and says that all is well
        silent = silent_s > 0.9 * self._opener.timeouts.read_s
        if got is None or silent:
            raise self._loss(silent_s, silent)
        self._came += 1
        return burst.add(got, arrival, waited_s, waited_s - (time.thread_time() - worked))

    def _loss(self, silent_s: float, silent: bool) -> CameraError:
        if self._opener.local and not self._came:
            return CameraError(
                f"camera {self.name}: was opened and shows nothing: try another port or cable, or a smaller "
                "CAMERA_SIZE where cameras share a hub"
            )
        if silent and not self._came:
            return CameraError(
                f"camera {self.name}: showed nothing within {silent_s:.1f} s; if its key frames are "
                "further apart, raise CAMERA_READ_TIMEOUT_SECS"
            )
        kind = CameraError if silent else StreamEndedError
        return kind(f"camera {self.name}: lost after {silent_s:.1f} s of silence")

    def _hand_over(self, connection: Connection[Item, Content], burst: Burst[Content]) -> None:
        """Queue the readings of the burst. They leave it first, so that none is queued twice."""
        for got, arrival in burst.take():
            for item in connection.make(got, arrival, self.received):
                self._put(item)
        self.lag_s = connection.lag_s
        self._log.clock(self._pace.found)
        self._log.missing(connection.missing_s)
        if connection.undecodable:
            self.undecodable += connection.undecodable
            connection.undecodable = 0
            self._log.undecodable(self.undecodable)

    def _put(self, item: Item | Gap) -> None:
        for queue in self._queues:
            if queue.put(item):
                self._log.dropped(queue.overflow, queue.dropped)

    def _fail(self, error: PynvrError) -> None:
        for queue in self._queues:
            queue.fail(error)
