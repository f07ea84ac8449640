"""Closes a recording for good; the same step recovers what a crash left open.

An open recording is a video file `video_….part.ts` (or `.part.avi`) and its journal. Closing makes one
complete file with a final name from them. Every step can be repeated: whenever a crash comes, doing it all
again has the same result. So recovery at the start is closing, nothing else.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pynvr.archive import companions, fsync, journal
from pynvr.archive.archive import Archive
from pynvr.archive.entry import index_entry
from pynvr.archive.journal import FrameNote, Journal, iso
from pynvr.archive.names import DAMAGED, DAMAGED_JOURNAL, JOURNAL_SUFFIX, VIDEO_SUFFIXES, beside
from pynvr.archive.remux import copy_of, rate_for, remux
from pynvr.errors import RecordingError
from pynvr.media.container import Contents, survey
from pynvr.media.frame import DEFAULT_FPS
from pynvr.media.packet import Shape

log = logging.getLogger(__name__)

LATE_SOUND_S = 1.0
"""A file that continues an event has so much sound from before its first picture: it came too late for the
file before."""


def recover(archive: Archive, complain: int = logging.ERROR, left: Iterable[Path] | None = None) -> None:
    """Close what a crash, or a disk that refused or was away, has left open in the archive.

    `left`: paths without suffix of the recordings to close; by default all leftovers. A recording that cannot
    be closed now stays for the next time; the log says so with the level `complain`. One that cannot be
    understood is set aside. Raises as `Archive.leftovers` does.
    """
    for stem in archive.leftovers() if left is None else left:
        try:
            recording = close_recording(archive, stem, recovered=True)
        except (RecordingError, OSError) as error:
            log.log(complain, "%s: was interrupted, and cannot be closed yet: %s", stem.name, error)
        except Exception as error:  # whatever a damaged file causes, it must not prevent the next start, too
            _set_aside(archive, stem, error)
        else:
            if recording is None:
                log.warning("%s: was interrupted before its first picture", stem.name)
            else:
                log.warning("recovered %s", archive.relative_name(recording))


def close_recording(archive: Archive, stem: Path, recovered: bool = False) -> Path | None:
    """Make the final recording from the part and the journal of `stem`; None if there is no picture.

    Raises OSError if the disk refuses, and RecordingError if a final file that a crash left cannot be read.
    Then nothing is lost, and closing can be tried again.
    """
    journal_path = beside(stem, JOURNAL_SUFFIX)
    notes = journal.read(journal_path)
    part_suffix = notes.facts.get("part_suffix") or _suffix_of_part(stem)
    part = beside(stem, f".part{part_suffix}")
    final = beside(stem, notes.facts.get("suffix", part_suffix))
    names = [final, beside(stem, part_suffix), beside(stem, DAMAGED)]
    verified = part.exists() and _finish(part, names, notes)
    copy_of(final).unlink(missing_ok=True)
    recording = next((name for name in names if name.exists()), None)
    if recording is None:
        companions.discard(stem)
        found = {}
    else:
        found = companions.finish(stem)
    if recording is not None and recording.suffix != DAMAGED:
        # a recording in the index still has its journal only after a crash
        known = recovered and archive.index.has(archive.relative_name(recording))
        if not known:
            if not verified:
                _match(notes, recording)
            entry = index_entry(notes, datetime.now(timezone.utc))
            entry |= {kind: archive.relative_name(path) for kind, path in found.items()}
            archive.add(recording, entry | ({"recovered": True} if recovered else {}))
    if notes.odd:
        log.error("%s: cannot be understood, kept as %s", journal_path.name, DAMAGED_JOURNAL)
        fsync.move(journal_path, beside(stem, DAMAGED_JOURNAL))
    journal_path.unlink(missing_ok=True)
    archive.settle(stem)
    return recording


def _finish(part: Path, names: list[Path], notes: Journal) -> bool:
    """Give the part its final container and the first of `names`; True if the file holds what the notes say.

    If no copy can be made, the part itself gets the second name; if the part cannot be read, the third. A
    part that never got a picture is removed.
    """
    final, as_it_is, damaged = names
    if final.exists():  # a crash came between the last two steps of `remux`
        part.unlink()
        return False
    try:
        noted = len(notes.frames)
        contents = _match(notes, part, _delimiter(notes.facts))
    except RecordingError as error:
        if part.stat().st_size == 0 or (notes.facts and not noted):
            part.unlink()
            return False
        log.error("keeping an unreadable recording as %s: %s", damaged, error)
        fsync.move(part, damaged)
        return False
    # a crash may have cut the last packet short; in encode mode, where sizes are not known, a JPEG shows it
    size_bytes = notes.frames[-1].size_bytes
    cut = size_bytes > contents.last_bytes + 4 if size_bytes else contents.torn
    if cut and len(notes.frames) > 1:
        del notes.frames[-1]
    if noted > len(notes.frames):
        log.error("%s: the last %d pictures did not reach the disk", part.name, noted - len(notes.frames))
    try:
        if "fourcc" not in notes.facts:
            raise RecordingError("its journal does not say which codec it has")
        convert(part, final, notes.facts, notes.times())
    except RecordingError as error:  # no room, or a crash took the journal
        log.error("no final container, the recording stays %s: %s", as_it_is, error)
        fsync.move(part, as_it_is)
        return False
    return True


def convert(part: Path, final: Path, facts: Mapping[str, Any], times: Sequence[float]) -> None:
    """Copy a part into its final container, in the way that its facts ask for; raises as `remux` does."""
    rate = float(facts.get("output_rate") or 0) or rate_for(final, times, float(facts["nominal_fps"]))
    sound_from_s = -LATE_SOUND_S if facts.get("continues") else 0.0
    shape, heard = Shape(*facts.get("shape", ())), facts.get("sound")
    remux(
        part, final, facts["fourcc"], times, rate, _delimiter(facts), shape, sound_from_s if heard else None
    )


def _delimiter(facts: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(facts.get("delimiter", ""))


def _match(notes: Journal, video: Path, delimiter: bytes = b"") -> Contents:
    """Remove notes of pictures that a crash has lost, and make up missing notes.

    Without a journal the trigger's time is taken from the file's name. Raises RecordingError if the file
    cannot be read or holds no picture.
    """
    contents = survey(video, delimiter)
    number = contents.count
    if number == 0:
        raise RecordingError(f"{video}: holds no picture")
    del notes.frames[number:]
    found: dict[str, Any] = {"width": contents.width, "height": contents.height}
    named = re.search(r"\d{4}-\d\d-\d\dT\d{6}", video.name)
    start = datetime.strptime(named.group() if named else "1970-01-01T000000", "%Y-%m-%dT%H%M%S")
    found |= {"trigger_s": 0.0, "trigger_utc": iso(start.replace(tzinfo=timezone.utc))}
    notes.facts = found | {"nominal_fps": DEFAULT_FPS} | notes.facts
    step = 1 / float(notes.facts["nominal_fps"])
    while len(notes.frames) < number:
        last = notes.frames[-1] if notes.frames else FrameNote(-step, notes.facts["trigger_utc"], 0, False)
        notes.frames.append(last._replace(time=last.time + step))
    return contents


def _suffix_of_part(stem: Path) -> str:
    """Suffix of a part whose journal does not tell it."""
    return next((suffix for suffix in VIDEO_SUFFIXES if beside(stem, f".part{suffix}").exists()), ".ts")


def _set_aside(archive: Archive, stem: Path, error: Exception) -> None:
    """Keep a leftover that cannot be understood under a name that the next start ignores."""
    log.error("%s: was interrupted and cannot be understood, kept as %s: %r", stem.name, DAMAGED, error)
    parts = [f".part{suffix}" for suffix in VIDEO_SUFFIXES]
    for suffix, aside in [(JOURNAL_SUFFIX, DAMAGED_JOURNAL), *((part, DAMAGED) for part in parts)]:
        try:
            if (path := beside(stem, suffix)).exists() and not beside(stem, aside).exists():
                fsync.move(path, beside(stem, aside))
        except OSError as refused:
            log.error("%s", refused)
    companions.discard(stem)
    archive.settle(stem)
