"""What recordings and their folders are called, and which names are free."""

from __future__ import annotations

import errno
import itertools
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pynvr.archive.companions import COMPANIONS

log = logging.getLogger(__name__)

PREFIX = "video"
"""Names of recordings begin so; whatever else lies in the archive is not touched."""
TRIAL_PREFIX = "trial"
"""Of the recording that `--check` makes and removes."""
VIDEO_SUFFIXES = (".avi", ".mp4", ".ts", ".mkv")
JOURNAL_SUFFIX = ".part.jsonl"
DAMAGED = ".damaged"
"""What nobody could understand, kept for an expert."""
DAMAGED_JOURNAL = f".journal{DAMAGED}"
SUFFIXES = (
    *VIDEO_SUFFIXES, *COMPANIONS, DAMAGED, DAMAGED_JOURNAL, JOURNAL_SUFFIX,
    *(f".part{suffix}" for suffix in VIDEO_SUFFIXES),
)  # fmt: skip
"""All that a recording's files can end in."""
OPEN_SUFFIXES = (
    JOURNAL_SUFFIX, ".part.jpg", ".part.strip.jpg", *(f".part{suffix}" for suffix in VIDEO_SUFFIXES),
    *(f".closing.part{suffix}" for suffix in VIDEO_SUFFIXES),
)  # fmt: skip
"""Of what there is only until a recording is closed."""
LONGEST_NAME = f"{PREFIX}_2017-04-02T132017_9999.closing.part.avi"
NO_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT}
"""Why a sub-folder cannot have its name: too long, or with a sign that the file system does not know."""

SubfolderNamer = Callable[[datetime], str]


def free_stem(folder: Path, utc: datetime, prefix: str) -> Path:
    """A recording's path, less the suffix: `video_2017-04-02T132017`, or `…_2`, `…_3` where that is taken.

    Asks for each file that could be in the way: to list the folder would take the longer the more is in it.
    """
    name = f"{prefix}_{utc:%Y-%m-%dT%H%M%S}"
    stems = (folder / (name if number == 1 else f"{name}_{number}") for number in itertools.count(1))
    return next(stem for stem in stems if not any(os.path.lexists(f"{stem}{end}") for end in SUFFIXES))


def is_open(stem: Path) -> bool:
    """Whether anything is there of a recording that is not closed."""
    return any(os.path.lexists(f"{stem}{end}") for end in OPEN_SUFFIXES)


def make_subfolder(root: Path, namer: SubfolderNamer | None, utc: datetime) -> Path:
    """Make the folder that the user's function names; the archive itself where that cannot be one.

    Raises OSError where the disk refuses.
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
            (folder / LONGEST_NAME).lstat()  # raises another OSError where all together is too long
    except OSError as error:
        # where the archive itself is gone, it is not the name's fault
        if folder == root or error.errno not in NO_NAME or not root.is_dir():
            raise
        log.error(
            "subFolderNameGeneratorFunc: %.100r cannot be a folder's name, recording into %s: %s",
            str(folder.relative_to(root)), root, error.strerror,
        )  # fmt: skip
        return root
    return folder


def _inside(root: Path, name: str) -> Path:
    """The sub-folder of that name; raises ValueError where it is outside, or no text."""
    name.encode()  # what is not UTF-8 could not stand in the index
    folder, real_root = (root / name).resolve(), root.resolve()
    if not folder.is_relative_to(real_root):
        raise ValueError(f"{folder} is outside of the archive")
    return root / folder.relative_to(real_root)
