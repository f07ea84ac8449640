"""A recording's object in the index: made from its journal, and read from a line."""

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pynvr.archive.journal import Journal, Time, iso
from pynvr.archive.remux import mean_rate

YEARS = range(2, 9999)
"""A moment of these years can be compared and moved by a day in any time zone."""

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)] | UnsetType
Seconds: TypeAlias = Time | UnsetType
Count: TypeAlias = Annotated[int, Meta(ge=0, lt=1 << 53)] | UnsetType


class Known(msgspec.Struct):
    """The fields that are read of an object, with their types. Only `file` is required; more may be there."""

    file: str
    id: str | UnsetType = UNSET
    trigger_utc: Moment = UNSET
    first_frame_utc: Moment = UNSET
    last_frame_utc: Moment = UNSET
    closed_utc: Moment = UNSET
    first_frame_s: Seconds = UNSET
    trigger_s: Seconds = UNSET
    last_frame_s: Seconds = UNSET
    trigger_in_file_s: Seconds = UNSET
    frames: Count = UNSET
    peak_changed_px: Count = UNSET
    undecodable: Count = UNSET
    strip_s: list[float] | UnsetType = UNSET
    picture: str | UnsetType = UNSET
    strip: str | UnsetType = UNSET
    continues: bool | UnsetType = UNSET
    recovered: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raise ValueError for a name that no file can have, and for a moment outside of `YEARS`."""
        self.file.encode()
        moments = (self.trigger_utc, self.first_frame_utc, self.last_frame_utc, self.closed_utc)
        if "\0" in self.file or any(each is not UNSET and each.year not in YEARS for each in moments):
            raise ValueError(f"{self.file!r}: no such file or time")


_known = msgspec.json.Decoder(Known)


def known(line: bytes) -> Known | None:
    """The known fields of a line of the index; None if an editor or a crash has spoilt one of them."""
    try:
        return _known.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def index_entry(notes: Journal, now: datetime) -> dict[str, Any]:
    """The fields that a journal tells; `now` is the wall clock. Name, id and pictures come from elsewhere."""
    facts, frames, copied = notes.facts, notes.frames, notes.facts.get("copied")
    first, last = min(frames), max(frames)  # by their times
    seen = max((f.time for f in frames if f.motion), default=facts["trigger_s"])
    last_motion = facts.get("last_motion_s", seen)  # a fact in copy mode: B-frames blur it in the notes
    return (
        {
            "trigger_utc": facts["trigger_utc"],
            "first_frame_utc": first.utc,
            "last_frame_utc": last.utc,
            "first_frame_s": first.time,
            "trigger_s": facts["trigger_s"],
            "last_motion_s": last_motion,
            "last_frame_s": last.time,
            "frames": len(frames),
            "fps": round(mean_rate(notes.times(), float(facts["nominal_fps"])), 3),
            "width": facts["width"],
            "height": facts["height"],
            "peak_changed_px": max(f.changed_px for f in frames),
        }
        | {name: facts[name] for name in ("continues", "dropped", "undecodable") if facts.get(name)}
        | {name: facts[name] for name in ("peak_s", "peak_box", "strip_s") if name in facts}
        # a copied file begins at a key packet, not at the pre-alarm
        | ({"trigger_in_file_s": round(max(0.0, facts["trigger_s"] - first.time), 3)} if copied else {})
        # a file is read faster than it plays, and so closed before its last frame
        | ({"closed_utc": iso(now)} if datetime.fromisoformat(last.utc) > now else {})
    )
