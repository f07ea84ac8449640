"""Carries out the capture loop's orders, and tries again if the disk refuses."""

import logging
import time
from pathlib import Path

from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover
from pynvr.archive.names import is_open, open_bytes
from pynvr.errors import PynvrError
from pynvr.media.frame import DEFAULT_FPS
from pynvr.recording.open_recording import OpenRecording, PartMaker
from pynvr.recording.orders import Begin, End, Order, Picture, Write

log = logging.getLogger(__name__)

RETRY_S = 5.0
"""After the disk has refused, recording is tried again so often."""
CLOSING_BYTES_PER_S = 5e6
"""Closing may take a second for so many bytes: it reads the part twice, writes a copy and reads that.
A slower disk could not record."""


class RetriedRecordings:
    """Has one recording open at a time. Only the writer's thread calls it; others read its public attributes.

    If the disk refuses, that is logged once, and further frames try again until it works. Recordings that
    were left open are closed before the next one is opened or closed, and whenever `recover` is called.
    """

    def __init__(self, archive: Archive, make_part: PartMaker, retry: bool) -> None:
        """Without `retry` (for a file source) the disk's first error is raised."""
        self._archive = archive
        self._make_part = make_part
        self._retry = retry
        self._open: OpenRecording | None = None
        self._pictures: dict[str, Picture] = {}
        """The latest pictures beside this recording, by kind, for another file if the first one fails."""
        self._retry_at = 0.0
        """Before this monotonic time recording is not tried again."""
        self._in_event = False
        """Whether frames of an event come."""
        self.failing = False
        """Whether the disk has refused, until it has worked for `RETRY_S` or a recording was closed."""
        self.recordings: list[Path] = []
        """Paths of the recordings that were closed; with `retry` only the latest."""
        self.recorded = self.lost = 0
        """Frames that were written, and frames lost because the disk refused."""
        self.allowance_s = 0.0
        """Extra seconds that the current order may take: closing copies files."""

    @property
    def recording(self) -> str | None:
        current = self._open
        return None if current is None else self._archive.relative_name(current.stem)

    def carry_out(self, order: Order) -> bool:
        """Carry out an order; True if it closed a recording. Without `retry` raises OSError or PynvrError."""
        self.allowance_s = 0.0
        try:
            match order:
                case Begin():
                    self._in_event = True
                    self._pictures.clear()
                    self.recover()
                    self._open = OpenRecording(self._archive, self._make_part, order)
                case Picture():
                    self._pictures[order.kind] = order
                    if self._open is not None:
                        self._open.keep(order)
                case Write():
                    self._write(order)
                case End():
                    self._in_event = False
                    return self._end(order)
        except (PynvrError, OSError) as error:
            if not self._retry:
                raise
            self._fail(error, order)
        return False

    def recover(self) -> None:
        """Close earlier recordings that were left open; what cannot be closed now waits for the next call."""
        writing = None if self._open is None else self._open.stem
        try:
            left = [stem for stem in self._archive.leftovers() if stem != writing]
            self.allowance_s = sum(map(open_bytes, left)) / CLOSING_BYTES_PER_S
            recover(self._archive, logging.DEBUG, left)
            closed = left and not any(map(is_open, left))
        except (PynvrError, OSError) as error:
            log.debug("the archive is away: %s", error)
        else:
            if closed and self.failing and not self._in_event:
                self._recovered()

    def abandon(self) -> None:
        """Close the open recording as far as possible; the next `recover` or the next start does the rest."""
        current, self._open = self._open, None
        if current is None:
            return
        try:
            current.close()
        except (PynvrError, OSError) as error:
            log.debug("not closed yet: %s: %s", current.stem, error)

    def _write(self, order: Write) -> None:
        if self._open is None:
            self._try_again(order)
        if self._open is None:
            self.lost += 1
            return
        self._open.write(order)
        self.recorded += 1
        if self.failing and time.monotonic() > self._retry_at:
            self._recovered()

    def _end(self, order: End) -> bool:
        self.recover()
        current, self._open = self._open, None
        if current is None:
            return False
        self.allowance_s += open_bytes(current.stem) / CLOSING_BYTES_PER_S
        path = current.close(order)
        if path is None:
            return False
        if self.failing:
            self._recovered()
        log.info("recorded %s", self._archive.relative_name(path))
        self.recordings = [path] if self._retry else [*self.recordings, path]
        return True

    def _fail(self, error: Exception, order: Order) -> None:
        """Log the error, unless one was logged already, and save what there is; further frames try again."""
        if not self.failing:
            log.error("cannot record: %s; trying again every %.0f s", error, RETRY_S)
        self.failing = True
        self._retry_at = time.monotonic() + RETRY_S
        self.lost += isinstance(order, Write)
        self.abandon()

    def _try_again(self, order: Write) -> None:
        """Open a further recording in the middle of an event whose recording failed."""
        if time.monotonic() < self._retry_at or not order.frame.key:
            return
        self._retry_at = time.monotonic() + RETRY_S
        self.recover()
        begin = Begin(order.frame.time, order.frame.utc, DEFAULT_FPS, continues=True)
        self._open = OpenRecording(self._archive, self._make_part, begin)
        for picture in self._pictures.values():
            self._open.keep(picture)

    def _recovered(self) -> None:
        self.failing = False
        log.warning("recording again; %d frames were lost in all", self.lost)
