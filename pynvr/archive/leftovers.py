"""Finds what a crash has left in an archive, in one walk that reads names only."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pynvr.archive.names import DAMAGED, PREFIX, TRIAL_PREFIX

log = logging.getLogger(__name__)

DEEPEST = 16
"""How deep the search goes, so that it ends even if the archive is mounted into itself."""
TRIAL = re.compile(rf"{TRIAL_PREFIX}_\d{{4}}-\d\d-\d\dT\d{{6}}(_\d+)?\.")
YOUNG_S = 60.0
"""A younger trial recording may belong to a `--check` that is running."""


@dataclass(slots=True)
class Leftovers:
    """What a search has found."""

    stems: set[Path] = field(default_factory=set)
    """Paths without suffix of recordings that are not closed."""
    trials: list[Path] = field(default_factory=list)
    damaged: int = 0


def find(root: Path) -> Leftovers:
    """Search an archive; raises OSError if its own folder cannot be read."""
    found = Leftovers()
    for entry in _files(root):
        name = entry.name
        if name.startswith(f"{PREFIX}_"):
            if ".part." in name:
                found.stems.add(Path(entry.path).with_name(name.split(".", 1)[0]))
            found.damaged += name.endswith(DAMAGED)
        elif TRIAL.match(name):
            found.trials.append(Path(entry.path))
    return found


def clear(found: Leftovers) -> None:
    """Remove trial recordings, and log what only a person can judge."""
    for trial in found.trials:
        with suppress(OSError):
            if time.time() - trial.stat().st_mtime > YOUNG_S:
                trial.unlink()
                log.info("removed %s, which a --check has left", trial.name)
    if found.damaged:
        log.warning(
            "%d files %s in the archive could not be read after a crash: remove it, or ask an expert",
            found.damaged, DAMAGED,
        )  # fmt: skip


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
