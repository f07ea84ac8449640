"""The pictures beside a recording: `.part` files while it is open, with final names once it is closed."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from pynvr.archive import fsync
from pynvr.archive.names import beside
from pynvr.archive.replaced_file import replace_file

log = logging.getLogger(__name__)

PARTS = {"picture": ".part.jpg", "strip": ".part.strip.jpg"}
"""Suffixes while the recording is open; a better picture replaces the whole file."""
FINAL = {"picture": ".jpg", "strip": ".strip.jpg"}
END_OF_JPEG = b"\xff\xd9"


def keep(stem: Path, kind: str, jpeg: bytes) -> None:
    """Write a picture of the open recording; it replaces the previous one. Raises OSError."""
    replace_file(beside(stem, PARTS[kind]), jpeg)


def finish(stem: Path) -> dict[str, Path]:
    """Give the pictures of a recording their final names when it closes; return the paths by their kind.

    Torn pictures are removed. A disk that refuses costs a picture, but no recording.
    """
    for kind, suffix in PARTS.items():
        part = beside(stem, suffix)
        try:
            part.with_name(f"{part.name}.part").unlink(missing_ok=True)
            if part.exists():
                if part.read_bytes().endswith(END_OF_JPEG):
                    fsync.move(part, beside(stem, FINAL[kind]))
                else:
                    part.unlink()
        except OSError as error:
            log.warning("%s: the recording will be without it: %s", part.name, error)
    final = {kind: beside(stem, suffix) for kind, suffix in FINAL.items()}
    return {kind: path for kind, path in final.items() if path.exists()}


def discard(stem: Path) -> None:
    """Remove the pictures of a recording of which no file is left."""
    with suppress(OSError):
        for suffix in PARTS.values():
            for each in (suffix, f"{suffix}.part"):
                beside(stem, each).unlink(missing_ok=True)
