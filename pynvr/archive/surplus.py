"""Decides which recordings exceed the limits. Pure: it gets sizes, times and limits, and knows no files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

GIGABYTE = 1e9


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings ARCHIVE_…; None means no limit."""

    max_age_days: float | None
    max_size_gb: float | None
    min_free_gb: float | None

    @property
    def max_age(self) -> timedelta | None:
        """The age limit as a duration."""
        return None if self.max_age_days is None else timedelta(days=min(self.max_age_days, 1e6))


class Surplus:
    """Judges recordings one after another, in the index's order. Callers tell it which were removed.

    Size and free space need no clock: the first in the index go first. By age, recordings go up to the first
    one that is young enough: those behind it were closed later and are younger, even if the clock was wrong
    then. A recording with a time in the future is not too old.
    """

    def __init__(self, limits: Limits, total_bytes: float, free_bytes: float, now: datetime | None) -> None:
        """All recordings have `total_bytes`; `free_bytes` are free. `now` is None if the clock is doubted."""
        self._limits = limits
        self._over = 0.0 if limits.max_size_gb is None else total_bytes - limits.max_size_gb * GIGABYTE
        self._missing = 0.0 if limits.min_free_gb is None else limits.min_free_gb * GIGABYTE - free_bytes
        self._now = now if limits.max_age is not None else None
        self._by_age = self._now is not None
        self.was_too_old = False
        """Whether the latest `reason` was its age."""

    @property
    def over_size(self) -> bool:
        """Whether all recordings still take more than ARCHIVE_MAX_SIZE_GB."""
        return self._over > 0

    @property
    def satisfied(self) -> bool:
        """Whether no later recording has to be removed."""
        return not self._by_age and self._over <= 0 and self._missing <= 0

    def reason(self, time: datetime) -> str | None:
        """Why the next recording, whose last frame is at `time`, has to be removed; None if it may stay."""
        limits = self._limits
        self.was_too_old = self._too_old(time)
        if self.was_too_old:
            return f"older than ARCHIVE_MAX_AGE_DAYS = {limits.max_age_days:g}"
        if self._over > 0:
            return f"the archive exceeds ARCHIVE_MAX_SIZE_GB = {limits.max_size_gb:g}"
        if self._missing > 0:
            return f"less is free than ARCHIVE_MIN_FREE_GB = {limits.min_free_gb:g}"
        return None

    def removed(self, size_bytes: int) -> None:
        """Note that the recording was removed."""
        self._over -= size_bytes
        self._missing -= size_bytes

    def _too_old(self, time: datetime) -> bool:
        max_age = self._limits.max_age
        if not self._by_age or self._now is None or max_age is None or time > self._now:
            return False
        self._by_age = self._now - time > max_age
        return self._by_age
