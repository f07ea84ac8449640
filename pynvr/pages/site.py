"""Writes the files of an archive's page. Each is replaced as a whole.

`index.html` and most of `page/` come with the package. `days/2017-04-02.js` has a day's recordings and gaps.
`page/days.js` says which days there are, `page/now.js` what goes on now, `page/cameras.js` whose archives the
page shows. All but the gaps can be made anew from the index, so nothing is flushed to the disk.
"""

import errno
import fcntl
import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path
from typing import IO

from msgspec import UNSET

from pynvr.archive import companions
from pynvr.archive.entry import Known
from pynvr.archive.names import NO_NAME
from pynvr.pages.day import DAY_S, KEPT, Day, Gap, Kind, Row, row_of

LOCK_NAME = ".lock"
OWN_FILES = Path(__file__).parent / "site"
NAMED_DAY = re.compile(r"video_(\d{4}-\d\d-\d\d)T")
NO_FILE = NO_NAME | {errno.ENOTDIR, errno.ELOOP}
"""Errors that mean that there is no such file, and not that the disk fails."""
LONGEST_GAP = timedelta(days=100)
"""A longer one mostly comes from a clock that was not set yet, and each of its days would be a file."""
NOW_OPENING, CLOSING = "pynvr.now(", ");\n"


class Site:
    """The page of one archive. Used by one thread only; its methods raise OSError if the disk refuses."""

    def __init__(self, root: Path) -> None:
        """`root` is the archive."""
        self._root = root
        self._days: dict[str, tuple[int, int]] = {}
        """Day -> how many recordings, and in which hours of UTC."""
        self.newest = datetime.min.replace(tzinfo=timezone.utc)
        """When the newest recording of the index ended; until then somebody has watched."""

    def install(self, camera: str, page_root: Path | None) -> None:
        """Copy what comes with the package, and name the camera here and in the folder of all cameras."""
        for root in [self._root] if page_root is None else [self._root, page_root]:
            (root / "page").mkdir(exist_ok=True)
            for item in OWN_FILES.iterdir():
                place = root / item.name if item.name == "index.html" else root / "page" / item.name
                content = item.read_text("utf-8")
                if not place.exists() or place.read_text("utf-8", errors="replace") != content:
                    self._write(place, content)
        self._write(self._root / "page/cameras.js", _camera_line(camera, "."))
        (self._root / "days").mkdir(exist_ok=True)
        for torn in (*self._root.glob("page/.*.new"), *self._root.glob("days/.*.new")):
            torn.unlink()
        if page_root is not None:
            path = self._root.resolve().relative_to(page_root.resolve()).as_posix()
            _add_line(page_root / "page/cameras.js", _camera_line(camera, path))

    def reconcile(self, entries: Iterable[Known]) -> None:
        """Bring all days in line with the index; after a crash or a change by hand they may differ."""
        self._days = {}
        for name, lines in groupby(entries, _day_of):
            if name is None:
                continue
            with self._changed(name) as day:
                known = day.rows
                # the index is in the order of closing: a day can come again
                day.rows = dict(known) if name in self._days else {}
                for entry in lines:
                    if entry.last_frame_utc is not UNSET:
                        self.newest = max(self.newest, entry.last_frame_utc)
                    row = known.get(entry.file) or self._row(entry)
                    if row is not None:
                        day.rows[row.name] = row
        for path in (self._root / "days").glob("*.js"):
            if path.stem not in self._days:  # all its recordings are gone
                with self._changed(path.stem) as day:
                    day.rows = {}
        self._write_days()

    def add(self, entry: Known) -> None:
        """Show a recording that was closed or recovered, or whose line has changed."""
        name, row = _day_of(entry), self._row(entry)
        if name is not None and row is not None:
            with self._changed(name) as day:
                day.rows[row.name] = row
            self._write_days()

    def look_again(self, recording: str) -> None:
        """Show whether a recording is kept: a file beside it says so."""
        if found := NAMED_DAY.search(recording):
            with self._changed(found[1]) as day:
                if (row := day.rows.get(recording)) is not None:
                    kept = companions.is_kept(str(self._root / recording))
                    day.rows[recording] = row._replace(flags=row.flags & ~KEPT | KEPT * kept)

    def remove(self, recordings: Collection[str]) -> None:
        by_day: dict[str, list[str]] = defaultdict(list)
        for recording in recordings:
            if found := NAMED_DAY.search(recording):
                by_day[found[1]].append(recording)
        for name, gone in by_day.items():
            with self._changed(name) as day:
                for recording in gone:
                    day.rows.pop(recording, None)
        self._write_days()

    def note_gap(self, begin: datetime, end: datetime, kind: Kind) -> None:
        """Note that nothing was watched between two moments, or only the last `LONGEST_GAP` of that."""
        begin = max(begin, end - LONGEST_GAP)
        midnight = begin.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        while midnight < end:
            from_s = max(0.0, (begin - midnight).total_seconds())
            to_s = min(DAY_S, (end - midnight).total_seconds())
            with self._changed(f"{midnight:%Y-%m-%d}") as day:
                day.gaps.append(Gap(round(from_s, 1), round(to_s, 1), kind))
            midnight += timedelta(days=1)
        self._write_days()

    def write_now(self, now: Mapping[str, object]) -> None:
        self._write(self._root / "page/now.js", NOW_OPENING + json.dumps(now) + CLOSING)

    def last_alive(self) -> datetime | None:
        """When the previous recorder was last known to be alive; None if nothing says so."""
        try:
            text = (self._root / "page/now.js").read_text("ascii")
            now = json.loads(text.removeprefix(NOW_OPENING).removesuffix(CLOSING))
            alive = datetime.fromisoformat(now["alive"])
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None
        return alive if alive.tzinfo is not None else None

    def _path(self, day: str) -> Path:
        return self._root / "days" / f"{day}.js"

    def _row(self, entry: Known) -> Row | None:
        """A recording's row; None for a file that is gone."""
        try:
            file = self._root / entry.file
            return row_of(entry, file.stat().st_size, companions.is_kept(str(file)))
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            return None

    @contextmanager
    def _changed(self, name: str) -> Iterator[Day]:
        """Lock a day and read it; write it at the end, if it was changed."""
        with (self._root / "days" / LOCK_NAME).open("a") as lock:
            _lock(lock)
            day = Day.read(self._path(name), name)
            before = day.script()
            yield day
            if not day.rows and not day.gaps:
                self._path(name).unlink(missing_ok=True)
                self._days.pop(name, None)
                return
            if (after := day.script()) != before:
                self._write(self._path(name), after)
            self._days[name] = len(day.rows), day.hours()

    def _write_days(self) -> None:
        with_recordings = [name for name, (count, _) in self._days.items() if count]
        oldest = min(with_recordings, default="")
        for name in [name for name in self._days if name < oldest]:  # gaps of which nobody will ask
            self._path(name).unlink(missing_ok=True)
            del self._days[name]
        content = json.dumps(dict(sorted(self._days.items())), separators=(",", ":"))
        self._write(self._root / "page/days.js", f"pynvr.days({content});\n")

    def _write(self, path: Path, content: str) -> None:
        part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")  # others write into the page's root
        part.write_text(content, "utf-8")
        part.replace(path)


def _day_of(entry: Known) -> str | None:
    moment = entry.trigger_utc
    return None if moment is UNSET else f"{moment.astimezone(timezone.utc):%Y-%m-%d}"


def _camera_line(name: str, path: str) -> str:
    return f"pynvr.camera({json.dumps({'name': name, 'path': path})});\n"


def _add_line(path: Path, line: str) -> None:
    """Add a line to a file that other recorders add theirs to, unless it is there already."""
    with path.open("a+", encoding="ascii", errors="replace") as file:
        _lock(file)
        file.seek(0)
        text = file.read()
        if line not in text:
            file.write(line if not text or text.endswith("\n") else "\n" + line)


def _lock(file: IO[str]) -> None:
    """Lock a file until it is closed; on a file system without locks do nothing."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
