"""Reading a stream that comes in pieces no faster than it was filmed: arithmetic, told the time by others.

HLS gives some seconds at once, and then nothing for as long. Read at once, they would fill the memory; what
is left where it is, is not lost.
"""

from __future__ import annotations

from pynvr.sources.clock import LONGEST_STEP_S

FURTHEST_BEHIND_S = 1.0
"""Who is further behind has lost the thread, and begins anew with what there is."""


class Meter:
    """Says how long to wait before the next picture is taken."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._latest = 0.0

    def wait_s(self, stream_s: float, now_s: float) -> float:
        """Seconds from `now_s` until a picture of the stream's time `stream_s` is due."""
        leapt = abs(stream_s - self._latest) > LONGEST_STEP_S
        self._latest = max(stream_s, self._latest) if not leapt else stream_s
        if self._offset is None or leapt or self._latest + self._offset < now_s - FURTHEST_BEHIND_S:
            self._offset = now_s - self._latest
        return max(0.0, self._latest + self._offset - now_s)
