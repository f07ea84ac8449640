"""`pynvr export` puts the recordings of a span of time into one file, for the police or the insurance.

A `.mp4` gets their packets, and nothing is encoded anew; a `.zip` gets the files as they are. A JSON names
the recordings and their times, with a SHA-256 of each file, so that anybody can check that none was changed.
"""

import argparse
import hashlib
import json
import logging
import os
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from msgspec import UNSET

from pynvr.archive import fsync
from pynvr.archive.entry import Known
from pynvr.archive.index import INDEX_NAME, Index
from pynvr.archive.journal import iso
from pynvr.archive.names import JOURNAL_SUFFIX, PREFIX, lies_inside
from pynvr.errors import PynvrError, RecordingError, TakenError
from pynvr.media.opencv import work_lightly
from pynvr.pages.join import join

log = logging.getLogger(__name__)

TOLD = (
    "file", "first_frame_utc", "trigger_utc", "last_frame_utc", "frames",
    "recovered", "undecodable", "continues",
)  # fmt: skip
"""Fields of the index that the JSON repeats for each recording."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to export."""

    archive: Path
    entry: Known

    @property
    def path(self) -> Path:
        return self.archive / self.entry.file

    def describe(self, **more: object) -> dict[str, object]:
        told: dict[str, object] = {"archive": self.archive.name}
        told |= {name: value for name in TOLD if (value := getattr(self.entry, name)) is not UNSET}
        return told | {"bytes": self.path.stat().st_size, "sha256": sha256(self.path)} | more


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def find(archive: Path, begin: datetime, end: datetime) -> list[Recording]:
    """The recordings of an archive that overlap the span, in the order of their triggers.

    Raises RecordingError if there is no archive.
    """
    if not (archive / INDEX_NAME).is_file():
        raise RecordingError(f"{archive}: is no archive: it has no {INDEX_NAME}")
    found = []
    for entry in Index(archive / INDEX_NAME).each():
        trigger, trigger_s = entry.trigger_utc, entry.trigger_s
        first_s, last_s = entry.first_frame_s, entry.last_frame_s
        if trigger is UNSET or trigger_s is UNSET or first_s is UNSET or last_s is UNSET:
            continue
        # it lies where the page shows it, even if the wall clock was set before its last picture
        before, after = trigger_s - first_s, last_s - trigger_s
        if (trigger - end).total_seconds() >= before or (begin - trigger).total_seconds() > after:
            continue
        recording = Recording(archive, entry)
        if not lies_inside(archive, recording.path):
            log.warning("%s: is left out, since it lies outside of the archive", recording.path)
        elif recording.path.is_file():
            found.append((trigger, recording))
        else:
            log.warning("%s: is left out, since it is not there any more", recording.path)
    for journal in archive.rglob(f"{PREFIX}_*{JOURNAL_SUFFIX}"):
        if journal.name < f"{PREFIX}_{end:%Y-%m-%dT%H%M%S}":
            log.warning("%s: is left out, since it is not closed yet", journal)
    return [recording for _, recording in sorted(found, key=lambda each: each[0])]


def export_zip(recordings: Sequence[Recording], target: Path, about: dict[str, object]) -> None:
    """Put the files as they are, and the JSON, into a `.zip`."""
    names = [f"{recording.archive.name}/{recording.entry.file}" for recording in recordings]
    if len(set(names)) < len(names):
        raise RecordingError("two of the archives have the same name; export one at a time")
    told = [recording.describe(name=name) for recording, name in zip(recordings, names, strict=True)]
    # video cannot be made smaller; a file of 1970, from before the clock was set, is taken as of 1980
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED, strict_timestamps=False) as container:
        for recording, name in zip(recordings, names, strict=True):
            container.write(recording.path, name)
        container.writestr("export.json", json.dumps(about | {"recordings": told}, indent=1, default=iso))


def earliest(text: str) -> datetime:
    """A moment from the command line: ISO 8601, local unless it names a zone.

    The night in which clocks are set back has 02:30 twice. A span begins with the first, ends with the last.
    """
    return min(_readings(text))


def latest(text: str) -> datetime:
    """The same for the end of a span."""
    return max(_readings(text))


def _readings(text: str) -> list[datetime]:
    return [datetime.fromisoformat(text).replace(fold=fold).astimezone(timezone.utc) for fold in (0, 1)]


def folder(name: str) -> Path:
    """A folder from the command line, with the name that `.` and `..` have."""
    path = Path(name)
    return path.resolve() if path.name in ("", "..") else path


def export(archives: Sequence[Path], begin: datetime, end: datetime, target: Path) -> list[Path]:
    """Write the export and return its files; raises PynvrError or OSError, and then leaves nothing."""
    beside = target.with_name(target.name + ".json")
    outputs = [target] if target.suffix == ".zip" else [target, beside]
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    for output in (*outputs, part):
        if output.exists():
            raise TakenError(output)
    recordings = [recording for archive in archives for recording in find(archive, begin, end)]
    if not recordings:
        raise RecordingError(f"nothing was recorded between {begin.isoformat()} and {end.isoformat()}")
    about: dict[str, object] = {
        "exported_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "from_utc": begin.isoformat(),
        "to_utc": end.isoformat(),
    }
    try:
        if target.suffix == ".zip":
            export_zip(recordings, part, about)
        else:
            begins_s = join([recording.path for recording in recordings], part)
            told = [each.describe(begins_at_s=at) for each, at in zip(recordings, begins_s, strict=True)]
            about |= {"file": target.name, "sha256": sha256(part), "recordings": told}
            beside.write_text(json.dumps(about, indent=1, default=iso) + "\n", "utf-8")
        fsync.move(part, target)
    except BaseException:
        for output in {part, *outputs} - {target}:
            output.unlink(missing_ok=True)
        raise
    return outputs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="pynvr export", description="Put recordings together into one file."
    )
    parser.add_argument("archives", metavar="ARCHIVE", nargs="+", type=folder, help="folders of recordings")
    parser.add_argument("--from", dest="begin", type=earliest, required=True, help="2017-04-02T06:00 (local)")
    parser.add_argument("--to", dest="end", type=latest, required=True, help="or with a zone, …T07:00+00:00")
    parser.add_argument("--output", type=Path, required=True, help="a new .mp4 (one camera) or .zip")
    options = parser.parse_args(arguments)
    if options.output.suffix not in (".mp4", ".zip"):
        parser.error("--output has to end in .mp4 or .zip")
    if options.output.suffix == ".mp4" and len(options.archives) > 1:
        parser.error("several cameras cannot be put into one .mp4; give --output a .zip")
    if options.end <= options.begin:
        parser.error("--to has to be later than --from")
    work_lightly()
    try:
        outputs = export(options.archives, options.begin, options.end, options.output)
    except (PynvrError, OSError) as error:
        print(f"pynvr export: {error}", file=sys.stderr)
        return 1
    try:
        print(*outputs, sep="\n", flush=True)
    except BrokenPipeError:  # nobody reads it; Python would try it again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
