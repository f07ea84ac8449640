"""ARMED_TIMES: the local times at which motion counts: "Mon-Fri 22:00-06:30", "Sat-Sun"."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pynvr.errors import SettingsError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LINE = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?\s*(?:(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d))?",
    re.IGNORECASE,
)
A_DAY = 24 * 60
A_WEEK = 7 * A_DAY
"""Minutes."""
LOOK_BACK = timedelta(days=8)
"""Looking back further finds nothing else: every week is the same."""


class ArmedTimes:
    """Says whether a local time is armed, also on the two days a year on which local clocks are set."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Read the setting; raises SettingsError for a line that is wrong."""
        self._spans = [span for line in lines for span in _spans(line)]

    def __call__(self, local: datetime) -> bool:
        """Whether it is armed at a local time."""
        minute = local.weekday() * A_DAY + local.hour * 60 + local.minute
        return any(minute in span or minute + A_WEEK in span for span in self._spans)

    def changed_between(self, since: datetime, until: datetime) -> bool:
        """Whether any minute since `since` had another answer than `until` has."""
        moment, now = max(since, until - LOOK_BACK), self(until)
        while moment < until:
            if self(moment.astimezone()) != now:
                return True
            moment += timedelta(minutes=1)
        return False


def _spans(line: str) -> Iterator[range]:
    """The minutes of a line, counted from Monday 0:00 on. Those of Sunday may go on into the next week."""
    found = LINE.fullmatch(line.strip())
    if found is None or not found.group():
        raise _wrong(line, 'is not of the form "Mon-Fri 22:00-06:30", "Sat-Sun" or "22:00-06:30"')
    first = found["first"] or "mon"
    last = found["last"] or (found["first"] or "sun")
    for name in (first, last):
        if name.lower() not in DAYS:
            raise _wrong(line, f"there is no day {name}; there are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
    begin, end = DAYS.index(first.lower()), DAYS.index(last.lower())
    start, stop = _minute(line, found["start"] or "00:00"), _minute(line, found["end"] or "24:00")
    if start in (stop, A_DAY):
        raise _wrong(line, "ends when it begins; 00:00-24:00 is the whole day")
    stop += A_DAY if stop < start else 0
    for day in range(begin, begin + (end - begin) % 7 + 1):
        yield range(day * A_DAY + start, day * A_DAY + stop)


def _minute(line: str, clock: str) -> int:
    hour, minute = int(clock[:2]), int(clock[3:])
    if minute > 59 or hour * 60 + minute > A_DAY:
        raise _wrong(line, f"there is no time {clock}")
    return hour * 60 + minute


def _wrong(line: str, why: str) -> SettingsError:
    return SettingsError(f"ARMED_TIMES: {line!r}: {why}")
