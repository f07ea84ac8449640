"""Who may read what a recorder writes: its owner alone, and the group if a setting says so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER_ONLY, GROUP_READS = 0o077, 0o027
"""As a umask: what is taken from 0666 of a file and 0777 of a folder."""


@contextmanager
def files_for(group_readable: bool, older: Iterable[Path] = ()) -> Iterator[None]:
    """Have each new file and folder of the process with 0600 and 0700, or with 0640 and 0750.

    `older`: files of earlier runs that are written on get the same, as far as the file system knows
    of permissions. Recordings of earlier runs keep theirs.
    """
    mask = GROUP_READS if group_readable else OWNER_ONLY
    previous = os.umask(mask)
    try:
        for path in older:
            with suppress(OSError):  # there is none, it is somebody else's, or nobody can have one here
                if path.is_file():
                    path.chmod(0o666 & ~mask)
        yield
    finally:
        os.umask(previous)
