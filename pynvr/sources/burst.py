"""Pictures that come at once although they were sent one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pynvr.sources.clock import LONGEST_STEP_S, delays
from pynvr.sources.pace import Pace

SHORTEST_PERIOD_S = 0.02
"""Some streams give two frames the same time; what comes faster than this has been waiting."""

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Reading(Generic[Content]):
    """What a read gave."""

    content: Content
    nbytes: int
    stream_s: float | None
    """The stream's own time; None where it has none."""


class Burst(Generic[Content]):
    """Holds readings back until one had to be waited for: it is live, and tells where the others belong.

    What a camera sent meanwhile comes in a burst: over a second's worth while it was being opened, and some
    pictures whenever they were left to gather. The first of a connection are held until its clock is judged.
    """

    def __init__(self, pace: Pace, limit_bytes: int) -> None:
        """Hold at most `limit_bytes`; `pace` is the camera's."""
        self._pace = pace
        self._limit_bytes = limit_bytes
        self._held: list[tuple[Reading[Content], float]] = []
        self._bytes = 0
        self._previous_s = 0.0
        self.live = False
        """Whether the latest one had to be waited for, and everything is up to date."""

    @property
    def usual_bytes(self) -> float:
        """Of one reading."""
        return self._bytes / len(self._held)

    def add(self, got: Reading[Content], arrival_s: float, waited_s: float, idle_s: float) -> bool:
        """Take a reading; return whether what is held is to be taken now.

        Reading it took `waited_s`, of which it did nothing for `idle_s`.
        """
        self._held.append((got, arrival_s))
        self._bytes += got.nbytes
        if got.stream_s is None:
            return True
        self._pace.note(got.stream_s, arrival_s, idle_s)
        corrected_s = self._pace.correct(got.stream_s)
        if corrected_s is None:
            return True
        step_s = corrected_s - self._previous_s
        self._previous_s = corrected_s
        believed_s = step_s if step_s <= LONGEST_STEP_S else 0.0
        self.live = self._pace.judged and waited_s > max(believed_s, SHORTEST_PERIOD_S) / 2
        return self.live or self._bytes > self._limit_bytes

    def take(self) -> list[tuple[Reading[Content], float]]:
        """Let go of what is held: readings with corrected times, and when each would have come by itself."""
        held, self._held, self._bytes = self._held, [], 0
        if not held:
            return []
        corrected = [
            replace(got, stream_s=None if got.stream_s is None else self._pace.correct(got.stream_s))
            for got, _ in held
        ]
        times = [got.stream_s for got in corrected if got.stream_s is not None]
        if len(times) < len(held):
            return list(zip(corrected, (arrival_s for _, arrival_s in held), strict=True))
        last_s = held[-1][1]
        return [(got, last_s - delay_s) for got, delay_s in zip(corrected, delays(times), strict=True)]
