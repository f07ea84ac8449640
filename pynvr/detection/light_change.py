"""Waiting while the light changes: who enters while the lamp goes on is judged a moment later, not lost."""

from __future__ import annotations

import math


class Settling:
    """Says whether the light is changing, from picture to picture.

    It is until it has been quiet for `quiet_s`; after `limit_s` of unrest the
    waiting ends and none begins for `rest_s`, or a flickering lamp would blind
    the detector for ever.
    """

    def __init__(self, quiet_s: float, limit_s: float, rest_s: float) -> None:
        self._quiet_s = quiet_s
        self._limit_s = limit_s
        self._rest_s = rest_s
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._until_s = self._since_s = self._not_before_s = -math.inf

    def waiting(self, unrest: bool, time_s: float) -> bool:
        """Take whether the light changed in this picture; True while no answer can be given."""
        if unrest and time_s > self._not_before_s:
            if time_s > self._until_s:
                self._since_s = time_s
            self._until_s = time_s + self._quiet_s
            if time_s - self._since_s > self._limit_s:
                self._until_s, self._not_before_s = time_s, time_s + self._rest_s
        return time_s < self._until_s
