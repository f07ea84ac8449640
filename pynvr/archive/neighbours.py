"""The archives beside one on its disk: where room is missing, the oldest recording of all goes first."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import UNSET

from pynvr.archive import companions
from pynvr.archive.entry import known
from pynvr.archive.index import INDEX_NAME, Index


def oldest_beside(root: Path) -> datetime | None:
    """The time of the oldest recording of the neighbours that could be removed; None if there is none.

    Neighbours are archives in the same folder and on the same disk. One that cannot be read is left out.
    """
    try:
        own, folders = root.stat(), list(root.absolute().parent.iterdir())
    except OSError:
        return None
    oldest: list[datetime] = []
    for folder in folders:
        with suppress(OSError):
            other = (folder / INDEX_NAME).stat() and folder.stat()
            if other.st_dev == own.st_dev and other.st_ino != own.st_ino:
                oldest.extend(_oldest(folder))
    return min(oldest, default=None)


def _oldest(folder: Path) -> Iterator[datetime]:
    """The time of an archive's oldest recording that is there and not kept, if there is one."""
    for _, line in Index(folder / INDEX_NAME).lines():
        if (entry := known(line)) is None or entry.last_frame_utc is UNSET:
            continue
        path = str(folder / entry.file)
        if os.path.lexists(path) and not companions.is_kept(path):
            yield entry.last_frame_utc
            return
