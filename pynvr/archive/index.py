"""The index: one file of JSON lines, a line for each closed recording, in order of closing.

Anybody may read it and mend it by hand. Lines that a crash has torn, or a hand has spoilt, are left
out by whoever reads, and stay in the file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from io import RawIOBase
from pathlib import Path
from typing import NamedTuple

from pynvr.archive import fsync

INDEX_NAME = "recordings.jsonl"
COPY_BYTES = 1024 * 1024


class Signature(NamedTuple):
    """What tells whether somebody else has changed the file."""

    size: int
    mtime_ns: int
    inode: int


class Index:
    """The index of one archive. One process writes it; others only read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[dict[str, object]]:
        """All objects of the index, oldest first."""
        return [entry for _, line in self.lines() if (entry := parsed(line)) is not None]

    def lines(self, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Each whole line from a byte's offset on, with the offset of its end; no index has no lines."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                for line in file:  # of a binary file only "\n" ends a line
                    offset += len(line)
                    if line.endswith(b"\n"):  # else it is being written, or torn
                        yield offset, line
        except FileNotFoundError:
            return

    def has(self, name: str) -> bool:
        """Whether there is a line for the recording of this name. Reads the whole index."""
        wanted = json.dumps(name.rpartition("/")[2], ensure_ascii=False)[1:-1].encode()
        return any(wanted in line and file_of(line) == name for _, line in self.lines())

    def append(self, entry: Mapping[str, object]) -> None:
        """Add a line and have it on the disk; raises OSError, and then adds nothing."""
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        with self.path.open("ab+", buffering=0) as file:
            end = file.tell()
            if end and not _ends_with_newline(file):  # a torn last line stays alone
                line = b"\n" + line
            try:
                fsync.write(file, line)
                fsync.sync(file.fileno(), self.path)
            except OSError:
                file.truncate(end)
                raise

    def remove(self, names: Collection[str]) -> bool:
        """Take the lines of these recordings out, all at once or not at all.

        The rest stays as it is, byte by byte; it is only copied after the last one was found, so
        that removing the oldest is cheap. False where somebody has changed the index meanwhile:
        then nothing was removed. Raises OSError.
        """
        left = set(names)
        replacement = self.path.with_name(f".{self.path.name}.new")
        with self.path.open("rb") as old, replacement.open("wb") as new:
            before = _signature(os.fstat(old.fileno()))
            while left and (line := old.readline()):
                name = file_of(line)
                left.discard(name or "")
                if name not in names:
                    new.write(line)
            shutil.copyfileobj(old, new, COPY_BYTES)
        if self.signature() != before:
            replacement.unlink()
            return False
        fsync.move(replacement, self.path)
        return True

    def signature(self) -> Signature | None:
        """Changes whenever the file does; None where there is none."""
        try:
            return _signature(self.path.stat())
        except FileNotFoundError:
            return None


def parsed(line: bytes) -> dict[str, object] | None:
    """The object that a line is; None for a line that is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def file_of(line: bytes) -> str | None:
    """The name of the recording that a line is about; None where it does not say."""
    name = (parsed(line) or {}).get("file")
    return name if isinstance(name, str) else None


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_size, status.st_mtime_ns, status.st_ino)


def _ends_with_newline(file: RawIOBase) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
