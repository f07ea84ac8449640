"""The folder with the recordings: names, and one recorder at a time.

Nothing is ever overwritten, and nothing is written outside the folder.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from pynvr.archive.companions import COMPANIONS
from pynvr.archive.index import INDEX_NAME, Index
from pynvr.archive.lock import lock
from pynvr.errors import ArchiveError, SettingsError

log = logging.getLogger(__name__)

PREFIX = "video"
"""Names of recordings begin so; whatever else lies in the archive is not touched."""
MARKER_NAME = ".pynvr_archive"
NO_PLACE = {errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG}
"""Why a folder cannot be an archive until somebody changes something; a disk may come back by itself."""
NO_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT}
"""Why a sub-folder cannot have its name: too long, or with a sign that the file system does not know."""
VIDEO_SUFFIXES = (".avi", ".mp4", ".ts", ".mkv")
SUFFIXES = (
    *VIDEO_SUFFIXES, *COMPANIONS, ".damaged", ".part.jsonl", *(f".part{suffix}" for suffix in VIDEO_SUFFIXES)
)  # fmt: skip
"""All that a recording's files can end in."""
LONGEST_NAME = f"{PREFIX}_2017-04-02T132017_9999.closing.part.avi"

SubfolderNamer = Callable[[datetime], str]


class Observer(Protocol):
    """Is told what has become of recordings: on the thread that did it, so it has to be quick."""

    def closed(self, entry: Mapping[str, object]) -> None:
        """A recording is closed, or recovered after a crash, and in the index as this object."""

    def removed(self, names: Collection[str]) -> None:
        """Recordings of these names, relative to the archive, were removed."""


class Archive:
    """Knows where recordings lie and which names are free; has to be opened before use."""

    def __init__(
        self,
        root: Path,
        subfolder_namer: SubfolderNamer | None,
        require_marker: bool = False,
        observers: Sequence[Observer] = (),
    ) -> None:
        """With `require_marker` nothing is written where the marker file is missing."""
        self.root = root
        self._require_marker = require_marker
        self._observers = observers
        self.index = Index(root / INDEX_NAME)
        self._subfolder_namer = subfolder_namer
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folder where it is missing and lock it.

        Raises SettingsError for a place that cannot be an archive, ArchiveError for one that is not now.
        """
        self.check_marker()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = lock(self.root)
        except OSError as error:
            kind = SettingsError if error.errno in NO_PLACE else ArchiveError
            where = "" if error.filename in (None, str(self.root)) else f"{error.filename}: "
            raise kind(f"PATH_FOR_VIDEO = {str(self.root)!r}: {where}{error.strerror}") from None
        if self._lock is None:
            raise SettingsError(
                f"PATH_FOR_VIDEO = {str(self.root)!r}: another recorder writes there; "
                "give each camera a folder of its own"
            )

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
        name = f"{prefix}_{utc:%Y-%m-%dT%H%M%S}"
        number = 1
        while _taken(stem := folder / (name if number == 1 else f"{name}_{number}")):
            number += 1
        return stem

    def _subfolder(self, utc: datetime) -> Path:
        """Make the folder that the user's function names; the archive itself where that cannot be one."""
        folder = self.root
        try:
            if self._subfolder_namer is not None:
                folder = self._inside(self._subfolder_namer(utc))
        except Exception as error:  # whatever a user's function can raise
            log.error("subFolderNameGeneratorFunc failed, recording into %s: %r", self.root, error)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                (folder / LONGEST_NAME).lstat()  # raises another OSError where all together is too long
        except OSError as error:
            # where the archive itself is gone, it is not the name's fault
            if folder == self.root or error.errno not in NO_NAME or not self.root.is_dir():
                raise
            name = f"{folder.relative_to(self.root)}"
            log.error(
                "subFolderNameGeneratorFunc: %.100r cannot be a folder's name, recording into %s: %s",
                name, self.root, error.strerror,
            )  # fmt: skip
            return self.root
        return folder

    def _inside(self, name: str) -> Path:
        """The sub-folder of that name; raises ValueError where it is outside, or no text."""
        name.encode()  # what is not UTF-8 could not stand in the index
        folder, root = (self.root / name).resolve(), self.root.resolve()
        if not folder.is_relative_to(root):
            raise ValueError(f"{folder} is outside of the archive")
        return self.root / folder.relative_to(root)

    def remove_if_empty(self, folder: Path) -> None:
        """Remove a sub-folder with nothing in it, and those above it that this leaves empty."""
        with suppress(OSError):  # there is something in it, or it is gone already
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent

    def leftovers(self) -> list[Path]:
        """Paths, less the suffix, of recordings that were not closed; oldest name first."""
        parts = self.root.rglob(f"{PREFIX}_*.part.*")
        return sorted({path.with_name(path.name.split(".", 1)[0]) for path in parts})

    def add(self, recording: Path, entry: Mapping[str, object]) -> None:
        """Enter a closed recording into the index; raises OSError, and then it is not entered."""
        entry = {"file": self.relative_name(recording), "id": self.index.new_id(), **entry}
        self.index.append(entry)
        self._tell("closed", entry)

    def remove(self, names: Collection[str]) -> int:
        """Take recordings whose files are gone out of the index; return how many bytes shorter that is."""
        shorter = self.index.remove(names)
        self._tell("removed", names)
        return shorter

    def _tell(self, what: str, news: object) -> None:
        for observer in self._observers:
            try:
                getattr(observer, what)(news)
            except Exception:  # whoever listens must not keep a recording from being closed
                log.exception("a fault of the program, not of the archive: %r", observer)

    def relative_name(self, recording: Path) -> str:
        """A recording's name as the index has it."""
        return recording.relative_to(self.root).as_posix()


def _taken(stem: Path) -> bool:
    """Whether any file stands in the way of a recording of this name.

    Asks for each file that could be: to list the folder would take the longer the more is in it.
    """
    return any(os.path.lexists(f"{stem}{suffix}") for suffix in SUFFIXES)
