"""Watches the other threads, and reports to the status file, the log and systemd.

A thread of its own reads the counters of the others. It feeds systemd's watchdog unless a thread hangs or has
failed; an absent camera or a disk that refuses is no reason. So systemd restarts a recorder that hangs. Its
status file says `stuck` once and then grows old.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

from pynvr.archive.replaced_file import ReplacedFile
from pynvr.media.frame import Frame, Gap
from pynvr.media.picture_watch import FAULT_AFTER_S, PictureWatch
from pynvr.recording import writer
from pynvr.recording.writer import RecordingWriter
from pynvr.redaction import without_password
from pynvr.service import native_output, systemd
from pynvr.sources.base import PacketSource, Source, SourceStatus

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
VALID_S = 3 * INTERVAL_S
"""An older status file means that the recorder hangs or is gone."""
LOG_INTERVAL_S = 3600.0
HANG_S = 5.0
"""The loop hangs if it takes no frame for so much longer than a camera may be silent."""
DISK_WAIT_S = 10.0
"""If an order of the writer takes so long, it waits for the disk."""

StatusObserver: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Is called with each status, as the status file has it."""


class LastError(logging.Handler):
    """Remembers the latest line of level ERROR or worse."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.text = without_password(record.getMessage())


class Health:
    """The thread that watches the others; a `with` starts and stops it."""

    def __init__(
        self,
        source: Source,
        writer: RecordingWriter,
        archive: Path,
        status: Path | None,
        packets: PacketSource | None = None,
        failed: Callable[[], bool] = lambda: False,
        more_facts: Callable[[], Mapping[str, Any]] = dict,
        observers: Sequence[StatusObserver] = (),
    ) -> None:
        """Watch a source, a writer, and in copy mode the source of packets.

        `status` is the path of the status file, if there is to be one. `failed` tells whether a thread of the
        process has failed. `more_facts` returns further fields of the status; `observers` get each status.
        """
        self._source = source
        self._packets = packets
        self._writer = writer
        self._archive = archive
        self._status = None if status is None else ReplacedFile(status, "STATUS_FILE_PATH: %s")
        self._failed = failed
        self._more_facts = more_facts
        self._observers = observers
        self._last_error = LastError()
        self._started = time.monotonic()
        self._handled = 0
        self._handled_at: float | None = None
        """When the loop took the latest frame, monotonic."""
        self._rate_since, self._rate_count = self._started, 0
        self._logged_at = self._started
        self._pictures = PictureWatch()
        self._told_fault: str | None = None
        self._refused = False
        """Whether the archive could not be written when it was last looked at."""
        self._stuck = False
        """Whether the latest report said `stuck`."""
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def __enter__(self) -> Health:
        logging.getLogger().addHandler(self._last_error)
        self._report()
        systemd.notify("READY=1")
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        systemd.notify("STOPPING=1")
        self._quit.set()
        self._thread.join(HANG_S)  # the disk of the status file may hang
        if not self._thread.is_alive():
            self._tell(self._facts() | {"state": "failed" if kind or self._failed() else "stopped"})
        logging.getLogger().removeHandler(self._last_error)

    def counted(self, frames: Iterator[Frame | Gap]) -> Iterator[Frame | Gap]:
        """Pass frames on and count them. A loop that hangs in one frame does not ask for the next."""
        for frame in frames:
            if isinstance(frame, Frame):
                self._handled_at = time.monotonic()
                self._handled += 1
                self._pictures.see(frame.image, frame.time)
            yield frame

    def _run(self) -> None:
        while not self._quit.wait(INTERVAL_S):
            self._report()

    def _report(self) -> None:
        self._look_at_archive()
        facts = self._facts()
        was_stuck, self._stuck = self._stuck, facts["state"] == "stuck"
        if self._stuck and was_stuck:
            return  # reported once; from now on the status file's age shows it
        if not self._stuck:
            systemd.notify("WATCHDOG=1", f"STATUS={facts['state']}, {facts['fps']} frames/s")
        self._tell(facts)
        self._tell_fault(self._pictures.fault)
        if time.monotonic() - self._logged_at >= LOG_INTERVAL_S:
            self._logged_at = time.monotonic()
            log.info("status: %s", json.dumps(facts))

    def _look_at_archive(self) -> None:
        """Log once that the archive cannot be written: while nothing moves, nobody else would notice."""
        refused = not os.access(self._archive, os.W_OK | os.X_OK)
        if refused and not self._refused and not self._writer.state.failing:
            log.error("PATH_FOR_VIDEO = %r: is gone, read-only or another user's now", str(self._archive))
        elif self._refused and not refused:
            log.info("PATH_FOR_VIDEO = %r: can be written again", str(self._archive))
        self._refused = refused

    def _tell_fault(self, fault: str | None) -> None:
        """Log once that the pictures are empty, and once that they no longer are."""
        if fault is not None and self._told_fault is None:
            log.error(
                "camera %s: its pictures are %s for %.0f s now; nothing that moves can be seen. Is the lens "
                "covered? If not, this OpenCV may be unable to decode them",
                self._source.name,
                fault,
                FAULT_AFTER_S,
            )
        elif fault is None and self._told_fault is not None:
            log.info("camera %s: there is something in its pictures again", self._source.name)
        self._told_fault = fault

    def _state(self, now: float, camera: SourceStatus | None, packets: SourceStatus | None) -> str:
        busy = self._writer.busy_since
        if self._failed():
            return "stuck"
        if busy is not None and now - busy > writer.HANG_S + self._writer.state.allowance_s:
            return "stuck"
        if any(reader is not None and reader.overdue_s > HANG_S for reader in (camera, packets)):
            return "stuck"
        since, pause_s = self._handled_at or self._started, HANG_S
        if camera is not None:
            if not camera.connected:
                return "connecting"
            since, pause_s = max(since, camera.connected_at), camera.longest_pause_s
        if now - since > pause_s + HANG_S:
            return "stuck"
        if busy is not None and now - busy > DISK_WAIT_S:
            return "waiting for the disk"  # it may still recover
        if self._writer.state.failing or self._refused or (packets is not None and not packets.connected):
            return "cannot record"
        if self._pictures.fault is not None:
            return "no picture"
        return "recording" if self._writer.state.recording else "watching"

    def _facts(self) -> dict[str, Any]:
        now, utc = time.monotonic(), datetime.now(timezone.utc)
        fps = (self._handled - self._rate_count) / max(now - self._rate_since, 1e-3)
        self._rate_since, self._rate_count = now, self._handled
        camera = self._source.status()
        packets = None if self._packets is None else self._packets.status()
        try:
            free = shutil.disk_usage(self._archive).free
        except OSError:
            free = None
        facts: dict[str, Any] = {
            "time_utc": utc.isoformat(timespec="seconds"),
            "valid_until_utc": (utc + timedelta(seconds=VALID_S)).isoformat(timespec="seconds"),
            "pid": os.getpid(),
            "camera": self._source.name,
            "state": self._state(now, camera, packets),
            "last_frame_age_s": None if self._handled_at is None else round(now - self._handled_at, 1),
            "fps": round(fps, 1),
            "frames_received": camera.received if camera else self._handled,
            "frames_dropped": self._writer.dropped + (camera.dropped if camera else 0),
            "frames_recorded": self._writer.state.recorded,
            "undecodable": camera.undecodable if camera else 0,
            "reconnects": max(0, camera.connections - 1) if camera else 0,
            "recording": self._writer.state.recording,
            "free_bytes": free,
            "pictures": self._pictures.fault or "good",
            "decoder_complaints": native_output.lines_printed(),
            "last_error": self._last_error.text,
        }
        if self._packets is not None and packets is not None:
            facts |= {
                "recording_camera": self._packets.name,
                "recording_camera_connected": packets.connected,
                "packets_received": packets.received,
                "packets_dropped": packets.dropped,
            }
        return facts | dict(self._more_facts())

    def _tell(self, facts: dict[str, Any]) -> None:
        if self._status is not None:
            self._status.write(f"{json.dumps(facts, indent=1)}\n".encode())
        for observer in self._observers:
            observer(facts)
