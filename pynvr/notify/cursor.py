"""Remembers up to which recording a receiver has been told, in a small file that survives a power cut."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from pynvr.archive import fsync
from pynvr.archive.index import moment_of
from pynvr.archive.replaced_file import ReplacedFile

log = logging.getLogger(__name__)

PREFIX = ".pynvr.cursor."


class Cursor:
    """Holds the id of the latest recording that a receiver has taken, in memory and in a file."""

    def __init__(self, archive: Path, receiver: str, newest: str) -> None:
        """Read the receiver's file. A new receiver starts after the recording `newest`."""
        path = archive / f"{PREFIX}{receiver}"
        self._file = ReplacedFile(path, f"{path.name}: %s", durable=True)
        self._saved_at = 0.0
        self._saved: str | None = None
        try:
            found = path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            found = None
        if found == "" or (found is not None and moment_of(found)):
            self.id = self._saved = found
            return
        if found is not None:
            log.warning("%s: is not understood; what was recorded before now is not told of", path)
        self.id = newest
        self.save()

    def move(self, recording_id: str) -> None:
        """Note that the receiver has taken everything up to this recording; flushed about once a second."""
        self.id = recording_id
        if time.monotonic() - self._saved_at >= fsync.SYNC_INTERVAL_S:
            self.save()

    def save(self) -> None:
        """Flush the file to the disk.

        A disk that refuses is logged once. After a restart the receiver then gets some recordings again.
        """
        if self.id == self._saved:
            return
        self._saved_at = time.monotonic()
        if self._file.write(f"{self.id}\n".encode()):
            self._saved = self.id
