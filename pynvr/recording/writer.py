"""The writer thread: everything that a disk or an encoder may delay happens here.

The capture loop hands frames over through a queue bounded in bytes and goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover
from pynvr.errors import HangingError, PynvrError, RecordingError
from pynvr.media.packet import Recordable
from pynvr.recording.open_recording import OpenRecording, RecordingFormat
from pynvr.recording.orders import Begin, End, Order, Picture, Write

log = logging.getLogger(__name__)

PACK_ABOVE_BYTES = 16 * 1024 * 1024
"""A queue longer than this keeps further frames as JPEG; a file source waits instead."""
RETRY_S = 5.0
"""After the disk has refused, a recording is tried again so often."""
HOUSEKEEPING_S = 60.0
LOOK_EVERY_S = 1.0
HANG_S = 40.0
"""One order may take so long: a disk that stalls for 20 s has to be survived."""
CLOSING_BYTES_PER_S = 5e6
"""Closing reads the part twice, writes its copy and reads that; a slower disk could not record."""


class RecordingWriter:
    """Takes orders and carries them out, in order, on a thread of its own.

    What the disk refuses ends the run of a file source: `write` and `close`
    raise it. With a live source it is said once, and recording is tried again
    until it works.
    """

    def __init__(
        self,
        archive: Archive,
        form: RecordingFormat,
        limit_bytes: int,
        live: bool,
        housekeeping: Callable[[], None] = lambda: None,
        failed: Callable[[BaseException, str], None] = lambda error, thread: None,
    ) -> None:
        """At most `limit_bytes` of frames wait; beyond that a live source's are dropped and counted.

        `housekeeping` is called on the thread after each recording, and about once a minute; `failed`
        when the thread ends before it is told to, with the reason and its name.
        """
        self._archive = archive
        self._format = form
        self._limit_bytes = limit_bytes if live else PACK_ABOVE_BYTES
        self._live = live
        self._housekeeping = housekeeping
        self._tell_failure = failed
        self._tidied_at = time.monotonic()
        self._orders: deque[Order | None] = deque()
        self._bytes = 0
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        """Guards the three above; notified at every change of them."""
        self._dropped_now = 0
        self._broken = False
        self._open: OpenRecording | None = None
        self._pictures: dict[str, Picture] = {}
        """The latest ones of this recording, for another file where the first one fails."""
        self.failing = False
        """Whether the disk has refused, and nothing has been recorded since."""
        self._retry_at = 0.0
        self.recordings: list[Path] = []
        """What has been closed in this run; complete after `close`. Of a live source only the latest."""
        self.received = self.recorded = self.dropped = 0
        """Frames: asked to write, written, and lost to a full queue or to a disk that refused."""
        self.busy_since: float | None = None
        """Monotonic time since when the thread has been at one order; None while it waits."""
        self.allowance_s = 0.0
        """What that order may take beyond the usual: closing copies a file."""
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    @property
    def recording(self) -> str | None:
        """Name of the open recording, if there is one."""
        is_open = self._open
        return None if is_open is None else self._archive.relative_name(is_open.stem)

    def begin(self, begin: Begin, pre_alarm: Iterable[Recordable] = ()) -> None:
        """Start a recording with its pre-alarm frames: they move from one bounded place to another.

        There is room for a full ring, unless the writer has not even written the recording before;
        then the oldest are dropped.
        """
        waiting = deque(pre_alarm)
        beginning = bool(waiting)
        surplus = self._bytes + sum(frame.nbytes for frame in waiting) - self._limit_bytes
        while self._live and waiting and (surplus > 0 or not waiting[0].key):
            surplus -= waiting.popleft().nbytes
            self._drop()
        self._broken = beginning and not waiting
        self._put(begin, *map(Write, waiting))

    def write(
        self, frame: Recordable, changed_px: int, motion: bool, hold_left_s: float | None = None
    ) -> None:
        """Add a frame or packet of the event; `hold_left_s` is for the label, if there is to be one."""
        held = frame
        if self._live:
            if self._bytes > PACK_ABOVE_BYTES:
                held = frame.packed()
            if self._bytes + held.nbytes > self._limit_bytes or (self._broken and not held.key):
                self._broken = True  # what follows could not be decoded, up to the next key packet
                self._drop()
                return
            self._broken = False
        else:
            with self._changed:
                self._changed.wait_for(lambda: self._bytes <= self._limit_bytes or self._failure)
        self._put(Write(held, changed_px, motion, hold_left_s))

    def keep(self, picture: Picture) -> None:
        """Put a picture beside the recording, unless there is no room for it in the queue."""
        if not self._live or self._bytes + picture.nbytes <= self._limit_bytes:
            self._put(picture)

    def end(self) -> None:
        """Close the recording once everything handed over is in it."""
        if self._dropped_now:
            log.error("%d frames of this recording were dropped: writing was too slow", self._dropped_now)
        self._put(End(self._dropped_now))
        self._dropped_now = 0

    def close(self) -> None:
        """Wait until everything is written and closed."""
        with self._changed:
            self._orders.append(None)
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(LOOK_EVERY_S)
            if self._hangs():
                raise HangingError(
                    "the disk does not answer (PATH_FOR_VIDEO); the next start closes what is open"
                )
        if self._failure is not None:
            raise self._failure

    def _hangs(self) -> bool:
        """Whether the thread has been at one order for so long that it may never come back."""
        busy = self.busy_since
        return busy is not None and time.monotonic() - busy > HANG_S + self.allowance_s

    def _drop(self) -> None:
        if not self._dropped_now:
            log.warning("writing is too slow: frames are dropped (WRITER_QUEUE_LIMIT_MB bounds the queue)")
        self.received += 1
        self.dropped += 1
        self._dropped_now += 1

    def _put(self, *orders: Order) -> None:
        self.received += sum(isinstance(order, Write) for order in orders)
        with self._changed:
            if self._failure is not None:
                raise self._failure
            self._orders.extend(orders)
            self._bytes += sum(order.nbytes for order in orders if isinstance(order, Write | Picture))
            self._changed.notify_all()

    # --- on the writer's thread -----------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (order := self._next_order()) is not None:
                self.allowance_s, self.busy_since = 0.0, time.monotonic()
                self._carry_out(order)
                self._tidy()
                self.busy_since = None
        except BaseException as error:
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        """Let nobody wait for this thread any more, then save what there is."""
        with self._changed:
            # a SystemExit here must not become one of the process, with exit code 0
            ours = isinstance(error, Exception)
            self._failure = error if ours else RecordingError(f"the writer ended: {error!r}")
            self._changed.notify_all()
        if not isinstance(error, PynvrError | OSError):
            log.exception("the writer failed")
        self._tell_failure(error, self._thread.name)
        try:
            self._abandon()
        except Exception:  # the next start closes it
            log.exception("the open recording could not be closed")
        self.busy_since = None

    def _next_order(self) -> Order | None:
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._orders, HOUSEKEEPING_S):
                    order = self._orders.popleft()
                    if isinstance(order, Write | Picture):
                        self._bytes -= order.nbytes
                    self._changed.notify_all()
                    return order
            self._tidy()

    def _carry_out(self, order: Order) -> None:
        try:
            match order:
                case Begin():
                    if self.failing:
                        recover(self._archive, logging.DEBUG)
                    self._pictures.clear()
                    self._open = OpenRecording(self._archive, self._format, order)
                case Picture():
                    self._pictures[order.kind] = order
                    if self._open is not None:
                        self._open.keep(order)
                case Write():
                    self._write(order)
                case End():
                    self._end(order)
        except (PynvrError, OSError) as error:
            if not self._live:
                raise
            self._fail(error, order)

    def _write(self, order: Write) -> None:
        if self._open is None:
            self._try_again(order)
        if self._open is None:
            self.dropped += 1
            return
        self._open.write(order)
        self.recorded += 1
        if self.failing and time.monotonic() > self._retry_at:
            self._recovered()

    def _end(self, order: End) -> None:
        is_open, self._open = self._open, None
        if is_open is not None:
            self.allowance_s = is_open.part_bytes() / CLOSING_BYTES_PER_S
        path = is_open.close(order.dropped) if is_open is not None else None
        if path is not None:
            if self.failing:
                self._recovered()
            log.info("recorded %s", self._archive.relative_name(path))
            self.recordings = [path] if self._live else [*self.recordings, path]
            self._tidied_at = 0.0

    # --- when the disk refuses ------------------------------------------------------------------

    def _fail(self, error: Exception, order: Order) -> None:
        """Say it once, save what there is, and have the next frames try again."""
        if not self.failing:
            log.error("cannot record: %s; trying again every %.0f s", error, RETRY_S)
        self.failing = True
        self._retry_at = time.monotonic() + RETRY_S
        self.dropped += isinstance(order, Write)
        self._abandon()

    def _abandon(self) -> None:
        is_open, self._open = self._open, None
        if is_open is None:
            return
        try:
            is_open.close()
        except (PynvrError, OSError) as error:  # the next try, or the next start, closes it
            log.debug("not closed yet: %s: %s", is_open.stem, error)

    def _try_again(self, order: Write) -> None:
        """Open a recording in the middle of an event of which the first one failed."""
        if time.monotonic() < self._retry_at or not order.frame.key:
            return
        self._retry_at = time.monotonic() + RETRY_S
        with suppress(OSError):  # where no room can be made, or the folder is gone
            self._housekeeping()
        recover(self._archive, logging.DEBUG)
        begin = Begin(order.frame.time, order.frame.utc, nominal_fps=25.0, continues=True)
        self._open = OpenRecording(self._archive, self._format, begin)
        for picture in self._pictures.values():
            self._open.keep(picture)

    def _recovered(self) -> None:
        self.failing = False
        log.warning("recording again; %d frames were lost in all", self.dropped)

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied_at < HOUSEKEEPING_S:
            return
        self._tidied_at = time.monotonic()
        try:
            self._housekeeping()
        except OSError as error:
            log.error("housekeeping of the archive failed: %s", error)
        except Exception:  # recording matters more
            log.exception("housekeeping of the archive failed")
