"""The files beside a recording that belong to it: its pictures, and its `.keep` file.

A closed recording's path is text here, and each file is asked for by its name: an archive may have 200,000
recordings. An open recording's path has no suffix, and its pictures are `.part` files.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

from pynvr.archive import fsync
from pynvr.archive.replaced_file import replace_file
from pynvr.media.codecs import JPEG_ENDS

log = logging.getLogger(__name__)

KEEP = ".keep"
"""A file `video_….keep` beside a recording prevents its removal."""
PICTURES = {"picture": ".jpg", "strip": ".strip.jpg"}
COMPANIONS = (*PICTURES.values(), KEEP)
OPEN_PICTURES = {kind: f".part{suffix}" for kind, suffix in PICTURES.items()}


def weight(recording: str) -> int:
    """Bytes of a recording and its companions; a missing file counts 0."""
    stem = _stem(recording)
    # most recordings have no pictures, and os.access is faster than an exception
    beside = (stem + suffix for suffix in PICTURES.values())
    return bytes_of(recording) + sum(bytes_of(path) for path in beside if os.access(path, os.F_OK))


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
    freed = bytes_of(recording)
    was_there = _unlink(recording)
    stem = _stem(recording)
    for path in (stem + suffix for suffix in COMPANIONS):
        size = bytes_of(path)
        freed += size if _unlink(path) else 0
    return freed if was_there else None


def put(stem: Path, kind: str, jpeg: bytes) -> None:
    """Put a picture beside an open recording; it replaces the previous one of its kind. Raises OSError."""
    replace_file(Path(f"{stem}{OPEN_PICTURES[kind]}"), jpeg)


def finish(stem: Path) -> dict[str, Path]:
    """Give the pictures of a recording their final names when it closes; return the paths by their kind.

    Torn pictures are removed. A disk that refuses costs a picture, but no recording.
    """
    found = {}
    for kind, suffix in PICTURES.items():
        part, final = Path(f"{stem}{OPEN_PICTURES[kind]}"), Path(f"{stem}{suffix}")
        try:
            part.with_name(f"{part.name}.part").unlink(missing_ok=True)
            if part.exists():
                if part.read_bytes().endswith(JPEG_ENDS):
                    fsync.move(part, final)
                else:
                    part.unlink()
        except OSError as error:
            log.warning("%s: the recording will be without it: %s", part.name, error)
        if final.exists():
            found[kind] = final
    return found


def discard(stem: Path) -> None:
    """Remove the pictures of an open recording of which no file is left."""
    with suppress(OSError):
        for suffix in OPEN_PICTURES.values():
            for each in (suffix, f"{suffix}.part"):
                Path(f"{stem}{each}").unlink(missing_ok=True)


def _stem(recording: str) -> str:
    folder, slash, name = recording.rpartition("/")
    return folder + slash + name.split(".", 1)[0]


def bytes_of(path: str) -> int:
    """Bytes of a file; a missing one counts 0."""
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
