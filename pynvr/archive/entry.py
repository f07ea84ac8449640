"""Makes a recording's object in the index from its journal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pynvr.archive.journal import FrameNote, Journal, iso
from pynvr.archive.remux import mean_rate


def index_entry(notes: Journal, now: datetime) -> dict[str, Any]:
    """All fields except the file's name; `now` is the wall clock."""
    facts, frames = notes.facts, notes.frames
    first, last = min(frames), max(frames)  # by their times
    seen = max((f.time for f in frames if f.motion), default=facts["trigger_s"])
    last_motion = facts.get("last_motion_s", seen)  # of B-frames the packets' order does not tell it
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
        | _found_in(facts, first)
        | _ahead(last, now)
    )


def _found_in(facts: dict[str, Any], first: FrameNote) -> dict[str, float]:
    """Where the trigger is in a copied file, in seconds: it begins at a key packet, not at the pre-alarm."""
    if not facts.get("copied"):
        return {}
    return {"trigger_in_file_s": round(max(0.0, facts["trigger_s"] - first.time), 3)}


def _ahead(last: FrameNote, now: datetime) -> dict[str, str]:
    """When it was closed, if that was before its last frame: a file is read faster than it plays."""
    return {"closed_utc": iso(now)} if datetime.fromisoformat(last.utc) > now else {}
