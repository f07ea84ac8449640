"""Laying a network stream's own times onto the monotonic clock: pure arithmetic, told the time by others."""

from __future__ import annotations

DRIFT_LIMIT_S = 0.5
"""A stream that departs further from the clock is laid anew."""
WINDOW_S = 5.0
"""A stream counts as late when not one frame in so many seconds was in time; less is a hiccup."""
SMALLEST_STEP_S = 0.001
"""Times increase strictly, by at least this."""


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
        if self._offset is not None and (lag < -DRIFT_LIMIT_S or late):
            self._offset += self._least_lag
        if arrival_s >= self._window_end or lag < -DRIFT_LIMIT_S:
            self._open_window(arrival_s)

    def _open_window(self, arrival_s: float) -> None:
        self._window_end = arrival_s + WINDOW_S
        self._least_lag = float("inf")
