"""One recorder at a time in a folder, as far as the file system can promise it."""

import fcntl
import logging
import os
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

LOCK_NAME = ".pynvr.lock"


def lock(folder: Path) -> IO[str] | None:
    """Lock a folder until the returned file is closed; return None if another process has locked it.

    If the file system has no locks (NFS and FUSE may have none), a warning says that nothing protects the
    folder. Raises OSError if the lock's file cannot be made.
    """
    path = folder / LOCK_NAME
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        log.warning(
            "%s: this file system has no locks (%s): make sure yourself that no other recorder writes there",
            path, error.strerror,
        )  # fmt: skip
    return file


def is_lock_of(file: IO[str], folder: Path) -> bool:
    """Whether an open lock belongs to this folder, and not to a disk that was there before."""
    try:
        ours, there = os.fstat(file.fileno()), (folder / LOCK_NAME).stat()
    except (OSError, ValueError):  # the disk is away, or the lock was given up
        return False
    # inode numbers may change on CIFS and FUSE; the time does not, since nobody writes into the lock
    return ours.st_dev == there.st_dev and (
        ours.st_ino == there.st_ino or ours.st_mtime_ns == there.st_mtime_ns
    )
