"""A recording and the files beside it that belong to it: its pictures, and its `.keep` file.

Paths are text here, and each file is asked for by its name: an archive may have 200,000 recordings.
"""

from __future__ import annotations

import os
from pathlib import Path

KEEP = ".keep"
"""A file `video_….keep` beside a recording prevents its removal."""
PICTURES = (".jpg", ".strip.jpg")
COMPANIONS = (*PICTURES, KEEP)


def weight(recording: str) -> int:
    """Bytes of a recording and its companions; a missing file counts 0."""
    stem = _stem(recording)
    # most recordings have no pictures, and os.access is faster than an exception
    beside = (stem + suffix for suffix in PICTURES)
    return _size(recording) + sum(_size(path) for path in beside if os.access(path, os.F_OK))


def is_kept(recording: str) -> bool:
    """Whether there is a `.keep` file beside a recording."""
    return os.path.lexists(_stem(recording) + KEEP)


def keep(recording: str) -> None:
    """Put a `.keep` file beside a recording; raises OSError."""
    Path(_stem(recording) + KEEP).touch()


def remove(recording: str) -> int | None:
    """Remove a recording and its companions; return the bytes set free, or None if it was gone before.

    Raises OSError if one of them stays.
    """
    freed = _size(recording)
    was_there = _unlink(recording)
    stem = _stem(recording)
    for path in (stem + suffix for suffix in COMPANIONS):
        size = _size(path)
        freed += size if _unlink(path) else 0
    return freed if was_there else None


def _stem(recording: str) -> str:
    folder, slash, name = recording.rpartition("/")
    return folder + slash + name.split(".", 1)[0]


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _unlink(path: str) -> bool:
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return False
    return True
