"""What the page knows of one day: a row for each recording, and the times in which nothing was watched.

A day is one of UTC, as the names of recordings are; the browser makes local days of them. A row is as short
as can be, because a year of twenty cameras has a million and a half of them: `site/data.js` reads it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import timezone
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from pynvr.archive.entry import Known

KEPT, RECOVERED, UNDECODABLE, CONTINUES, PICTURE = (1 << bit for bit in range(5))

OPENING, CLOSING = "pynvr.day(", ");\n"
"""A day's file calls a function with JSON: a page opened from the disk may read nothing but scripts."""
DAY_S = 86400.0

InDay: TypeAlias = Annotated[float, Meta(ge=0, le=DAY_S)]
Length: TypeAlias = Annotated[float, Meta(ge=0, le=1e11)]
Count: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 53)]
Kind: TypeAlias = Literal["lost", "disarmed", "off"]


class Row(NamedTuple):
    """A recording as the page shows it."""

    name: str
    """Relative to the archive."""
    trigger_s: Annotated[float, Meta(ge=0, lt=DAY_S)]
    """After midnight, UTC."""
    before_s: Length
    """From the file's first frame to the trigger."""
    length_s: Length
    nbytes: Count
    motion: Count
    """The most pixels that changed in a frame: the height of its bar."""
    flags: Count
    tiles: Count
    """Pictures in the film strip; 0 where there is none."""


class Gap(NamedTuple):
    """A time in which nothing was watched."""

    from_s: InDay
    """After midnight, UTC."""
    to_s: InDay
    kind: Kind


class _Content(msgspec.Struct):
    """A day's file."""

    folder: str
    suffix: str
    rows: list[Row]
    gaps: list[Gap]


_content = msgspec.json.Decoder(_Content)


def row_of(entry: Known, nbytes: int, kept: bool) -> Row | None:
    """A row from a line of the index; None if it does not say when the recording was."""
    first, trigger_s, last = entry.first_frame_s, entry.trigger_s, entry.last_frame_s
    if entry.trigger_utc is UNSET or first is UNSET or trigger_s is UNSET or last is UNSET:
        return None
    trigger = entry.trigger_utc.astimezone(timezone.utc)
    before = trigger_s - first if entry.trigger_in_file_s is UNSET else entry.trigger_in_file_s
    flags = (
        KEPT * kept
        | RECOVERED * bool(entry.recovered)
        | UNDECODABLE * bool(entry.undecodable)
        | CONTINUES * bool(entry.continues)
        | PICTURE * bool(entry.picture)
    )
    since_midnight = trigger.hour * 3600 + trigger.minute * 60 + trigger.second + trigger.microsecond / 1e6
    return Row(
        entry.file,
        math.floor(since_midnight * 10) / 10,  # never in the next second, nor on the next day
        round(max(0.0, before), 1),
        round(max(0.0, last - first), 1),
        nbytes,
        entry.peak_changed_px or 0,
        flags,
        len(entry.strip_s or ()) if entry.strip else 0,
    )


@dataclass(slots=True)
class Day:
    """One day's rows by the recordings' names, and its gaps."""

    day: str
    """2017-04-02."""
    rows: dict[str, Row] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def hours(self) -> int:
        """A bit for each hour of UTC in which a recording was triggered; bit 0 is the first hour."""
        return sum({1 << int(row.trigger_s // 3600) for row in self.rows.values()})

    def script(self) -> str:
        rows = sorted(self.rows.values(), key=lambda row: (row.trigger_s, row.name))
        usual = PurePosixPath(rows[0].name) if rows else PurePosixPath()
        folder = "" if usual.parent == PurePosixPath() else f"{usual.parent}/"
        suffix = usual.suffix
        short = [
            ["" if row.name == self._usual_name(row, folder, suffix) else row.name, *row[1:]] for row in rows
        ]
        content = {"day": self.day, "folder": folder, "suffix": suffix, "rows": short, "gaps": self.gaps}
        # ASCII only: U+2028 would end a line of a script
        return OPENING + json.dumps(content, separators=(",", ":")) + CLOSING

    @classmethod
    def read(cls, path: Path, day: str) -> Day:
        """The day as a file has it; an empty one where the file is missing or spoilt."""
        self = cls(day)
        try:
            text = path.read_text("ascii")
            content = _content.decode(text.removeprefix(OPENING).removesuffix(CLOSING))
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return self
        for row in content.rows:
            name = row.name or self._usual_name(row, content.folder, content.suffix)
            self.rows[name] = row._replace(name=name)
        self.gaps = content.gaps
        return self

    def _usual_name(self, row: Row, folder: str, suffix: str) -> str:
        """The name that most recordings have; the day's file leaves it out."""
        second = int(row.trigger_s)
        time = f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"
        return f"{folder}video_{self.day}T{time}{suffix}"
