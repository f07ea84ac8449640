"""Laying a network stream's own times onto the monotonic clock: pure arithmetic, told the time by others."""

from __future__ import annotations

from bisect import insort
from itertools import accumulate, pairwise
from typing import NamedTuple

DRIFT_LIMIT_S = 0.5
"""A stream that departs further from the clock is laid anew."""
WINDOW_S = 5.0
"""A stream counts as late when not one frame in so many seconds was in time; less is a hiccup."""
QUICKEST = 1 / 8
"""So many packets may look quicker than they were: one of a damaged time, and those read together with it."""
SMALLEST_STEP_S = 0.001
"""Times increase strictly, by at least this."""
LONGEST_STEP_S = 2.0
"""From one frame to the next of those that come in a burst; more is a damaged time, or a count begun anew."""


def delays(stream_s: list[float]) -> list[float]:
    """How long before the last one each frame of a burst was due, by the times that the stream gave them."""
    if not stream_s:
        return []
    steps = [later - sooner for sooner, later in pairwise(stream_s)]
    believed = [step if -DRIFT_LIMIT_S <= step <= LONGEST_STEP_S else 0.0 for step in steps]
    return [max(0.0, delay) for delay in accumulate(believed[::-1], initial=0.0)][::-1]


class StreamClock:
    """Gives frames times on the monotonic clock with the spacing that the stream gave them.

    The first frame is laid onto its arrival. A hiccup of the network delays
    frames and then delivers them in a burst: they keep their true spacing. Only
    a stream that is ahead of the clock (a frame cannot come out of the future),
    or late for a whole window, is laid anew.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._last_stream = self._last = 0.0
        self._window_end = self._least_lag = 0.0
        self._lag_before = float("inf")

    @property
    def lag_s(self) -> float:
        """How long after the time it was given the quickest frame of late arrived.

        Negative after a start with frames that had waited in the network. Two streams
        of one camera are related by it: of both, time + lag is the same moment.
        """
        lag = min(self._least_lag, self._lag_before)
        return lag if lag < float("inf") else 0.0

    def place(self, stream_s: float, arrival_s: float) -> float:
        """Return the time of a frame of the stream's time `stream_s` that arrived at `arrival_s`."""
        if self._offset is None:
            self._offset = arrival_s - stream_s
            self._last = arrival_s - SMALLEST_STEP_S
            self._open_window(arrival_s)
        elif stream_s < self._last_stream - DRIFT_LIMIT_S:  # the camera counts from anew
            self._offset = arrival_s - stream_s
        self._last_stream = stream_s
        self._follow_drift(arrival_s, arrival_s - (stream_s + self._offset))
        self._last = max(stream_s + self._offset, self._last + SMALLEST_STEP_S)
        return self._last

    def _follow_drift(self, arrival_s: float, lag: float) -> None:
        self._least_lag = min(self._least_lag, lag)
        late = arrival_s >= self._window_end and self._least_lag > DRIFT_LIMIT_S
        laid_anew = self._offset is not None and (lag < -DRIFT_LIMIT_S or late)
        if self._offset is not None and laid_anew:
            self._offset += self._least_lag
            self._least_lag = 0.0
        if arrival_s >= self._window_end or laid_anew:
            self._open_window(arrival_s)

    def _open_window(self, arrival_s: float) -> None:
        self._window_end = arrival_s + WINDOW_S
        self._lag_before, self._least_lag = self._least_lag, float("inf")


class _Mark(NamedTuple):
    """A packet from which others can go on."""

    stream_s: float
    arrival_s: float
    offset_s: float
    """What its stream's time lacked to that on the clock."""

    def leads_to(self, stream_s: float, arrival_s: float) -> bool:
        """Whether a packet can follow: not much before this one, and not later by more than was waited."""
        step = stream_s - self.stream_s
        return -DRIFT_LIMIT_S <= step <= max(0.0, arrival_s - self.arrival_s) + DRIFT_LIMIT_S


class PacketClock:
    """Lays packets onto the clock once; from then on they keep the stream's own spacing exactly.

    Their times go into files. How far stream and clock have moved apart since is told by `lag_s`,
    not mended. With B-frames packets come in another order than they are shown in.

    A stream that leaps has lost packets, or counts from anew. Where the next packet goes on from
    before the leap, only one time was damaged, and nothing has changed.
    """

    def __init__(self) -> None:
        self._latest: _Mark | None = None
        self._before_leap: _Mark | None = None
        self._window_end = 0.0
        self._lags: list[float] = []
        self._lags_before: list[float] = []
        """Of this window and of the one before, in order of size."""

    @property
    def lag_s(self) -> float:
        """As `StreamClock` has it, with a few packets left out, whose times may be damaged."""
        lags = sorted(self._lags + self._lags_before)
        return lags[int(QUICKEST * len(lags))] if lags else 0.0

    def place(self, stream_s: float, arrival_s: float) -> float:
        """Return the time at which a packet of the stream's time `stream_s` is shown."""
        mark = _Mark(stream_s, arrival_s, self._follow(stream_s, arrival_s))
        time = stream_s + mark.offset_s
        if self._latest is None or mark.offset_s != self._latest.offset_s or stream_s > self._latest.stream_s:
            self._latest = mark
            self._note_lag(arrival_s, arrival_s - time)
        return time

    def _follow(self, stream_s: float, arrival_s: float) -> float:
        """Find out what the packet goes on from, and return that line's offset to the clock."""
        latest, before = self._latest, self._before_leap
        if latest is None:
            return arrival_s - stream_s
        if latest.leads_to(stream_s, arrival_s):
            self._before_leap = None
            return latest.offset_s
        if before is not None and self._can_follow(before, stream_s, arrival_s):
            self._latest, self._before_leap = before, None
            return before.offset_s
        self._before_leap = latest
        if self._can_follow(latest, stream_s, arrival_s):
            return latest.offset_s
        waited = max(0.0, arrival_s - latest.arrival_s)
        return latest.offset_s + latest.stream_s + waited + SMALLEST_STEP_S - stream_s

    def _can_follow(self, mark: _Mark, stream_s: float, arrival_s: float) -> bool:
        """Whether a leap from there leads forward, as after a loss, but not into the future."""
        ahead_s = stream_s + mark.offset_s - arrival_s
        return stream_s > mark.stream_s - DRIFT_LIMIT_S and ahead_s <= DRIFT_LIMIT_S - self.lag_s

    def _note_lag(self, arrival_s: float, lag_s: float) -> None:
        if arrival_s >= self._window_end:
            self._window_end = arrival_s + WINDOW_S
            self._lags, self._lags_before = [], self._lags
        insort(self._lags, lag_s)
