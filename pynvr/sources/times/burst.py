"""Dates pictures that arrive together although the camera sent them one after the other."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pynvr.media.frame import SMALLEST_STEP_S
from pynvr.sources.times.clock import LONGEST_STEP_S, delays
from pynvr.sources.times.pace import Pace

UNKNOWN_PERIOD_S = 0.02
"""The assumed period if the times do not tell it: some streams give two frames the same time."""

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Reading(Generic[Content]):
    """What one read from the camera returned."""

    content: Content
    nbytes: int
    stream_s: float | None
    """The stream's own time; None if it has none."""


class Burst(Generic[Content]):
    """Holds readings until the reader has to wait for one. That one is live, and dates the others.

    Pictures come in a burst when a camera was opened (more than a second of them) and when the reader let
    some gather. The first readings of a connection are held until the camera's clock has been judged.
    """

    def __init__(self, pace: Pace, limit_bytes: int) -> None:
        """Hold at most `limit_bytes`; `pace` is the camera's."""
        self._pace = pace
        self._limit_bytes = limit_bytes
        self._held: list[tuple[Reading[Content], float]] = []
        self._bytes = 0
        self._previous_s = 0.0
        self.live = False
        """Whether the reader had to wait for the latest one: nothing more is waiting then."""

    @property
    def usual_bytes(self) -> float:
        """Average size of one reading, bytes."""
        return self._bytes / len(self._held)

    def add(self, got: Reading[Content], arrival_s: float, waited_s: float, idle_s: float) -> bool:
        """Add a reading that took `waited_s`, of which the thread was idle for `idle_s`.

        Return whether the caller should `take` all readings now.
        """
        self._held.append((got, arrival_s))
        self._bytes += got.nbytes
        self.live = False
        if got.stream_s is None:
            return True
        self._pace.note(got.stream_s, arrival_s, idle_s)
        corrected_s = self._pace.correct(got.stream_s)
        if corrected_s is None:
            return True
        step_s = corrected_s - self._previous_s
        self._previous_s = corrected_s
        period_s = step_s if SMALLEST_STEP_S < step_s <= LONGEST_STEP_S else UNKNOWN_PERIOD_S
        self.live = self._pace.judged and waited_s > period_s / 2
        return self.live or self._bytes > self._limit_bytes

    def take(self) -> list[tuple[Reading[Content], float]]:
        """Return and forget the readings, with corrected times, and the arrival that each should have had."""
        held, self._held, self._bytes = self._held, [], 0
        corrected = [
            replace(got, stream_s=None if got.stream_s is None else self._pace.correct(got.stream_s))
            for got, _ in held
        ]
        times = [got.stream_s for got in corrected if got.stream_s is not None]
        arrivals = [arrival_s for _, arrival_s in held]
        if len(times) == len(held):
            arrivals = [arrivals[-1] - delay_s for delay_s in delays(times)]
        return list(zip(corrected, arrivals, strict=True))
