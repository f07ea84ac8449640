"""What lies beside an open recording: everything about it that the video file cannot say.

A text file, `video_….part.jsonl`, written along with the pictures: first the facts
of the recording, then a line for each frame. Closing reads it, after a crash as
after a regular end, so that a recovered recording has its exact times too.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pynvr.archive import fsync
from pynvr.media.packet import Recordable

SUFFIX = ".part.jsonl"


class FrameNote(NamedTuple):
    """What is kept of a recorded frame."""

    time: float
    """frame.time, seconds."""
    utc: str
    """ISO 8601."""
    changed_px: int
    """As the detector counted; 0 for a pre-alarm frame."""
    motion: bool
    size_bytes: int = 0
    """Of a packet that was copied; 0 where it was not known beforehand."""


@dataclass(slots=True)
class Journal:
    """The content of a journal file."""

    facts: dict[str, Any] = field(default_factory=dict)
    frames: list[FrameNote] = field(default_factory=list)

    def times(self) -> list[float]:
        """When each frame is shown, seconds, in the order of decoding."""
        return [frame.time for frame in self.frames]


class JournalWriter:
    """Appends to a journal; every line is with the operating system when the call returns.

    Raises OSError where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb", buffering=0)
        self._synced = 0.0

    def note_facts(self, **facts: object) -> None:
        """Add facts; a later one replaces an earlier one of the same name."""
        self._append(facts)

    def note_frame(self, frame: Recordable, changed_px: int, motion: bool, size_bytes: int = 0) -> None:
        """Add a frame or packet that has gone into the part."""
        note = FrameNote(frame.time, iso(frame.utc), changed_px, motion, size_bytes)
        self._append(note if size_bytes else note[:-1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, entry: object) -> None:
        fsync.write(self._file, json.dumps(entry).encode() + b"\n")
        if time.monotonic() - self._synced >= fsync.SYNC_INTERVAL_S:
            fsync.sync(self._file.fileno(), self.path, data_only=True)
            self._synced = time.monotonic()


def read(path: Path) -> Journal:
    """Read a journal as far as a crash has left it: perhaps not at all, perhaps to the middle of a line."""
    journal = Journal()
    if not path.exists():
        return journal
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if isinstance(entry, dict):
            journal.facts |= entry
        else:
            journal.frames.append(FrameNote(*entry))
    return journal


def iso(utc: datetime) -> str:
    """ISO 8601 with milliseconds: 2017-04-02T13:20:17.042+00:00."""
    return utc.isoformat(timespec="milliseconds")
