"""Remembers the pictures of the last seconds, and chooses by age and light which a frame is compared with."""

import math
from collections import deque

from pynvr.detection.exposure import Picture, same_exposure
from pynvr.detection.parameters import EARLY_S, RobustParameters

STEP_S = 0.1
"""Pictures are remembered at this distance: 20 of them for two seconds, whatever the frame rate."""


class References:
    """Remembers pictures as long as one of the two references may be asked for."""

    def __init__(self, parameters: RobustParameters) -> None:
        self._oldest_s = max(parameters.reference_s, parameters.second_reference_s)
        self._same_light = parameters.same_light or math.inf
        self._past: deque[Picture] = deque()

    def begin(self, now: Picture) -> None:
        """A new scene or a new light: what came before is no reference."""
        self._past = deque([now])

    def add(self, now: Picture) -> None:
        """Remember a picture, if it is time to."""
        if now.time_s - self._past[-1].time_s < STEP_S - EARLY_S:
            return
        self._past.append(now)
        while len(self._past) > 1 and self._past[1].time_s <= now.time_s - self._oldest_s + EARLY_S:
            self._past.popleft()

    def reach_back(self, age_s: float, now: Picture) -> bool:
        """Whether the oldest picture is at least so old."""
        return self._past[0].time_s <= now.time_s - age_s + EARLY_S

    def recent(self, now: Picture) -> Picture:
        """The youngest picture that is at least one step old."""
        due_s = now.time_s - STEP_S + EARLY_S
        return next((past for past in reversed(self._past) if past.time_s <= due_s), self._past[0])

    @property
    def oldest(self) -> Picture:
        """The oldest picture remembered."""
        return self._past[0]

    def lost(self, now: Picture) -> bool:
        """Whether no remembered picture was taken in the light of `now`."""
        return not any(same_exposure(past, now, self._same_light) for past in reversed(self._past))

    def of_age(self, age_s: float, now: Picture) -> Picture:
        """The youngest picture of the same light that is old enough, else the oldest one, else the latest."""
        best = None
        for past in self._past:
            if not same_exposure(past, now, self._same_light):
                continue
            if best is not None and past.time_s > now.time_s - age_s + EARLY_S:
                break
            best = past
        return best or self._past[-1]
