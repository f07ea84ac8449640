"""Removes recordings beyond the limits: the oldest first, and only those in the index.

It keeps no list of recordings in memory, only how far the index was read, the total size and the newest time.
A sweep reads the lines added since, and then from the oldest line on as far as something has to be removed.
The first sweep adds up the sizes of all recordings, in slices: on a cold disk that takes minutes.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from msgspec import UNSET

from pynvr.archive import companions
from pynvr.archive.archive import Archive
from pynvr.archive.clock_guard import FAR_AHEAD, ClockGuard
from pynvr.archive.entry import known
from pynvr.archive.neighbours import oldest_beside

log = logging.getLogger(__name__)

GIGABYTE = 1e9
RECOUNT_S = 86400.0
"""The total size is counted anew so often, since other programs may change files, too."""
RECOUNT_SHARE = 0.01
"""If a counted recording is missing, all is counted anew, if that takes at most so much of the time."""
FEWEST_FILES = 200
"""If the disk has inodes for fewer further files, it is as good as full."""
SLICE_S, SLICE_LINES = 0.2, 100
"""A sweep counts for so long and then leaves the rest to the next one; it counts at least so many lines."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings ARCHIVE_…; None means no limit."""

    max_age_days: float | None
    max_size_gb: float | None
    min_free_gb: float | None

    @property
    def max_age(self) -> timedelta | None:
        return None if self.max_age_days is None else timedelta(days=min(self.max_age_days, 1e6))


class Retention:
    """Removes recordings from an archive that has outgrown its limits."""

    def __init__(self, archive: Archive, limits: Limits) -> None:
        self._archive = archive
        self._index = archive.index
        self._limits = limits
        self._guard = ClockGuard()
        # so that the guard notices a step from now on, and not only from the first sweep on
        self._guard.trusts(datetime.now(timezone.utc), time.monotonic(), None)
        self._counted_at: float | None = None
        self._counting_s = 0.0
        """How long the last whole count took."""
        self._missed = False
        """Whether somebody else has removed what was counted."""
        self._read_to = 0
        """Offset in the index up to which lines have been counted."""
        self._counted = False
        """Whether that is the whole index. Until then the total is too small, and the newest time unknown."""
        self._total_bytes = 0
        self._newest: datetime | None = None
        self._spoilt = 0
        """Spoilt lines in what was counted."""
        self._said: set[str] = set()

    def sweep(self) -> bool:
        """Remove recordings beyond the limits, and their lines in the index; raises OSError.

        Returns True if not all recordings are counted yet, or if they have to be counted anew: call it again
        soon. Until they are, nothing is removed by age.
        """
        if self._limits == Limits(None, None, None):
            return False
        now, began_s = datetime.now(timezone.utc), time.monotonic()
        self._count()
        self._counting_s += time.monotonic() - began_s
        max_age = self._limits.max_age or FAR_AHEAD
        trusted = self._counted and self._guard.trusts(now, time.monotonic(), self._newest, max_age)
        removed = dict(self._remove_surplus(now if trusted else None))
        if removed:
            shorter = self._archive.remove(removed.keys())
            if shorter and not self._counted:
                self._counted_at = None  # some of the removed lines may not have been counted
            self._read_to -= shorter
        by_age = [moment for moment in removed.values() if moment is not None]
        if by_age and max(by_age) - min(by_age) > timedelta(days=1):
            log.warning(
                "removed %d recordings of %.1f days at once, all older than ARCHIVE_MAX_AGE_DAYS = %g: "
                "the recorder was off, the limit was lowered, or the clock is wrong",
                len(by_age), (max(by_age) - min(by_age)) / timedelta(days=1), self._limits.max_age_days,
            )  # fmt: skip
        return not self._counted or self._is_recount_due()

    def _remove_surplus(self, now: datetime | None) -> Iterator[tuple[str, datetime | None]]:
        """Remove recordings, oldest first; yield each one's name, and its time if it was too old.

        Size and free space need no clock. By age, recordings go up to the first one that is young enough:
        those behind it were closed later and are younger, even if the clock was wrong then. A recording with
        a time in the future is not too old. `now` is None if the clock is doubted. If a neighbour has older
        recordings, it makes room first: from there on only half of what should be free is missing here.
        """
        limits, max_age = self._limits, self._limits.max_age
        free = shutil.disk_usage(self._archive.root).free
        min_free = (limits.min_free_gb or 0.0) * GIGABYTE
        missing = 0.0 if limits.min_free_gb is None else min_free - free
        # 0 where the file system counts none, or says so: nothing is removed for that
        inodes = os.statvfs(self._archive.root).f_favail
        few = FEWEST_FILES - inodes if inodes and limits.min_free_gb is not None else 0
        over = 0.0 if limits.max_size_gb is None else self._total_bytes - limits.max_size_gb * GIGABYTE
        by_age = now is not None and max_age is not None
        older = oldest_beside(self._archive.root) if max(missing, few) > 0 else None
        kept_bytes = 0
        for name, moment in self._oldest() if by_age or max(over, missing, few) > 0 else ():
            reason, too_old = None, False
            if older is not None and older < moment <= datetime.now(timezone.utc):
                missing, few, older = missing - min_free / 2, few - FEWEST_FILES // 2, None
            if by_age and now is not None and max_age is not None and moment <= now:
                by_age = too_old = now - moment > max_age
            if too_old:
                reason = f"older than ARCHIVE_MAX_AGE_DAYS = {limits.max_age_days:g}"
            elif over > 0:
                reason = f"the archive exceeds ARCHIVE_MAX_SIZE_GB = {limits.max_size_gb:g}"
            elif missing > 0:
                reason = f"less is free than ARCHIVE_MIN_FREE_GB = {limits.min_free_gb:g}"
            elif few > 0:
                reason = f"the disk has inodes for fewer than {FEWEST_FILES} further files"
            if reason is not None and companions.is_kept(self._path(name)):
                kept_bytes += companions.weight(self._path(name))
            elif reason is not None and (freed := self._remove(name, reason)) is not None:
                if over > 0 and not too_old and freed >= self._total_bytes:
                    self._say_once(
                        f"the newest recording alone exceeds ARCHIVE_MAX_SIZE_GB = {limits.max_size_gb:g}, "
                        "so that none stays: raise it, or lower RECORDING_MAX_DURATION_SECS"
                    )
                # the total is too large if somebody else removed recordings
                over = 0.0 if self._is_recount_due() else over - freed
                missing, few = missing - freed, few - 1
                self._total_bytes = max(0, self._total_bytes - freed)
                yield name, moment if too_old else None
            if not by_age and max(over, missing, few) <= 0:
                return
        if over > 0 and kept_bytes:
            self._say_once(
                f"recordings with a .keep file take {kept_bytes / GIGABYTE:.1f} GB and alone exceed "
                f"ARCHIVE_MAX_SIZE_GB = {limits.max_size_gb:g}, so that nothing else stays: "
                "raise it, or remove .keep files"
            )
        if missing > (min_free / 2 if older is not None else 0):
            self._say_once(
                f"less is free than ARCHIVE_MIN_FREE_GB = {limits.min_free_gb:g}, and no recording is left "
                "that could be removed: each one goes as soon as it is closed; make room, or set it lower"
            )

    def _oldest(self) -> Iterator[tuple[str, datetime]]:
        """The recordings in the index that were not removed yet, in order of closing, each with its time."""
        for entry in self._index.each():
            if entry.last_frame_utc is not UNSET and self._index.may_name(entry.file):
                yield entry.file, entry.last_frame_utc

    def _count(self) -> None:
        """Add up sizes and find the newest time, a slice of the index at a time.

        It goes on where it stopped; if others changed the index or the files, or once a day, it begins anew.
        """
        now = time.monotonic()
        if self._index.changed_by_others() or self._is_recount_due():
            self._counted_at, self._counting_s, self._missed = now, 0.0, False
            self._read_to = self._total_bytes = self._spoilt = 0
            self._newest = None
        weighs = self._limits.max_size_gb is not None
        self._counted = False
        for number, (offset, line) in enumerate(self._index.lines(self._read_to)):
            if number >= SLICE_LINES and time.monotonic() - now > SLICE_S:
                return
            self._read_to = offset
            entry = known(line)
            if entry is None or entry.last_frame_utc is UNSET:
                self._spoilt += bool(line.strip())
                continue
            self._newest = entry.last_frame_utc if entry.closed_utc is UNSET else entry.closed_utc
            if weighs:
                self._total_bytes += companions.weight(self._path(entry.file))
        self._counted = True
        self._index.complain(self._spoilt)

    def _is_recount_due(self) -> bool:
        if self._counted_at is None:
            return True
        age_s = time.monotonic() - self._counted_at
        return age_s > RECOUNT_S or (self._missed and age_s >= self._counting_s / RECOUNT_SHARE)

    def _remove(self, name: str, reason: str) -> int | None:
        """Remove a recording and its companions; return the bytes set free, or None if it stays."""
        try:
            freed = companions.remove(self._path(name))
        except OSError as error:  # a recording that cannot be removed must not prevent the removal of others
            self._say_once(f"{name} cannot be removed: {error.strerror or error}")
            return None
        self._archive.remove_if_empty(Path(self._path(name)).parent)
        if freed is not None:
            log.info("removed %s: %s", name, reason)
        else:
            self._missed = True
        return freed or 0

    def _path(self, name: str) -> str:
        return f"{self._archive.root}/{name}"

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            log.error("%s", message)
