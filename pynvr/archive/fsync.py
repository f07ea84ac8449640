"""File operations that a power cut cannot undo once they have returned."""

from __future__ import annotations

import os
from pathlib import Path

SYNC_INTERVAL_S = 1.0
"""Of the part's bytes as well: a power cut costs about so much."""


def move(source: Path, target: Path) -> None:
    """Rename a finished file, with its content and its new name on the disk when this returns."""
    _sync(source)
    source.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
