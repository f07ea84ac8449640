"""How long recordings are kept: the oldest go first, and only what the index knows as ours.

And not while the clock is in doubt: a wrong clock must not cost a year of recordings.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pynvr.archive.archive import Archive

log = logging.getLogger(__name__)

GIGABYTE = 1e9
STEP_S = 60.0
"""The wall clock and the monotonic clock run side by side; a greater difference is a step."""
TRUST_AFTER_S = 3600.0
"""A clock that was in doubt has to agree for so long before it is believed."""


class ClockGuard:
    """Judges the wall clock by the monotonic one and by the files."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._doubted_at: float | None = None

    def trusts(self, now: datetime, monotonic_s: float, newest_file: datetime | None) -> bool:
        """Whether `now` may be believed: no step, and no file from the future, for an hour."""
        offset = now.timestamp() - monotonic_s
        stepped = self._offset is not None and abs(offset - self._offset) > STEP_S
        behind = newest_file is not None and now < newest_file - timedelta(seconds=STEP_S)
        self._offset = offset
        if stepped or behind:
            if self._doubted_at is None:
                log.warning("the clock was set, or is behind the recordings: none is removed for an hour")
            self._doubted_at = monotonic_s
        elif self._doubted_at is not None and monotonic_s - self._doubted_at >= TRUST_AFTER_S:
            self._doubted_at = None
        return self._doubted_at is None


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording as the index has it."""

    name: str
    last_frame: datetime
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings ARCHIVE_…; None where there is no limit."""

    max_age_days: float | None
    max_size_gb: float | None
    min_free_gb: float | None


class Retention:
    """Removes recordings from an archive that has outgrown its limits."""

    def __init__(self, archive: Archive, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._guard = ClockGuard()
        # from here on a step is seen, not only from the first sweep on
        self._guard.trusts(datetime.now(timezone.utc), time.monotonic(), None)

    def sweep(self) -> None:
        """Remove what the limits ask for, oldest first, and its lines from the index; raises OSError."""
        kept = self._recordings()
        now = datetime.now(timezone.utc)
        newest = max((recording.last_frame for recording in kept), default=None)
        if not self._guard.trusts(now, time.monotonic(), newest):
            return
        removed: list[Kept] = []
        for recording, reason in self._surplus(kept, now):
            try:
                recording.path.unlink(missing_ok=True)
            except OSError as error:  # one that is held must not keep the others
                log.error("%s cannot be removed: %s", recording.name, error.strerror)
                continue
            removed.append(recording)
            log.info("removed %s: %s", recording.name, reason)
        if removed:
            self._archive.remove({recording.name for recording in removed})
            for recording in removed:
                self._archive.remove_if_empty(recording.path.parent)

    def _recordings(self) -> list[Kept]:
        """What the index knows and is still there, oldest first: the index is in order of closing."""
        recordings = []
        root = self._archive.root.resolve()
        for entry in self._archive.index.entries():
            try:
                name = str(entry["file"])
                path = self._archive.root / name
                last_frame = datetime.fromisoformat(str(entry["last_frame_utc"]))
                if not path.resolve().is_relative_to(root):
                    continue
                recordings.append(Kept(name, last_frame, path, path.stat().st_size))
            except (KeyError, ValueError, FileNotFoundError):
                continue
        return recordings

    def _surplus(self, kept: list[Kept], now: datetime) -> Iterator[tuple[Kept, str]]:
        limits = self._limits
        total = sum(recording.size for recording in kept)
        missing = 0.0
        if limits.min_free_gb is not None:
            missing = limits.min_free_gb * GIGABYTE - shutil.disk_usage(self._archive.root).free
        for recording in kept:
            days = (now - recording.last_frame) / timedelta(days=1)
            if limits.max_age_days is not None and days > limits.max_age_days:
                reason = f"older than ARCHIVE_MAX_AGE_DAYS = {limits.max_age_days:g}"
            elif limits.max_size_gb is not None and total > limits.max_size_gb * GIGABYTE:
                reason = f"the archive exceeds ARCHIVE_MAX_SIZE_GB = {limits.max_size_gb:g}"
            elif missing > 0:
                reason = f"less is free than ARCHIVE_MIN_FREE_GB = {limits.min_free_gb:g}"
            else:
                continue
            total -= recording.size
            missing -= recording.size
            yield recording, reason
