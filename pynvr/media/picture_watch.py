"""Notices empty pictures: a decoder that fails or a covered lens is no quiet scene."""

from __future__ import annotations

import numpy as np

from pynvr.media.frame import Gray, Image

FAULT_AFTER_S = 10.0
LOOK_EVERY_S = 1.0
SAMPLED = 2
"""Looks at every so many lines. Looking at all would take 2 ms of 1080p."""
BLACK = 8
"""Grey levels; a camera that sees nothing in the dark still gives its noise, and usually the time."""


class PictureWatch:
    """Looks at one picture a second, by the frames' own times, and says what is wrong with it."""

    def __init__(self) -> None:
        self.fault: str | None = None
        """"black" or "all the same", once they have been so for `FAULT_AFTER_S`."""
        self._looked_at: float | None = None
        self._sample: Image | Gray | None = None
        self._black_since: float | None = None
        self._same_since: float | None = None

    def see(self, image: Image | Gray, time: float) -> None:
        """Take the next picture, whole or reduced; `time` in seconds."""
        if self._looked_at is not None and 0 <= time - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time
        sample = image[::SAMPLED].copy()
        same = self._sample is not None and np.array_equal(sample, self._sample)
        self._sample = sample
        self._black_since = _since(self._black_since, int(sample.max()) <= BLACK, time)
        self._same_since = _since(self._same_since, same, time)
        if self._black_since is not None and time - self._black_since >= FAULT_AFTER_S:
            self.fault = "black"
        elif self._same_since is not None and time - self._same_since >= FAULT_AFTER_S - LOOK_EVERY_S:
            self.fault = "all the same"
        else:
            self.fault = None


def _since(since: float | None, now: bool, time: float) -> float | None:
    if not now:
        return None
    return time if since is None else since
