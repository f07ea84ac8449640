"""Closing a recording for good, and the same again for what a crash left open.

An open recording is a video file `video_….part.ts` and its journal. Closing makes
one complete file with a final name of them. Every step can be repeated: whatever
moment a crash picks, doing it all again ends in the same place. So recovery at
start is closing, nothing else.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pynvr.archive import fsync, journal, pictures
from pynvr.archive.archive import VIDEO_SUFFIXES, Archive
from pynvr.archive.journal import FrameNote, Journal
from pynvr.archive.remux import copy_of, mean_rate, rate_for, remux
from pynvr.errors import RecordingError
from pynvr.media import container

log = logging.getLogger(__name__)

DEFAULT_FPS = 25.0
"""Of a recording whose journal is lost."""


def recover(archive: Archive, complain: int = logging.ERROR) -> None:
    """Close what a crash has left open in the archive.

    What cannot be closed now is left to the next time, and told with the level `complain`.
    """
    for stem in archive.leftovers():
        try:
            recording = close_recording(archive, stem, recovered=True)
        except (RecordingError, OSError) as error:
            log.log(complain, "%s: was interrupted, and cannot be closed yet: %s", stem.name, error)
            continue
        if recording is None:
            log.warning("%s: was interrupted before its first picture", stem.name)
        else:
            log.warning("recovered %s", archive.relative_name(recording))


def close_recording(archive: Archive, stem: Path, recovered: bool = False) -> Path | None:
    """Make the final recording of the part and the journal of `stem`; None where there is no picture.

    Raises OSError where the disk refuses; nothing is lost then, and closing can be tried again.
    """
    journal_path = stem.with_name(stem.name + journal.SUFFIX)
    notes = journal.read(journal_path)
    part_suffix = notes.facts.get("part_suffix") or _suffix_of_part(stem)
    part = stem.with_name(f"{stem.name}.part{part_suffix}")
    final = stem.with_name(stem.name + notes.facts.get("suffix", part_suffix))
    names = [final, final.with_suffix(part_suffix), final.with_suffix(".damaged")]
    verified = part.exists() and _finish(part, names, notes)
    recording = next((name for name in names if name.exists()), None)
    if recording is None:
        pictures.discard(stem)
        found = {}
    else:
        found = pictures.finish(stem)
    if recording is not None and recording.suffix != ".damaged":
        # only a crash can have come between the index and here
        known = recovered and archive.index.has(archive.relative_name(recording))
        if not known:
            if not verified:
                _match(notes, container.survey(recording), recording)
            entry = index_entry(notes) | _ahead(notes)
            entry |= {kind: archive.relative_name(path) for kind, path in found.items()}
            archive.add(recording, entry | ({"recovered": True} if recovered else {}))
    journal_path.unlink(missing_ok=True)
    return recording


def _finish(part: Path, names: list[Path], notes: Journal) -> bool:
    """Give the part its final container and the first of `names`; True where that holds what the notes say.

    Where the copy cannot be made the part itself gets the second name, and where it cannot be read
    at all the third.
    """
    final, as_it_is, damaged = names
    copy_of(final).unlink(missing_ok=True)
    if final.exists():  # a crash came between the next two steps from the end
        part.unlink()
        return False
    try:
        noted = len(notes.frames)
        delimiter = bytes.fromhex(notes.facts.get("delimiter", ""))
        found = container.survey(part, delimiter)
        _match(notes, found, part)
        _leave_out_torn(notes, found)
    except RecordingError as error:
        if part.stat().st_size == 0 or (notes.facts and not noted):
            part.unlink()
            return False
        log.error("keeping an unreadable recording as %s: %s", damaged, error)
        fsync.move(part, damaged)
        return False
    if noted > len(notes.frames):
        log.error("%s: the last %d pictures did not reach the disk", part.name, noted - len(notes.frames))
    try:
        remux(part, final, notes.facts["fourcc"], notes.times(), _rate(notes, final), delimiter)
    except (RecordingError, KeyError) as error:  # no room, or a crash took the journal
        log.error("no final container, the recording stays %s: %s", as_it_is, error)
        fsync.move(part, as_it_is)
        return False
    return True


def _suffix_of_part(stem: Path) -> str:
    """Container of a part whose journal is lost."""
    parts = [path for path in stem.parent.glob(f"{stem.name}.part.*") if path.suffix in VIDEO_SUFFIXES]
    return parts[0].suffix if parts else ".ts"


def _match(notes: Journal, contents: container.Contents, video: Path) -> None:
    """Make the notes fit the pictures that are in a file; raises RecordingError where there are none.

    A crash may have taken the last pictures, or else the last notes, which are then made up.
    """
    number = contents.count
    if number == 0:
        raise RecordingError(f"{video}: holds no picture")
    del notes.frames[number:]
    found: dict[str, Any] = {"width": contents.width, "height": contents.height}
    named = re.search(r"\d{4}-\d\d-\d\dT\d{6}", video.name)
    start = datetime.strptime(named.group() if named else "1970-01-01T000000", "%Y-%m-%dT%H%M%S")
    found |= {"trigger_s": 0.0, "trigger_utc": journal.iso(start.replace(tzinfo=timezone.utc))}
    notes.facts = found | {"nominal_fps": DEFAULT_FPS} | notes.facts
    step = 1 / float(notes.facts["nominal_fps"])
    while len(notes.frames) < number:
        last = notes.frames[-1] if notes.frames else FrameNote(-step, notes.facts["trigger_utc"], 0, False)
        notes.frames.append(last._replace(time=last.time + step))


def _leave_out_torn(notes: Journal, contents: container.Contents) -> None:
    """Do not copy the last packet where a crash has cut it short; of encoded ones nobody knows."""
    sized = len(notes.frames) > 1 and notes.frames[-1].size_bytes
    if sized and sized > contents.last_bytes + 4:
        del notes.frames[-1]


def _rate(notes: Journal, final: Path) -> float | None:
    """The one rate of the file; None where every frame gets its own time."""
    if notes.facts.get("output_rate"):
        return float(notes.facts["output_rate"])
    return rate_for(final, notes.times(), float(notes.facts["nominal_fps"]))


def index_entry(notes: Journal) -> dict[str, Any]:
    """The index's object for a recording, but for its file name."""
    facts, frames = notes.facts, notes.frames
    first, last = min(frames), max(frames)  # by their times
    last_motion = max((f.time for f in frames if f.motion), default=facts["trigger_s"])
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
        | {name: facts[name] for name in ("continues", "dropped") if facts.get(name)}
        | {name: facts[name] for name in ("peak_s", "peak_box", "strip_s") if name in facts}
        | _found_in(facts, first)
    )


def _ahead(notes: Journal) -> dict[str, str]:
    """When it was closed, where that was before its own last frame: a file is read faster than it plays."""
    now = datetime.now(timezone.utc)
    last = datetime.fromisoformat(max(notes.frames).utc)
    return {"closed_utc": journal.iso(now)} if last > now else {}


def _found_in(facts: dict[str, Any], first: FrameNote) -> dict[str, float]:
    """Where the trigger is in a copied file, which begins with whatever key packet there was."""
    if not facts.get("copied"):
        return {}
    return {"trigger_in_file_s": round(max(0.0, facts["trigger_s"] - first.time), 3)}
