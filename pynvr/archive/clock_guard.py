"""Decides whether to believe the wall clock when it says that recordings are too old."""

import logging
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

STEP_S = 60.0
"""If the distance of wall clock and monotonic clock changes by more than this, the wall clock was set."""
TRUST_AFTER_S = 3600.0
"""A doubted clock is believed after it has been right for so long."""
TRUST_AHEAD_AFTER_S = 86400.0
"""The same if it was far ahead: by then a machine has asked the network for the time."""
FAR_BEHIND = timedelta(hours=12)
"""The clock may be so far behind the newest recording: a few hours do not matter for a limit in days."""
FAR_AHEAD = timedelta(days=10)
"""A camera may see nothing move for so long; the clock of a machine without a battery is years off."""


class ClockGuard:
    """Judges the wall clock by the monotonic one and by the newest recording."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._doubted_until: float | None = None
        self._believed = False
        """Whether it has agreed with the recordings since its last step; then a long quiet time is true."""

    def trusts(
        self,
        now: datetime,
        monotonic_s: float,
        newest_file: datetime | None,
        max_age: timedelta = FAR_AHEAD,
    ) -> bool:
        """Whether the wall clock's `now` may be believed: it made no step, and is near the newest recording.

        `monotonic_s` is the monotonic clock. `newest_file` is when the newest recording was closed. A clock
        by which even that one exceeds `max_age` is far ahead.
        """
        offset = now.timestamp() - monotonic_s
        stepped = self._offset is not None and abs(offset - self._offset) > STEP_S
        self._offset = offset
        self._believed &= not stepped
        behind = newest_file is not None and now < newest_file - FAR_BEHIND
        far = min(max_age, FAR_AHEAD)
        ahead = newest_file is not None and not self._believed and now - newest_file > far
        if stepped or behind or ahead:
            self._doubt(monotonic_s, ahead, newest_file)
        elif self._doubted_until is not None and monotonic_s >= self._doubted_until:
            self._doubted_until = None
        if self._doubted_until is None and newest_file is not None:
            self._believed = True
        return self._doubted_until is None

    def _doubt(self, monotonic_s: float, ahead: bool, newest: datetime | None) -> None:
        if self._doubted_until is None and ahead:
            log.warning(
                "nothing is removed by age: the newest recording is of %s; is the clock right? "
                "If it is, that ends a day after the next recording",
                newest,
            )
        elif self._doubted_until is None:
            log.warning(
                "nothing is removed by age for an hour: the clock was set, or is behind the recordings"
            )
        until = monotonic_s + (TRUST_AHEAD_AFTER_S if ahead else TRUST_AFTER_S)
        self._doubted_until = max(until, self._doubted_until or until)
