"""The writer thread: everything that a disk or an encoder may delay happens here.

The capture loop hands frames over through a queue bounded in bytes and goes on.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from pynvr import journal, overlay
from pynvr.archive import Archive
from pynvr.closing import close_recording
from pynvr.encoder import CODECS, Encoder
from pynvr.errors import PynvrError, RecordingError
from pynvr.frame import Frame, HeldFrame

log = logging.getLogger(__name__)

PACK_ABOVE_BYTES = 32 * 1024 * 1024
"""A queue longer than this keeps further frames as JPEG; a file source waits instead."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files are written: the settings of that name."""

    fourcc: str
    suffix: str
    output_rate: float | None


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new recording."""

    trigger_s: float
    trigger_utc: datetime
    nominal_fps: float


@dataclass(frozen=True, slots=True)
class Write:
    """Add a frame to the open recording."""

    frame: HeldFrame
    changed_px: int = 0
    motion: bool = False
    hold_left_s: float | None = None
    """Drawn onto the picture; None for a pre-alarm frame, which bears no label."""


@dataclass(frozen=True, slots=True)
class End:
    """Close the open recording."""


Order: TypeAlias = Begin | Write | End


class RecordingWriter:
    """Takes orders and carries them out, in order, on a thread of its own."""

    def __init__(self, archive: Archive, form: Format, limit_bytes: int, live: bool) -> None:
        """At most `limit_bytes` of frames wait; beyond that a live source's are dropped and
        counted, while any other source is made to wait."""
        self._archive = archive
        self._format = form
        self._limit_bytes = limit_bytes if live else PACK_ABOVE_BYTES
        self._live = live
        self._orders: deque[Order | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        """Guards the three above and `_failure`; notified at every change of them."""
        self._failure: BaseException | None = None
        self.dropped = 0
        """Frames that found the queue full."""
        self.recordings: list[Path] = []
        """What has been closed so far; complete after `close`."""
        self._open: _OpenRecording | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def begin(self, trigger: Frame, nominal_fps: float, pre_alarm: Iterable[HeldFrame]) -> None:
        """Start a recording with its pre-alarm frames, which never wait and are never dropped.

        They move from one bounded place, the ring, to another.
        """
        self._put(Begin(trigger.time, trigger.utc, nominal_fps), *map(Write, pre_alarm))

    def write(self, frame: Frame, changed_px: int, motion: bool, hold_left_s: float) -> None:
        """Add a frame of the event. Raises what made the writer fail."""
        held: HeldFrame = frame
        with self._changed:
            if self._live:
                crowded = self._bytes > PACK_ABOVE_BYTES
            else:
                self._changed.wait_for(lambda: self._bytes <= self._limit_bytes or self._failure)
                crowded = False
        if crowded:
            held = frame.packed()
        if self._live and self._bytes + held.nbytes > self._limit_bytes:
            self._count_drop()
            return
        self._put(Write(held, changed_px, motion, hold_left_s))

    def end(self) -> None:
        """Close the recording once everything handed over is in it."""
        self._put(End())

    def close(self) -> None:
        """Wait until everything is written and closed. Raises what made the writer fail."""
        if self._thread.is_alive():
            with self._changed:
                self._orders.append(None)
                self._changed.notify_all()
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _count_drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            log.warning("writing is too slow: frames are dropped (WRITER_QUEUE_LIMIT_MB bounds the queue)")

    def _put(self, *orders: Order) -> None:
        with self._changed:
            if self._failure is not None:
                raise self._failure
            self._orders.extend(orders)
            self._bytes += sum(order.frame.nbytes for order in orders if isinstance(order, Write))
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            while (order := self._next_order()) is not None:
                self._carry_out(order)
        except (PynvrError, OSError) as error:
            failure: BaseException = error
        except Exception as error:
            log.exception("the writer failed")
            failure = error
        else:
            return
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _next_order(self) -> Order | None:
        with self._changed:
            self._changed.wait_for(lambda: self._orders)
            order = self._orders.popleft()
            if isinstance(order, Write):
                self._bytes -= order.frame.nbytes
            self._changed.notify_all()
            return order

    def _carry_out(self, order: Order) -> None:
        match order:
            case Begin():
                self._open = _OpenRecording(self._archive, self._format, order)
            case Write() if self._open:
                self._open.write(order)
            case End() if self._open:
                self.recordings.append(self._open.close())
                self._open = None


class _OpenRecording:
    """The part and the journal of one recording, until they are closed for good."""

    def __init__(self, archive: Archive, form: Format, begin: Begin) -> None:
        self._archive = archive
        self._format = form
        self._begin = begin
        self._codec = CODECS[form.fourcc]
        self._stem = archive.new_stem(begin.trigger_utc)
        self._journal = journal.JournalWriter(self._stem.with_name(self._stem.name + journal.SUFFIX))
        self._encoder: Encoder | None = None

    def write(self, order: Write) -> None:
        """Encode a frame, with its label, and note it."""
        frame = order.frame.unpacked()
        if order.hold_left_s is not None:
            overlay.draw_label(frame.image, order.hold_left_s)
        if self._encoder is None:
            self._encoder = self._start_encoder(frame)
        self._encoder.write(frame.image)
        self._journal.note_frame(frame, order.changed_px, order.motion)

    def _start_encoder(self, frame: Frame) -> Encoder:
        height, width = frame.image.shape[:2]
        self._journal.note_facts(
            part_suffix=self._codec.part_suffix,
            suffix=self._format.suffix,
            fourcc=self._codec.fourcc[self._format.suffix],
            output_rate=self._format.output_rate,
            nominal_fps=self._begin.nominal_fps,
            trigger_s=self._begin.trigger_s,
            trigger_utc=journal.iso(self._begin.trigger_utc),
            width=width,
            height=height,
        )
        part = self._stem.with_name(f"{self._stem.name}.part{self._codec.part_suffix}")
        return Encoder(part, self._format.fourcc, self._begin.nominal_fps, (width, height))

    def close(self) -> Path:
        """Make the final file and its index line, and return the file's path."""
        if self._encoder is not None:
            self._encoder.close()
        self._journal.close()
        path = close_recording(self._archive, self._journal.path)
        if path is None:
            raise RecordingError(f"{self._stem}: the recording has no pictures")
        log.info("recorded %s", self._archive.relative_name(path))
        return path
