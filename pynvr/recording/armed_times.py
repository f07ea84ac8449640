"""ARMED_TIMES: the local times at which motion counts: "Mon-Fri 22:00-06:30", "Sat-Sun"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pynvr.errors import SettingsError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LINE = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?\s*(?:(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d))?",
    re.IGNORECASE,
)
A_DAY = 24 * 60
"""Minutes."""
LOOK_BACK = timedelta(days=8)
"""Looking back further finds nothing else: every week is the same."""


@dataclass(frozen=True, slots=True)
class Span:
    """The same hours of some days. Hours beyond midnight belong to the day on which they begin."""

    days: frozenset[int]
    """0 is Monday."""
    start: int
    end: int
    """Minutes of the day."""

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether a minute of a weekday is in the span."""
        if self.start < self.end:
            return weekday in self.days and self.start <= minute < self.end
        begun_today = weekday in self.days and minute >= self.start
        return begun_today or ((weekday - 1) % 7 in self.days and minute < self.end)


class ArmedTimes:
    """Says whether a local time is armed, also on the two days a year on which local clocks are set."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Read the setting; raises SettingsError for a line that is wrong."""
        self._spans = [_span(line) for line in lines]

    def __call__(self, local: datetime) -> bool:
        """Whether it is armed at a local time."""
        minute = local.hour * 60 + local.minute
        return any(span.holds(local.weekday(), minute) for span in self._spans)

    def changed_between(self, since: datetime, until: datetime) -> bool:
        """Whether any minute since `since` had another answer than `until` has."""
        moment, now = max(since, until - LOOK_BACK), self(until)
        while moment < until:
            if self(moment.astimezone()) != now:
                return True
            moment += timedelta(minutes=1)
        return False


def _span(line: str) -> Span:
    found = LINE.fullmatch(line.strip())
    if found is None or not found.group():
        raise _wrong(line, 'is not of the form "Mon-Fri 22:00-06:30", "Sat-Sun" or "22:00-06:30"')
    first = found["first"] or "mon"
    last = found["last"] or (found["first"] or "sun")
    for name in (first, last):
        if name.lower() not in DAYS:
            raise _wrong(line, f"there is no day {name}; there are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
    begin, end = DAYS.index(first.lower()), DAYS.index(last.lower())
    days = frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    start, stop = _minute(line, found["start"] or "00:00"), _minute(line, found["end"] or "24:00")
    if start in (stop, A_DAY):
        raise _wrong(line, "ends when it begins; 00:00-24:00 is the whole day")
    return Span(days, start, stop)


def _minute(line: str, clock: str) -> int:
    hour, minute = int(clock[:2]), int(clock[3:])
    if minute > 59 or hour * 60 + minute > A_DAY:
        raise _wrong(line, f"there is no time {clock}")
    return hour * 60 + minute


def _wrong(line: str, why: str) -> SettingsError:
    return SettingsError(f"ARMED_TIMES: {line!r}: {why}")
