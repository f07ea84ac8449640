"""The archives beside one on its disk: where room is missing, the oldest recording of all goes first."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

from msgspec import UNSET

from pynvr.archive import companions
from pynvr.archive.entry import known
from pynvr.archive.index import INDEX_NAME, Index

MOUNTS = Path("/proc/self/mountinfo")
"""Where disks are mounted is its fifth column, blanks as octal numbers."""
OCTAL = re.compile(rb"\\([0-7]{3})")
MOST_LINES = 1000
"""So many lines of a neighbour's index are looked at; more, and their files are gone, would take seconds."""


def oldest_beside(root: Path) -> datetime | None:
    """The time of the oldest recording of the neighbours that could be removed; None if there is none.

    Neighbours are archives in the same folder and on the same disk. One that cannot be read is left out.
    """
    oldest: list[datetime] = []
    with suppress(OSError):
        own = root.stat()
        for folder in _folders_in(Path(os.path.realpath(root.absolute().parent))):
            with suppress(OSError):
                other = folder.stat()
                if other.st_dev == own.st_dev and other.st_ino != own.st_ino:
                    oldest.extend(_oldest(folder))
    return min(oldest, default=None)


def _folders_in(parent: Path) -> list[Path]:
    """The folders in a folder, without asking other disks: one that hangs would never answer."""
    columns = [line.split()[4] for line in MOUNTS.read_bytes().splitlines()]
    mounts = {OCTAL.sub(lambda found: bytes([int(found[1], 8)]), column) for column in columns}
    with os.scandir(parent) as found:
        folders = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    return [Path(folder) for folder in folders if os.fsencode(folder) not in mounts]


def _oldest(folder: Path) -> Iterator[datetime]:
    """The time of an archive's oldest recording that is there and not kept, if there is one.

    One of the future says nothing: the clock was wrong.
    """
    index, now = Index(folder / INDEX_NAME), datetime.now(timezone.utc)
    for _, line in islice(index.lines(), MOST_LINES):
        if (entry := known(line)) is None or entry.last_frame_utc is UNSET or entry.last_frame_utc > now:
            continue
        path = f"{folder}/{entry.file}"
        if index.may_name(entry.file) and os.path.lexists(path) and not companions.is_kept(path):
            yield entry.last_frame_utc
            return
