"""Carries out the capture loop's orders, and tries again if the disk refuses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover
from pynvr.errors import PynvrError
from pynvr.recording.open_recording import OpenRecording, RecordingFormat
from pynvr.recording.orders import Begin, End, Order, Picture, Write

log = logging.getLogger(__name__)

RETRY_S = 5.0
"""After the disk has refused, recording is tried again so often."""
CLOSING_BYTES_PER_S = 5e6
"""Closing reads the part twice, writes its copy and reads that; a slower disk could not record."""


class RetriedRecordings:
    """Has one recording open at a time. Used on the writer's thread, except for its counters.

    A disk that refuses is logged once. The next frames try again until it works.
    """

    def __init__(
        self, archive: Archive, form: RecordingFormat, retry: bool, make_room: Callable[[], None]
    ) -> None:
        """Without `retry`, which is for files, the first error of the disk is raised.

        `make_room` is called before each further try.
        """
        self._archive = archive
        self._format = form
        self._retry = retry
        self._make_room = make_room
        self._open: OpenRecording | None = None
        self._pictures: dict[str, Picture] = {}
        """The latest frames of this recording, for another file if the first one fails."""
        self._retry_at = 0.0
        self.failing = False
        """Whether the disk has refused, and nothing has been recorded since."""
        self.recordings: list[Path] = []
        """The recordings that were closed; of a live source only the latest."""
        self.recorded = self.lost = 0
        """Frames that were written, and frames lost because the disk refused."""
        self.allowance_s = 0.0
        """Extra seconds that the current order may take: closing copies a file."""

    @property
    def recording(self) -> str | None:
        """Name of the open recording, if there is one."""
        is_open = self._open
        return None if is_open is None else self._archive.relative_name(is_open.stem)

    def carry_out(self, order: Order) -> bool:
        """Carry out an order; return True if it has closed a recording. Raises OSError or RecordingError."""
        self.allowance_s = 0.0
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
                    return self._end(order)
        except (PynvrError, OSError) as error:
            if not self._retry:
                raise
            self._fail(error, order)
        return False

    def abandon(self) -> None:
        """Close the open recording as far as possible; the next try, or the next start, does the rest."""
        is_open, self._open = self._open, None
        if is_open is None:
            return
        try:
            is_open.close()
        except (PynvrError, OSError) as error:
            log.debug("not closed yet: %s: %s", is_open.stem, error)

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
        is_open, self._open = self._open, None
        if is_open is None:
            return False
        self.allowance_s = is_open.part_bytes() / CLOSING_BYTES_PER_S
        path = is_open.close(order)
        if path is None:
            return False
        if self.failing:
            self._recovered()
        log.info("recorded %s", self._archive.relative_name(path))
        self.recordings = [path] if self._retry else [*self.recordings, path]
        return True

    def _fail(self, error: Exception, order: Order) -> None:
        """Log it once and save what there is; the next frames will try again."""
        if not self.failing:
            log.error("cannot record: %s; trying again every %.0f s", error, RETRY_S)
        self.failing = True
        self._retry_at = time.monotonic() + RETRY_S
        self.lost += isinstance(order, Write)
        self.abandon()

    def _try_again(self, order: Write) -> None:
        """Open another recording in the middle of an event whose first one failed."""
        if time.monotonic() < self._retry_at or not order.frame.key:
            return
        self._retry_at = time.monotonic() + RETRY_S
        with suppress(OSError):  # no room can be made, or the folder is gone
            self._make_room()
        recover(self._archive, logging.DEBUG)
        begin = Begin(order.frame.time, order.frame.utc, nominal_fps=25.0, continues=True)
        self._open = OpenRecording(self._archive, self._format, begin)
        for picture in self._pictures.values():
            self._open.keep(picture)

    def _recovered(self) -> None:
        self.failing = False
        log.warning("recording again; %d frames were lost in all", self.lost)
