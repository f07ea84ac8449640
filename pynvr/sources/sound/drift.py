"""Follows the clock of a camera's sound where it drifts from that of the pictures. Pure arithmetic.

A camera that reports both clocks (RTCP sender reports) corrects its times itself. Without reports, or with
wrong ones, only the arrivals tell that two clocks differ: 100 parts in a million are 0.36 s in an hour.
"""

from collections import deque
from math import copysign
from statistics import median, quantiles

BIN_S, BINS = 10.0, 4
"""Arrivals are judged by the median of so many bins' medians: one burst or a busy moment moves it little."""
LEAST_IN_A_BIN = 15
UNEVEN_S, AGREED_S = 0.1, 0.02
"""If the middle half of a bin or the bins' medians differ more, arrivals are too uneven to tell a drift."""
ALLOWED_S = 0.015
"""Sound is not corrected before it is so far off: a busier scene, too, delays pictures a little."""
FASTEST = 400e-6
"""Seconds a second. What changes faster is no drift, but the network, the camera's load or its report."""
CORRECTION = 1e-3
"""Seconds a second, at most: nobody hears it."""


class Drift:
    """What to add to the times of a connection's sound so that it stays with the pictures. All in seconds."""

    def __init__(self) -> None:
        self.shift_s = 0.0
        """The correction so far, added to the sound's times."""
        self._wanted_s = 0.0
        self._bin: list[float] = []
        self._bin_end = float("-inf")
        self._medians: deque[float] = deque(maxlen=BINS)
        self._normal_s = 0.0
        """How much later sound usually comes than pictures of the same time; a camera needs time for both."""
        self._judged: tuple[float, float] | None = None
        """The latest sure level, and when that was."""
        self._before_s = 0.0

    def note(self, late_s: float, arrival_s: float) -> None:
        """Take by how much later than a picture of the same time, both uncorrected, sound came just now."""
        if arrival_s >= self._bin_end:
            if len(self._bin) >= LEAST_IN_A_BIN:
                first, middle, third = quantiles(self._bin)
                if third - first <= UNEVEN_S:
                    self._medians.append(middle)
                    self._judge(arrival_s)
            self._bin, self._bin_end = [], arrival_s + BIN_S
        self._bin.append(late_s)
        most = CORRECTION * max(0.0, min(1.0, arrival_s - self._before_s))
        self._before_s = arrival_s
        self.shift_s += max(-most, min(most, self._wanted_s - self.shift_s))

    def _judge(self, now_s: float) -> None:
        if len(self._medians) < BINS or max(self._medians) - min(self._medians) > AGREED_S:
            return
        level_s = median(self._medians)
        if self._judged is None:
            self._normal_s = level_s
        else:
            before_s, then_s = self._judged
            if abs(level_s - before_s) > FASTEST * max(BINS * BIN_S, now_s - then_s):
                self._normal_s += level_s - before_s
        self._judged = level_s, now_s
        off_s = level_s - self._normal_s - self._wanted_s
        if abs(off_s) > ALLOWED_S:
            self._wanted_s += off_s - copysign(ALLOWED_S, off_s)
