"""Names of recordings and folders, and which of them are free."""

import errno
import itertools
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pynvr.archive.companions import COMPANIONS, OPEN_PICTURES, bytes_of

log = logging.getLogger(__name__)

PREFIX = "video"
"""Names of recordings begin with it. Other files in the archive are left alone."""
TRIAL_PREFIX = "trial"
"""Names of the recordings that `--check` makes and removes begin with it."""
VIDEO_SUFFIXES = (".avi", ".mp4", ".ts", ".mkv")
JOURNAL_SUFFIX = ".part.jsonl"
DAMAGED = ".damaged"
"""Suffix of a file that could not be understood and is kept for an expert."""
DAMAGED_JOURNAL = f".journal{DAMAGED}"
SUFFIXES = (
    *VIDEO_SUFFIXES, *COMPANIONS, DAMAGED, DAMAGED_JOURNAL, JOURNAL_SUFFIX,
    *(f".part{suffix}" for suffix in VIDEO_SUFFIXES),
)  # fmt: skip
"""A name is taken if there is a file of it with one of these suffixes."""
OPEN_SUFFIXES = (
    JOURNAL_SUFFIX, *OPEN_PICTURES.values(), *(f".part{suffix}" for suffix in VIDEO_SUFFIXES),
    *(f".closing.part{suffix}" for suffix in VIDEO_SUFFIXES),
)  # fmt: skip
"""Suffixes of files that exist only until a recording is closed."""
LONGEST_NAME = f"{PREFIX}_2017-04-02T132017_9999.closing.part.avi"
"""The longest name of a file without which there is no recording."""
NO_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT}
"""Errors of a bad name: it is too long, or has a character that the file system does not allow."""

SubfolderNamer = Callable[[datetime], str]


def free_stem(folder: Path, utc: datetime, prefix: str) -> Path:
    """A recording's path without suffix: `video_2017-04-02T132017`, or `…_2`, `…_3` if that is taken.

    Tests each name that could be taken. Listing the folder would take longer the more there is in it.
    """
    name = f"{prefix}_{utc:%Y-%m-%dT%H%M%S}"
    stems = (folder / (name if number == 1 else f"{name}_{number}") for number in itertools.count(1))
    return next(stem for stem in stems if not any(os.path.lexists(f"{stem}{end}") for end in SUFFIXES))


def beside(stem: Path, suffix: str) -> Path:
    """The path of a recording's file with this suffix. (`with_suffix` would cut a name with a dot.)"""
    return stem.with_name(f"{stem.name}{suffix}")


def is_open(stem: Path) -> bool:
    """Whether there is a file that exists only until a recording is closed."""
    return any(os.path.lexists(f"{stem}{end}") for end in OPEN_SUFFIXES)


def open_bytes(stem: Path) -> int:
    """Size of the files that exist only until a recording is closed, bytes."""
    return sum(bytes_of(f"{stem}{end}") for end in OPEN_SUFFIXES)


def make_subfolder(root: Path, namer: SubfolderNamer | None, utc: datetime) -> Path:
    """Make the folder that the user's function names; return the archive itself if that is no folder's name.

    Raises OSError if the disk refuses.
    """
    folder = root
    try:
        if namer is not None:
            folder = _inside(root, namer(utc))
    except Exception as error:  # whatever a user's function can raise
        log.error("subFolderNameGeneratorFunc failed, recording into %s: %r", root, error)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            (folder / LONGEST_NAME).lstat()  # raises another OSError if the whole path is too long
    except OSError as error:
        # if the archive itself is gone, the name is not to blame
        if folder == root or error.errno not in NO_NAME or not root.is_dir():
            raise OSError(error.errno, error.strerror, str(folder)) from None
        log.error(
            "subFolderNameGeneratorFunc: %.100r cannot be a folder's name, recording into %s: %s",
            str(folder.relative_to(root)), root, error.strerror,
        )  # fmt: skip
        return root
    return folder


def lies_inside(root: Path, path: Path) -> bool:
    """Whether a path, with links followed, is in an archive: a line of the index may hold any name."""
    try:
        real = path.resolve()
        # from Python 3.13 on links in a circle stay links, and raise no RuntimeError
        return real.is_relative_to(root.resolve()) and not real.is_symlink()
    except (OSError, ValueError, RuntimeError):  # no name at all, or links in a circle
        return False


def _inside(root: Path, name: str) -> Path:
    """The sub-folder of that name; raises ValueError if it is outside of the archive, or not UTF-8."""
    name.encode()  # a name that is not UTF-8 cannot be in the index
    folder, real_root = (root / name).resolve(), root.resolve()
    if not folder.is_relative_to(real_root):
        raise ValueError(f"{folder} is outside of the archive")
    return root / folder.relative_to(real_root)
