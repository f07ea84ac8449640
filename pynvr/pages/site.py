"""The files of an archive's page, and how they are kept true: one day's at a time, each replaced at once.

`index.html` and `page/` come with the package. `days/2017-04-02.js` has a day's recordings. `page/days.js`
says which days there are, `page/now.js` what goes on now, `page/cameras.js` whose archives the page shows.
All of it can be made anew from the index, so nothing of it is worth a wait for the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from pynvr.pages.day import DAY_S, Day, Gap, Row, row_of, trigger_of

KEEP_SUFFIX = ".keep"
NAMED_DAY = re.compile(r"video_(\d{4}-\d\d-\d\d)T")
NOW_OPENING, CLOSING = "pynvr.now(", ");\n"

Entry = Mapping[str, Any]
"""A line of the archive's index."""


class Site:
    """The page of one archive. Used by one thread only; its methods raise OSError if the disk refuses."""

    def __init__(self, root: Path, file_mode: int = 0o600) -> None:
        """`root` is the archive. Files get the permissions `file_mode`, folders those to enter them, too."""
        self._root = root
        self._file_mode = file_mode
        self._days: dict[str, tuple[int, int]] = {}
        """Day -> how many recordings, and in which hours of UTC."""

    def install(self, camera: str, page_root: Path | None) -> None:
        """Copy what comes with the package, and name the camera here and in the folder of all cameras."""
        for root in (self._root, page_root):
            if root is not None:
                self._install(root)
        self._write(self._root / "page/cameras.js", _camera_line(camera, "."))
        (self._root / "days").mkdir(mode=self._folder_mode, exist_ok=True)
        for torn in (*self._root.glob("page/.*.new"), *self._root.glob("days/.*.new")):
            torn.unlink()
        if page_root is not None:
            path = self._root.resolve().relative_to(page_root.resolve()).as_posix()
            _add_line(page_root / "page/cameras.js", _camera_line(camera, path), self._file_mode)

    def reconcile(self, entries: Iterable[Entry]) -> None:
        """Make all days what the index says; after a crash, or a change by hand, they may be behind it."""
        self._days = {}
        for day, lines in groupby(entries, _day_of):
            if day is None:
                continue
            stored = Day.read(self._path(day), day)
            known = dict(stored.rows)
            if day not in self._days:  # the index is in the order of closing: a day can come again
                stored.rows = {}
            for entry in lines:
                row = known.get(str(entry.get("file"))) or self._row(entry)
                if row is not None:
                    stored.rows[row.name] = row
            self._replace_day(stored, changed=stored.rows != known)
        for path in (self._root / "days").glob("*.js"):
            if path.stem not in self._days:  # all its recordings are gone
                stored = Day.read(path, path.stem)
                stored.rows = {}
                self._replace_day(stored, changed=True)
        self._write_days()

    def add(self, entry: Entry) -> None:
        """Show a recording that was closed or recovered, or whose line has changed."""
        day, row = _day_of(entry), self._row(entry)
        if day is not None and row is not None:
            stored = Day.read(self._path(day), day)
            stored.rows[row.name] = row
            self._replace_day(stored)
            self._write_days()

    def remove(self, names: Collection[str]) -> None:
        """Forget recordings that were removed."""
        by_day: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if found := NAMED_DAY.search(name):
                by_day[found[1]].append(name)
        for day, gone in by_day.items():
            stored = Day.read(self._path(day), day)
            for name in gone:
                stored.rows.pop(name, None)
            self._replace_day(stored)
        self._write_days()

    def note_gap(self, begin: datetime, end: datetime, kind: str) -> None:
        """Note that nothing was watched between two moments."""
        midnight = begin.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        while midnight < end:
            day = f"{midnight:%Y-%m-%d}"
            stored = Day.read(self._path(day), day)
            from_s = max(0.0, (begin - midnight).total_seconds())
            to_s = min(DAY_S, (end - midnight).total_seconds())
            stored.gaps.append(Gap(round(from_s, 1), round(to_s, 1), kind))
            self._replace_day(stored)
            midnight += timedelta(days=1)
        self._write_days()

    def write_now(self, now: Mapping[str, object]) -> None:
        """Say what goes on at this moment."""
        self._write(self._root / "page/now.js", NOW_OPENING + json.dumps(now) + CLOSING)

    def read_now(self) -> dict[str, Any]:
        """What the recorder before this one said last; empty where there was none."""
        try:
            text = (self._root / "page/now.js").read_text("ascii")
            content = json.loads(text.removeprefix(NOW_OPENING).removesuffix(CLOSING))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def _folder_mode(self) -> int:
        return self._file_mode | (self._file_mode & 0o444) >> 2

    def _path(self, day: str) -> Path:
        return self._root / "days" / f"{day}.js"

    def _row(self, entry: Entry) -> Row | None:
        """A recording's row; None for a spoilt line, and for a file that is gone."""
        try:
            file = self._root / str(entry["file"])
            return row_of(entry, file.stat().st_size, file.with_suffix(KEEP_SUFFIX).exists())
        except (KeyError, TypeError, ValueError, FileNotFoundError):
            return None

    def _replace_day(self, day: Day, changed: bool = True) -> None:
        if not day.rows and not day.gaps:
            self._path(day.day).unlink(missing_ok=True)
            self._days.pop(day.day, None)
            return
        if changed:
            self._write(self._path(day.day), day.script())
        self._days[day.day] = len(day.rows), day.hours()

    def _write_days(self) -> None:
        content = json.dumps(dict(sorted(self._days.items())), separators=(",", ":"))
        self._write(self._root / "page/days.js", f"pynvr.days({content});\n")

    def _install(self, root: Path) -> None:
        (root / "page").mkdir(mode=self._folder_mode, exist_ok=True)
        for item in files("pynvr.pages").joinpath("site").iterdir():
            place = root / item.name if item.name == "index.html" else root / "page" / item.name
            content = item.read_text("utf-8")
            if not place.exists() or place.read_text("utf-8", errors="replace") != content:
                self._write(place, content)

    def _write(self, path: Path, content: str) -> None:
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # others write into the page's root
        part.write_text(content, "utf-8")
        part.chmod(self._file_mode)
        part.replace(path)


def _day_of(entry: Entry) -> str | None:
    try:
        return f"{trigger_of(entry):%Y-%m-%d}"
    except (KeyError, TypeError, ValueError):
        return None


def _camera_line(name: str, path: str) -> str:
    return f"pynvr.camera({json.dumps({'name': name, 'path': path})});\n"


def _add_line(path: Path, line: str, mode: int) -> None:
    """Add a line to a file that other recorders add theirs to, unless it is there already."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode)
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        with suppress(OSError):  # a filesystem without locks; the page does not mind a line that comes twice
            fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        if line not in text:
            file.write(line if not text or text.endswith("\n") else "\n" + line)
