"""Notices empty pictures: a failing decoder or a covered lens must not pass for a quiet scene."""

import numpy as np

from pynvr.media.frame import Gray, Image

FAULT_AFTER_S = 10.0
LOOK_EVERY_S = 1.0
LASTS_S = {"black": FAULT_AFTER_S, "all the same": FAULT_AFTER_S - LOOK_EVERY_S}
"""From the first look that shows it, seconds: "all the same" begins one look earlier than it shows."""
SAMPLED = 2
"""Only every second line is looked at. Looking at all lines of 1080p would take 2 ms."""
BLACK = 8
"""Grey levels. A camera in the dark still shows noise, and usually the time, that is brighter."""


class PictureWatch:
    """Looks at one picture a second, by the frames' own times, and tells what is wrong."""

    def __init__(self) -> None:
        self.fault: str | None = None
        """"black" or "all the same", once the pictures have been so for `FAULT_AFTER_S`."""
        self._looked_at: float | None = None
        self._sample: Image | Gray | None = None
        self._since: dict[str, float] = {}
        """What is wrong now, and since when."""

    def see(self, image: Image | Gray, time: float) -> None:
        """Take the next picture, whole (BGR) or reduced (grey); `time` in seconds."""
        if self._looked_at is not None and 0 <= time - self._looked_at < LOOK_EVERY_S:
            return
        sample = image[::SAMPLED].copy()
        wrong = {
            "black": int(sample.max()) <= BLACK,
            "all the same": self._sample is not None and np.array_equal(sample, self._sample),
        }
        self._looked_at, self._sample = time, sample
        self._since = {what: self._since.get(what, time) for what, is_so in wrong.items() if is_so}
        lasting = (what for what, since_s in self._since.items() if time - since_s >= LASTS_S[what])
        self.fault = next(lasting, None)
