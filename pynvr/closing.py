"""Closing a recording for good, and the same again for what a crash left open.

An open recording is a video file `video_….part.ts` and its journal. Closing makes
one complete file with a final name of them. Every step can be repeated: whatever
moment a crash picks, doing it all again ends in the same place. So recovery at
start is closing, nothing else.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pynvr import durably, journal, packets
from pynvr.archive import Archive
from pynvr.errors import RecordingError
from pynvr.journal import FrameNote, Journal

log = logging.getLogger(__name__)


def recover(archive: Archive) -> None:
    """Close what a crash has left open in the archive."""
    for journal_path in archive.leftovers():
        recording = close_recording(archive, journal_path, recovered=True)
        if recording is None:
            log.warning("%s: was interrupted before its first picture", journal_path.name)
        else:
            log.warning("recovered %s", archive.relative_name(recording))


def close_recording(archive: Archive, journal_path: Path, recovered: bool = False) -> Path | None:
    """Make the final recording of a part and its journal; None where there is not a picture in it."""
    notes = journal.read(journal_path)
    stem = journal_path.name.removesuffix(journal.SUFFIX)
    part = journal_path.with_name(stem + ".part" + notes.facts.get("part_suffix", ".ts"))
    final = journal_path.with_name(stem + notes.facts.get("suffix", ".ts"))
    names = [final, final.with_suffix(part.suffix), final.with_suffix(".damaged")]
    if part.exists():
        _finish(part, names, notes)
    recording = next((name for name in names if name.exists()), None)
    if recording is not None and recording.suffix != ".damaged" and not archive.indexed(recording):
        del notes.frames[packets.count(recording) :]  # what a crash took
        entry = index_entry(notes) | ({"recovered": True} if recovered else {})
        archive.append_to_index(recording, entry)
    journal_path.unlink()
    return recording


def _finish(part: Path, names: list[Path], notes: Journal) -> None:
    """Give the part its final container and the first of `names`.

    Where there is no room for the copy the part itself gets the second name, and where it cannot
    be read at all the third.
    """
    final, as_it_is, damaged = names
    if part.stat().st_size == 0 or not notes.frames:
        part.unlink()
        return
    try:
        number = packets.count(part)
    except RecordingError as error:
        log.error("keeping an unreadable recording as %s: %s", damaged, error)
        durably.move(part, damaged)
        return
    copied = final.with_name(final.stem + ".closing.part" + final.suffix)
    lost = len(notes.frames) - number
    if lost > 0:
        log.error("%s: the last %d of its pictures did not reach the disk", part.name, lost)
    del notes.frames[number:]
    try:
        rate = container_rate(notes, final)
        packets.copy(part, copied, notes.facts["fourcc"], relative_times_ms(notes.frames), rate)
        if packets.count(copied) != len(notes.frames):
            raise RecordingError(f"{copied}: does not hold all {number} pictures; is the disk full?")
    except RecordingError as error:
        log.error("no final container, the recording stays %s: %s", as_it_is, error)
        copied.unlink(missing_ok=True)
        durably.move(part, as_it_is)
        return
    durably.move(copied, final)
    part.unlink()


def relative_times_ms(frames: list[FrameNote]) -> list[int]:
    """Each frame's time after the first one, in strictly increasing milliseconds."""
    times: list[int] = []
    for frame in frames:
        time_ms = round((frame.time - frames[0].time) * packets.TICKS_PER_SECOND)
        times.append(max(time_ms, times[-1] + 1) if times else 0)
    return times


def measured_fps(notes: Journal) -> float:
    """Frames per second of this very recording; of a single frame nobody can tell."""
    span = notes.frames[-1].time - notes.frames[0].time if notes.frames else 0.0
    return (len(notes.frames) - 1) / span if span > 0 else float(notes.facts["nominal_fps"])


def container_rate(notes: Journal, target: Path) -> float | None:
    """The one rate of the file; None where every frame gets its own time."""
    if notes.facts.get("output_rate"):
        return float(notes.facts["output_rate"])
    return measured_fps(notes) if target.suffix == ".avi" else None


def index_entry(notes: Journal) -> dict[str, Any]:
    """The index's object for a recording, but for its file name."""
    facts, frames = notes.facts, notes.frames
    first, last = frames[0], frames[-1]
    last_motion = max((f.time for f in frames if f.motion), default=facts["trigger_s"])
    return {
        "trigger_utc": facts["trigger_utc"],
        "first_frame_utc": first.utc,
        "last_frame_utc": last.utc,
        "first_frame_s": first.time,
        "trigger_s": facts["trigger_s"],
        "last_motion_s": last_motion,
        "last_frame_s": last.time,
        "frames": len(frames),
        "fps": round(measured_fps(notes), 3),
        "width": facts["width"],
        "height": facts["height"],
        "peak_changed_px": max(f.changed_px for f in frames),
    } | {name: facts[name] for name in ("continues", "dropped") if facts.get(name)}
