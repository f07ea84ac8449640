"""Finds what a crash has left in an archive, in one walk that reads names only, and clears up."""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pynvr.archive.names import DAMAGED, PREFIX, TRIAL_PREFIX, VIDEO_SUFFIXES

log = logging.getLogger(__name__)

DEEPEST = 16
"""How deep the search goes, so that it ends even if the archive is mounted into itself."""
TRIAL = re.compile(rf"{TRIAL_PREFIX}_\d{{4}}-\d\d-\d\dT\d{{6}}(_\d+)?\.")
YOUNG_S = 60.0
"""A younger trial recording may belong to a `--check` that is running."""


def find(root: Path) -> tuple[set[Path], int]:
    """Paths without suffix of the recordings that are not closed, and how many closed ones there are.

    Trial recordings are removed. Raises OSError if the archive's own folder cannot be read.
    """
    stems, trials, damaged, closed = set(), [], 0, 0
    for entry in _files(root):
        name = entry.name
        if name.startswith(f"{PREFIX}_"):
            if ".part." in name:
                stems.add(Path(entry.path).with_name(name.split(".", 1)[0]))
            else:
                closed += name.endswith(VIDEO_SUFFIXES)
            damaged += name.endswith(DAMAGED)
        elif TRIAL.match(name):
            trials.append(Path(entry.path))
    for trial in trials:  # not during the walk, which could then miss a file on some file systems
        with suppress(OSError):
            if time.time() - trial.stat().st_mtime > YOUNG_S:
                trial.unlink()
                log.info("removed %s, which a --check has left", trial.name)
    if damaged:
        log.warning(
            "%d files %s in the archive could not be read after a crash: remove it, or ask an expert",
            damaged, DAMAGED,
        )  # fmt: skip
    # of a crash between the last steps of closing, which adds the line in the index
    closed -= sum(os.path.lexists(f"{stem}{suffix}") for stem in stems for suffix in VIDEO_SUFFIXES)
    return stems, closed


def _files(root: Path) -> Iterator[os.DirEntry[str]]:
    folders: list[tuple[str, int]] = [(str(root), 0)]
    while folders:
        folder, depth = folders.pop()
        try:
            entries = os.scandir(folder)
        except OSError as error:
            if depth == 0:
                raise
            log.debug("%s is not looked through: %s", folder, error.strerror)  # for example lost+found
            continue
        with entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry
                elif depth < DEEPEST and entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, depth + 1))
