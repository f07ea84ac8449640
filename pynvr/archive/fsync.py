"""File operations that a power cut cannot undo after they have returned. Their errors name the file.

CIFS and some FUSE file systems cannot promise that: they do not synchronise a folder. Then one warning is
logged, and recording goes on.
"""

import errno
import logging
import os
from io import FileIO
from pathlib import Path

log = logging.getLogger(__name__)

SYNC_INTERVAL_S = 1.0
"""Part and journal are synchronised so often: a power cut costs about so much."""
NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY}
"""Errors of a file system that has no such operation. EIO and ENOSPC mean that the disk is ill."""
NOT_OF_FOLDERS = NOT_OFFERED | {errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM}
_said: set[str] = set()


def move(source: Path, target: Path) -> None:
    """Rename a finished file; when this returns, its content and its new name are on the disk."""
    _open_and_sync(source)
    source.rename(target)
    try:
        _open_and_sync(target.parent)
    except OSError as error:
        if error.errno not in NOT_OF_FOLDERS:
            raise
        _say_once("folder", target.parent, error)


def sync(file: int, path: Path, data_only: bool = False) -> None:
    """Flush a file's content to the disk, with or without its times; `path` is its name for errors."""
    try:
        os.fdatasync(file) if data_only else os.fsync(file)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            error.filename = str(path)
            raise
        _say_once("file", path, error)


def write(file: FileIO, data: bytes) -> None:
    """Write all data to the end of an unbuffered file, or raise OSError with the file's name.

    If only a part fits, it is removed again: the next line would be added to half of this one, and a player
    would show half a picture.
    """
    rest = memoryview(data)
    try:
        while rest:  # the disk says only at the next write why it took no more
            rest = rest[file.write(rest) :]
    except OSError as error:
        if taken := len(data) - len(rest):
            file.truncate(file.seek(-taken, os.SEEK_CUR))
        error.filename = str(file.name)
        raise


def _open_and_sync(path: Path) -> None:
    try:  # CIFS does not synchronise a file that is open for reading only
        descriptor = os.open(path, os.O_RDWR)
    except OSError:  # a folder
        descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor, path)
    finally:
        os.close(descriptor)


def _say_once(kind: str, path: Path, error: OSError) -> None:
    if kind not in _said:
        _said.add(kind)
        log.warning(
            "%s: this file system cannot synchronise a %s (%s): "
            "a power cut may take back the latest recordings",
            path, kind, error.strerror,
        )  # fmt: skip
