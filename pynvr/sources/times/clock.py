"""Lays a network stream's own times onto the monotonic clock. Pure arithmetic: callers pass the time."""

from bisect import insort
from itertools import accumulate, pairwise
from typing import NamedTuple

from pynvr.media.frame import SMALLEST_STEP_S

LEAP_S = 0.5
"""A stream that steps back further, or ahead of our clock, has leapt."""
WINDOW_S = 5.0
"""The lag is that of one to two windows."""
QUICKEST = 1 / 8
"""Share of the packets that may seem too quick: one with a damaged time, and those that came with it."""
LONGEST_STEP_S = 2.0
"""The longest step within a burst. A longer one is a damaged time or a counter that was reset."""


def delays(stream_s: list[float]) -> list[float]:
    """How many seconds before a burst's last frame each frame was due, by the stream's own times."""
    if not stream_s:
        return []
    steps = [later - sooner for sooner, later in pairwise(stream_s)]
    believed = [step if -LEAP_S <= step <= LONGEST_STEP_S else 0.0 for step in steps]
    return [max(0.0, delay) for delay in accumulate(believed[::-1], initial=0.0)][::-1]


def quickest(lags: list[float], none: float) -> float:
    """The lag of the quickest, but for a few whose times may be damaged; `none` if there are no lags."""
    in_order = sorted(lags)
    return in_order[int(QUICKEST * len(in_order))] if in_order else none


class _Mark(NamedTuple):
    """A picture that later ones may follow."""

    stream_s: float
    arrival_s: float
    offset_s: float
    """Clock time minus stream time."""

    def leads_to(self, stream_s: float, arrival_s: float) -> bool:
        """Whether a packet can follow: not much earlier than this one, nor later by more than the wait."""
        step = stream_s - self.stream_s
        return -LEAP_S <= step <= max(0.0, arrival_s - self.arrival_s) + LEAP_S

    def misfit_s(self, stream_s: float, arrival_s: float) -> float:
        """By how much more or less time has passed for the stream than for us."""
        return abs(stream_s - self.stream_s - (arrival_s - self.arrival_s))


class StreamClock:
    """Lays a stream onto the clock when its first picture arrives. From then on it keeps its own spacing.

    A hiccup of the network delays pictures and then delivers them in a burst; a second of the scene stays one
    all the same. `lag_s` says how far stream and clock have drifted apart since; the times are not corrected
    for it. With B-frames packets are not sent in the order in which they are shown.

    A stream that leaps has lost packets or reset its counter. If the next packet fits the one before the leap
    better, only one time was damaged, and nothing has changed.
    """

    def __init__(self) -> None:
        self._latest: _Mark | None = None
        self._previous: _Mark | None = None
        self._untimed_s = float("-inf")
        self._window_end = 0.0
        self._lags: list[float] = []
        self._lags_before: list[float] = []
        """Lags of this window and of the previous one, sorted."""

    @property
    def lag_s(self) -> float:
        """Arrival minus time of the quickest recent pictures, seconds; negative if the first one came late.

        It relates two streams of one camera: time + lag is the same moment in both. A few that are quicker
        still do not count, whose times may be damaged.
        """
        return quickest(self._lags + self._lags_before, 0.0)

    def place(self, stream_s: float | None, arrival_s: float) -> float:
        """Return the time at which a packet of the stream's time `stream_s` is shown.

        A packet without a time is shown when it arrives.
        """
        if stream_s is None:
            self._latest = self._previous = None
            self._lags, self._lags_before = [], []
            self._untimed_s = max(arrival_s, self._untimed_s + SMALLEST_STEP_S)
            return self._untimed_s
        before = self._followed(stream_s, arrival_s)
        if before is not None:
            offset_s = before.offset_s
        elif self._latest is not None:  # it goes on when it arrives
            waited_s = max(0.0, arrival_s - self._latest.arrival_s)
            offset_s = self._latest.offset_s + self._latest.stream_s + waited_s + SMALLEST_STEP_S - stream_s
        else:
            offset_s = arrival_s - stream_s
        time = stream_s + offset_s
        if self._latest is None or offset_s != self._latest.offset_s or stream_s > self._latest.stream_s:
            self._previous = before or self._latest
            self._latest = _Mark(stream_s, arrival_s, offset_s)
            self._note_lag(arrival_s, arrival_s - time)
        return time

    def _followed(self, stream_s: float, arrival_s: float) -> _Mark | None:
        """Which of the last two packets this one follows; None if it has leapt.

        The one before the latest counts only for a packet later than that: else the counter was set back.
        """
        known = [] if self._latest is None else [self._latest]
        if self._previous is not None and stream_s > self._previous.stream_s:
            known.append(self._previous)
        fitting = [mark for mark in known if mark.leads_to(stream_s, arrival_s)] or [
            mark for mark in known if self._can_follow(mark, stream_s, arrival_s)
        ]
        # of two that fit it is the latest: a delay does not decide
        return min(fitting, key=lambda mark: max(LEAP_S, mark.misfit_s(stream_s, arrival_s)), default=None)

    def _can_follow(self, mark: _Mark, stream_s: float, arrival_s: float) -> bool:
        """Whether the packet may follow `mark` after a loss: later than it, but not in the future."""
        ahead_s = stream_s + mark.offset_s - arrival_s
        return stream_s > mark.stream_s - LEAP_S and ahead_s <= LEAP_S - self.lag_s

    def _note_lag(self, arrival_s: float, lag_s: float) -> None:
        if arrival_s >= self._window_end:
            self._window_end = arrival_s + WINDOW_S
            self._lags, self._lags_before = [], self._lags
        insort(self._lags, lag_s)
