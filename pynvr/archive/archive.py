"""The folder with the recordings: which are open, which are closed, and one recorder at a time.

It overwrites nothing and writes nothing outside the folder.
"""

import errno
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TypeVar

from pynvr.archive import companions, leftovers
from pynvr.archive.index import INDEX_NAME, Index
from pynvr.archive.lock import is_lock_of, lock
from pynvr.archive.names import PREFIX, SubfolderNamer, free_stem, is_open, lies_inside, make_subfolder
from pynvr.errors import ArchiveError, SettingsError

log = logging.getLogger(__name__)
News = TypeVar("News")

MARKER_NAME = ".pynvr_archive"
NO_PLACE = {errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG}
"""Errors that only a person can remove. With any other error the disk may come back by itself."""


class Archive:
    """Knows where recordings are and which names are free. Call `open` before use."""

    def __init__(
        self,
        root: Path,
        subfolder_namer: SubfolderNamer | None,
        require_marker: bool = False,
    ) -> None:
        """With `require_marker` nothing is written unless the marker file is there."""
        self.root = root
        self._require_marker = require_marker
        # the three are called on the thread that closes, removes or keeps, so they have to be quick
        self.on_closed: list[Callable[[Mapping[str, object]], None]] = []
        """Called with the index's object of each recording that was closed, or recovered after a crash."""
        self.on_removed: list[Callable[[Collection[str]], None]] = []
        """Called with the names of recordings that were removed."""
        self.on_kept: list[Callable[[str], None]] = []
        """Called with the name of a recording that has a `.keep` file now."""
        self.index = Index(root / INDEX_NAME)
        self._subfolder_namer = subfolder_namer
        self._lock: IO[str] | None = None
        self._searched = False
        self._open: set[Path] = set()
        """Paths without suffix of recordings that are not closed yet: begun by this object, or left over."""

    def open(self) -> None:
        """Make the folder if it is missing, and lock it. The next `leftovers` searches it.

        Raises SettingsError if the folder cannot be an archive or another recorder uses it, and ArchiveError
        if its disk is away or refuses now.
        """
        self.check_marker()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            taken = lock(self.root)
        except OSError as error:
            kind = SettingsError if error.errno in NO_PLACE else ArchiveError
            where = "" if error.filename in (None, str(self.root)) else f"{error.filename}: "
            raise kind(f"PATH_FOR_VIDEO = {str(self.root)!r}: {where}{error.strerror}") from None
        if taken is None:
            raise SettingsError(
                f"PATH_FOR_VIDEO = {str(self.root)!r}: another recorder writes there; "
                "give each camera a folder of its own"
            )
        self._lock, self._searched = taken, False

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check_marker(self) -> None:
        """Raise ArchiveError if the archive needs a marker file and has none."""
        marker = self.root / MARKER_NAME
        if self._require_marker and not marker.exists():
            raise ArchiveError(
                f"ARCHIVE_REQUIRE_MARKER: {marker} is missing; is the disk mounted? "
                "If this is a new archive, make that file"
            )

    def new_stem(self, utc: datetime, prefix: str = PREFIX) -> Path:
        """Make the sub-folder for a recording triggered at `utc`; return a free path in it, without suffix.

        `video_2017-04-02T132017`; if that is taken, `…_2`, `…_3` and so on.
        Raises OSError if the sub-folder cannot be made, and as `open` does if the archive is away.
        """
        self.check_marker()
        self._open_again()
        stem = free_stem(make_subfolder(self.root, self._subfolder_namer, utc), utc, prefix)
        if prefix == PREFIX:
            self._open.add(stem)
        return stem

    def keep(self, recording_id: str) -> None:
        """Keep the recording of this id from ever being removed; raises OSError.

        If the index has no such id, or the file is gone, a line in the log says so.
        """
        name = next((entry.file for entry in self.index.each() if entry.id == recording_id), None)
        recording = self.root / (name or "")
        if name is None or not lies_inside(self.root, recording) or not recording.exists():
            log.warning("no recording %.40r is there that could be kept", recording_id)
            return
        companions.keep(str(recording))
        _tell(self.on_kept, name)
        log.info("%s is kept", name)

    def remove_if_empty(self, folder: Path) -> None:
        """Remove an empty sub-folder, and the folders above it that are then empty."""
        with suppress(OSError):  # it is not empty, or already gone
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent

    def leftovers(self) -> list[Path]:
        """Paths without suffix of recordings that are not closed; oldest name first.

        The first call searches the archive. After that the archive keeps track of what it opens and closes.
        It searches again only when a disk has come back or taken the place of another. Raises OSError if the
        archive cannot be read, and as `open` does if it is away.
        """
        self._open_again()
        if not self._searched:
            found, closed = leftovers.find(self.root)
            unlisted = closed - sum(1 for _ in self.index.lines())
            if unlisted > 0:
                log.warning(
                    "%s: %d recordings have no line in the index, and are neither shown nor removed: bring "
                    "back its backup, or remove them yourself",
                    self.root, unlisted,
                )  # fmt: skip
            self.index.clear_abandoned()
            self._open |= found
            self._searched = True
        return sorted(filter(is_open, self._open))

    def settle(self, stem: Path) -> None:
        """Note that this recording is no longer open; ignored while its disk is away, which only hides it."""
        if self._lock is None or is_lock_of(self._lock, self.root):
            self._open.discard(stem)

    def _open_again(self) -> None:
        """Open the archive again if its disk has gone away since, or another one has taken its place."""
        if self._lock is not None and not is_lock_of(self._lock, self.root):
            self._lock.close()
            self.open()

    def add(self, recording: Path, entry: Mapping[str, object]) -> None:
        """Add a closed recording to the index. If it raises OSError, nothing was added."""
        entry = {"file": self.relative_name(recording), "id": self.index.new_id(), **entry}
        self.index.append(entry)
        _tell(self.on_closed, entry)

    def remove(self, names: Collection[str]) -> int:
        """Remove recordings whose files are gone from the index; return how many bytes shorter it is."""
        shorter = self.index.remove(names)
        _tell(self.on_removed, names)
        return shorter

    def relative_name(self, recording: Path) -> str:
        return recording.relative_to(self.root).as_posix()


def _tell(listeners: Iterable[Callable[[News], None]], news: News) -> None:
    for listener in listeners:
        try:
            listener(news)
        except Exception:  # a listener must not prevent a recording from being closed
            log.exception("a fault of the program, not of the archive: %r", listener)
