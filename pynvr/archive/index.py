"""The index: one file of JSON lines, a line for each closed recording, in order of closing.

A person may read and edit it. Readers skip torn and spoilt lines, which stay in the file.
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from pynvr.archive import fsync
from pynvr.archive.entry import Known, known
from pynvr.archive.names import lies_inside

log = logging.getLogger(__name__)

INDEX_NAME = "recordings.jsonl"
COPY_BYTES = 1024 * 1024
SMALL_BYTES = 256 * 1024
"""An index up to this size is written anew whenever a recording is removed."""
BYTES_PER_REMOVAL = 64 * 1024
"""A larger one is written anew when there is one removed recording for every so many bytes."""
ID = re.compile("[0-8][0-9]{7}T[0-9]{9}")
"""A line's id: the UTC time of closing to the millisecond, 20170402T132017042, or the next free one. One of
the year 9999 could be the last: no higher id might follow."""


class Signature(NamedTuple):
    """Shows whether somebody else has changed the file."""

    size: int
    mtime_ns: int
    inode: int


class Index:
    """The index of one archive. One process writes it; others only read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gone: set[str] = set()
        """Names of removed recordings whose lines are still in the file."""
        self._left: Signature | None = None
        """The file's state after this object wrote it last."""
        self._touched = True
        """Whether others have changed the file before this object wrote it last."""
        self._highest = ""
        """The highest id known to have been given."""
        self._ids_read = False
        self._spoilt_said = 0

    def new_id(self) -> str:
        """An id for the next line, higher than all before it, even if the clock was set back."""
        if not self._ids_read:
            signature = self.signature()
            for _, line in self.lines(max(0, signature.size - COPY_BYTES) if signature else 0):
                if (entry := known(line)) is not None:
                    self.go_on_after(entry.id or "")
            self._ids_read = True
        now = datetime.now(timezone.utc)
        if last := moment_of(self._highest):
            now = max(now, last + timedelta(milliseconds=1))
        self._highest = id_of(now)
        return self._highest

    def go_on_after(self, given: str) -> None:
        """From now on give only higher ids than `given`, which a removed line may have had."""
        if moment_of(given) is not None:
            self._highest = max(self._highest, given)

    def each(self) -> Iterator[Known]:
        """The known fields of all lines, oldest first. Spoilt lines are skipped and logged once."""
        spoilt = 0
        for _, line in self.lines():
            if (entry := known(line)) is None:
                spoilt += bool(line.strip())
            elif entry.file not in self._gone:
                yield entry
        self.complain(spoilt)

    def complain(self, spoilt: int) -> None:
        """Log how many spoilt lines there are, unless as many were logged before."""
        if spoilt > self._spoilt_said:
            self._spoilt_said = spoilt
            log.warning(
                "%s: %d lines say nothing that can be understood; "
                "what they are about is neither shown nor removed",
                self.path, spoilt,
            )  # fmt: skip

    def lines(self, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (offset of its end, line) for each whole line from an offset on; none without an index."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                for line in file:  # in a binary file only "\n" ends a line
                    offset += len(line)
                    if line.endswith(b"\n"):  # otherwise it is torn, or still being written
                        yield offset, line
        except FileNotFoundError:
            return

    def has(self, name: str) -> bool:
        """Whether there is a line for the recording of this name. Reads the whole index."""
        return any(entry.file == name for entry in self.each())

    def may_name(self, name: str) -> bool:
        """Whether this may be a recording's name: not outside of the archive, and not the index itself.

        A link counts, wherever it leads.
        """
        root = self.path.parent
        path = Path(f"{root}/{name}")
        return path != self.path and lies_inside(root, path.parent)

    def is_gone(self, name: str) -> bool:
        """Whether the recording was removed, and its line is still in the file."""
        return name in self._gone

    def append(self, entry: Mapping[str, object]) -> None:
        """Add a line and flush it to the disk. If it raises OSError, nothing was added."""
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        self._touched |= self.signature() != self._left
        with self.path.open("ab+", buffering=0) as file:
            end = file.tell()
            file.seek(max(0, end - 1))
            if file.read(1) not in (b"", b"\n"):  # a torn last line stays a line of its own
                line = b"\n" + line
            try:
                fsync.write(file, line)
                fsync.sync(file.fileno(), self.path)
            except OSError:
                file.truncate(end)
                raise
            finally:
                self._left = _signature(os.fstat(file.fileno()))

    def remove(self, names: Collection[str]) -> int:
        """Remove the lines of these recordings; return how many bytes shorter the file is.

        A large index is written anew only after many removals. Until then the lines stay in the file, and
        `each` skips them. Raises OSError.
        """
        self._gone.update(names)
        size = self.path.stat().st_size
        if size > SMALL_BYTES and len(self._gone) < size // BYTES_PER_REMOVAL:
            return 0
        return self._rewrite()

    def _rewrite(self) -> int:
        """Write the file without the lines of removed recordings, completely or not at all.

        The other lines keep their bytes. All after the last removed line is copied without being read, so
        that removing the oldest recordings is cheap.
        """
        left = set(self._gone)
        replacement = self._replacement()
        with self.path.open("rb") as old, replacement.open("wb") as new:
            before = _signature(os.fstat(old.fileno()))
            while left and (line := old.readline()):
                entry = known(line)
                if entry is None or entry.file not in self._gone:
                    new.write(line)
                else:
                    left.discard(entry.file)
            shutil.copyfileobj(old, new, COPY_BYTES)
        if self.signature() != before:  # somebody is editing it
            replacement.unlink()
            return 0
        fsync.move(replacement, self.path)
        self._touched |= before != self._left
        self._left = self.signature()
        self._gone.clear()
        return before.size - (self._left.size if self._left else 0)

    def clear_abandoned(self) -> None:
        """Remove the unfinished replacement of the index that a crash has left; raises OSError."""
        if self.path.exists():
            self._replacement().unlink(missing_ok=True)

    def _replacement(self) -> Path:
        return self.path.with_name(f".{self.path.name}.new")

    def changed_by_others(self) -> bool:
        """Whether somebody other than this object has changed the file since the last call."""
        now = self.signature()
        changed = self._touched or now != self._left
        self._touched, self._left = False, now
        return changed

    def signature(self) -> Signature | None:
        """A value that changes whenever the file does; None if there is no file."""
        try:
            return _signature(self.path.stat())
        except FileNotFoundError:
            return None


def id_of(utc: datetime) -> str:
    """The id of a moment; ids sort as their moments do."""
    return f"{utc:%Y%m%dT%H%M%S}{utc.microsecond // 1000:03d}"


def moment_of(given: str) -> datetime | None:
    """The moment of an id; None if it is no id."""
    try:
        moment = datetime.strptime(given, "%Y%m%dT%H%M%S%f") if ID.fullmatch(given) else None
    except ValueError:
        return None
    return None if moment is None else moment.replace(tzinfo=timezone.utc)


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_size, status.st_mtime_ns, status.st_ino)
