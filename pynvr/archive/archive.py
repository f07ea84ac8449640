"""The folder with the recordings: names, the index, and one recorder at a time.

Nothing is ever overwritten, and nothing is written outside the folder.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from typing import IO

from pynvr.archive import fsync
from pynvr.errors import ArchiveError, SettingsError

log = logging.getLogger(__name__)

INDEX_NAME = "recordings.jsonl"
PREFIX = "video"
"""Names of recordings begin so; whatever else lies in the archive is not touched."""
MARKER_NAME = ".pynvr_archive"
LOCK_NAME = ".pynvr.lock"
NO_PLACE = {errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG}
"""Why a folder cannot be an archive until somebody changes something; a disk may come back by itself."""

SubfolderNamer = Callable[[datetime], str]


class Archive:
    """Knows where recordings lie and which names are free; has to be opened before use."""

    def __init__(
        self, root: Path, subfolder_namer: SubfolderNamer | None, require_marker: bool = False
    ) -> None:
        """With `require_marker` nothing is written where the marker file is missing."""
        self.root = root
        self._require_marker = require_marker
        self.index_path = root / INDEX_NAME
        self._subfolder_namer = subfolder_namer
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder where it is missing and lock it.

        Raises SettingsError for a place that cannot be an archive, ArchiveError for one that is not now.
        """
        self.check_marker()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = (self.root / LOCK_NAME).open("a")
        except OSError as error:
            kind = SettingsError if error.errno in NO_PLACE else ArchiveError
            raise kind(f"PATH_FOR_VIDEO = {str(self.root)!r}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise SettingsError(
                f"PATH_FOR_VIDEO = {str(self.root)!r}: another recorder writes there; "
                "give each camera a folder of its own"
            ) from None

    def close(self) -> None:
        """Let another recorder have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_marker(self) -> None:
        """Raise ArchiveError where the archive has to have a marker file and has none."""
        marker = self.root / MARKER_NAME
        if self._require_marker and not marker.exists():
            raise ArchiveError(
                f"ARCHIVE_REQUIRE_MARKER: {marker} is missing; is the disk mounted? "
                "If this is a new archive, make that file"
            )

    def new_stem(self, utc: datetime, prefix: str = PREFIX) -> Path:
        """Make the sub-folder for a recording triggered at `utc` and return its free path, less the suffix.

        `video_2017-04-02T132017`; where that is taken, `…_2`, `…_3` and so on.
        Raises OSError where the sub-folder cannot be made, ArchiveError where the marker is missing.
        """
        self.check_marker()
        folder = self._subfolder(utc)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{prefix}_{utc:%Y-%m-%dT%H%M%S}"
        taken = {entry.name.split(".", 1)[0] for entry in folder.iterdir()}
        number = 1
        while (stem := name if number == 1 else f"{name}_{number}") in taken:
            number += 1
        return folder / stem

    def _subfolder(self, utc: datetime) -> Path:
        """The folder that the user's function names; the archive itself where that is no folder inside."""
        if self._subfolder_namer is None:
            return self.root
        try:
            folder = (self.root / self._subfolder_namer(utc)).resolve()
        except Exception as error:  # whatever a user's function can raise
            log.error("subFolderNameGeneratorFunc failed, recording into %s: %r", self.root, error)
            return self.root
        if not folder.is_relative_to(self.root.resolve()):
            log.error("subFolderNameGeneratorFunc: %s is outside of %s, recording there", folder, self.root)
            return self.root
        return self.root / folder.relative_to(self.root.resolve())

    def remove_if_empty(self, folder: Path) -> None:
        """Remove a sub-folder with nothing in it, and those above it that this leaves empty."""
        while folder != self.root and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def leftovers(self) -> list[Path]:
        """Paths, less the suffix, of recordings that were not closed; oldest name first."""
        parts = self.root.rglob(f"{PREFIX}_*.part.*")
        return sorted({path.with_name(path.name.split(".", 1)[0]) for path in parts})

    def indexed(self, recording: Path) -> bool:
        """Whether the index has a line for this recording."""
        name = self.relative_name(recording)
        return any(entry.get("file") == name for entry in self.read_index())

    def read_index(self) -> list[dict[str, object]]:
        """The index's objects; lines that a crash has torn, or a hand has spoilt, are left out."""
        entries = []
        try:
            lines = self.index_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        for line in lines:
            with suppress(ValueError):
                entries.append(json.loads(line))
        return [entry for entry in entries if isinstance(entry, dict)]

    def append_to_index(self, recording: Path, entry: Mapping[str, object]) -> None:
        """Add a closed recording's line and have it on the disk; raises OSError, and then adds nothing."""
        line = json.dumps({"file": self.relative_name(recording), **entry}, ensure_ascii=False) + "\n"
        with self.index_path.open("ab+", buffering=0) as index:
            end = index.tell()
            if end and not _ends_with_newline(index):  # a torn last line stays alone
                line = "\n" + line
            try:
                if index.write(line.encode()) != len(line.encode()):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(index.fileno())
            except OSError:
                index.truncate(end)
                raise

    def remove_from_index(self, names: Collection[str]) -> None:
        """Take the lines of removed recordings out of the index, all at once or not at all."""
        lines = self.index_path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        kept = [line for line in lines if _file_of(line) not in names]
        replacement = self.index_path.with_name(f".{INDEX_NAME}.new")
        replacement.write_text("".join(kept), encoding="utf-8")
        fsync.move(replacement, self.index_path)

    def relative_name(self, recording: Path) -> str:
        """A recording's name as the index has it."""
        return recording.relative_to(self.root).as_posix()


def _file_of(line: str) -> object:
    try:
        return json.loads(line).get("file")
    except (ValueError, AttributeError):
        return None


def _ends_with_newline(file: RawIOBase) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
