"""Who may read what a recorder writes: its owner only, or also the group if a setting says so."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER_ONLY, GROUP_READS = 0o077, 0o027
"""A umask: these bits are removed from a file's 0666 and a folder's 0777."""


@contextmanager
def files_for(group_readable: bool, older: Iterable[Path]) -> Iterator[None]:
    """Give new files and folders of the process 0600 and 0700, or 0640 and 0750 if the group may read.

    `older`: files of earlier runs that this one continues; they get the same if the file system has
    permissions. Earlier recordings keep theirs.
    """
    mask = GROUP_READS if group_readable else OWNER_ONLY
    previous = os.umask(mask)
    try:
        for path in older:
            # it may belong to somebody else, or the file system may have no permissions
            with suppress(OSError):
                if path.is_file():
                    path.chmod(0o666 & ~mask)
        yield
    finally:
        os.umask(previous)
