"""Who may read what a recorder writes: its owner only, or also the group if a setting says so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER_ONLY, GROUP_READS = 0o077, 0o027
"""A umask: these bits are removed from a file's 0666 and a folder's 0777."""


@contextmanager
def files_for(group_readable: bool, older: Iterable[Path] = ()) -> Iterator[None]:
    """Give each new file and folder of the process 0600 and 0700, or 0640 and 0750.

    `older`: files of earlier runs that are continued get the same, as far as the file system has
    permissions. Recordings of earlier runs keep theirs.
    """
    mask = GROUP_READS if group_readable else OWNER_ONLY
    previous = os.umask(mask)
    try:
        for path in older:
            with suppress(
                OSError
            ):  # it does not exist, belongs to somebody else, or the file system has no permissions
                if path.is_file():
                    path.chmod(0o666 & ~mask)
        yield
    finally:
        os.umask(previous)
