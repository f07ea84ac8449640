"""The journal beside an open recording: everything that the video file cannot hold.

A text file, `video_….part.jsonl`, is written along with the pictures: first the facts of the recording, then
a line for each frame. Facts may also come later. Closing always reads it, so that a recovered recording has
its exact times, too.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
from msgspec import Meta

from pynvr.archive import fsync
from pynvr.media.packet import Recordable

LONGEST_LINE = 64 * 1024
MOST_FRAMES = 5_000_000
"""Two days of frames. A file with more is no journal, and would not fit into memory."""
LATEST_S = 1e10
"""Some 300 years; a time beyond them is damaged."""

Time = Annotated[float, Meta(ge=-LATEST_S, le=LATEST_S)]
Rate = Annotated[float, Meta(gt=0, le=1e6)]
Side = Annotated[int, Meta(ge=1, le=1 << 20)]


class FrameNote(NamedTuple):
    """What the journal notes of a frame."""

    time: float
    """frame.time, seconds."""
    utc: str
    """ISO 8601."""
    changed_px: int
    """Changed pixels, from the detector; 0 for a pre-alarm frame."""
    motion: bool
    size_bytes: int = 0
    """Size of a copied packet in bytes; 0 if it was not known beforehand."""


class Facts(TypedDict, total=False):
    """Facts of a recording, with their types; there may be others."""

    part_suffix: Literal[".ts", ".avi", ".mp4", ".mkv"]
    suffix: Literal[".ts", ".avi", ".mp4", ".mkv"]
    fourcc: Annotated[str, Meta(pattern="^[ -~]{4}$")]
    output_rate: Rate | None
    nominal_fps: Rate
    trigger_s: Time
    trigger_utc: Annotated[datetime, Meta(tz=True)]
    continues: bool
    copied: bool
    sound: bool
    width: Side
    height: Side
    delimiter: Annotated[str, Meta(pattern="^([0-9a-f]{2})*$", max_length=64)]
    dropped: Annotated[int, Meta(ge=0)]
    undecodable: Annotated[int, Meta(ge=0)]
    last_motion_s: Time
    peak_s: Time
    strip_s: list[float]


_object = msgspec.json.Decoder(dict[str, Any])
_frame = msgspec.json.Decoder(FrameNote)


@dataclass(slots=True)
class Journal:
    """The content of a journal file."""

    facts: dict[str, Any] = field(default_factory=dict)
    frames: list[FrameNote] = field(default_factory=list)
    odd: bool = False
    """Whether it holds something that no crash leaves and that cannot be understood."""

    def times(self) -> list[float]:
        """When each frame is shown, seconds, in the order of decoding."""
        return [frame.time for frame in self.frames]


class JournalWriter:
    """Appends to a journal. When a call returns, the operating system has the line.

    Raises OSError if the disk refuses.
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
        self._file.close()

    def _append(self, entry: object) -> None:
        fsync.write(self._file, json.dumps(entry).encode() + b"\n")
        if time.monotonic() - self._synced >= fsync.SYNC_INTERVAL_S:
            fsync.sync(self._file.fileno(), self.path, data_only=True)
            self._synced = time.monotonic()


def read(path: Path) -> Journal:
    """Read a journal as far as possible: a crash may have left nothing, or half a line. Raises OSError."""
    journal = Journal()
    if not path.is_file():
        return journal
    with path.open("rb") as file:
        while (line := file.readline(LONGEST_LINE)) and not journal.odd:
            try:
                _understand(line, journal)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                cut = line.lstrip(b"\0")[:1] in (b"{", b"[", b"") and not file.read(1)
                journal.odd = type(error) is not msgspec.DecodeError or not cut
                break
    return journal


def _understand(line: bytes, journal: Journal) -> None:
    """Add a line to the journal; raises msgspec.DecodeError or ValueError if it cannot be understood."""
    if line.startswith(b"{"):
        entry = _object.decode(line)
        msgspec.convert(entry, Facts)
        journal.facts |= entry
    else:
        note = _frame.decode(line)
        if abs(note.time) > LATEST_S or datetime.fromisoformat(note.utc).tzinfo is None:
            raise msgspec.ValidationError("no such time")
        journal.frames.append(note)
        journal.odd = len(journal.frames) > MOST_FRAMES


def iso(utc: datetime) -> str:
    """ISO 8601 with milliseconds: 2017-04-02T13:20:17.042+00:00."""
    return utc.isoformat(timespec="milliseconds")
