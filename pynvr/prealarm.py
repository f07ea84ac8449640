"""The ring buffer of the last seconds, from which a recording gets its beginning.

Bounded twice: in seconds, whatever the frame rate, and in bytes, whatever the
picture's size. It knows no clock; it goes by the frames' own times.
"""

from __future__ import annotations

from collections import deque

from pynvr.frame import TIME_TOLERANCE_S, Frame, HeldFrame

RATE_SPAN_S = 0.5
"""The frame rate is taken from at least so many seconds; fewer could be a burst."""


class PreAlarmRing:
    """Keeps the frames of the last `seconds`, raw while they fit into `limit_bytes`, else as JPEG."""

    def __init__(self, seconds: float, limit_bytes: int) -> None:
        self.seconds = seconds
        self.limit_bytes = limit_bytes
        self._frames: deque[HeldFrame] = deque()
        self._bytes = 0
        self._packing = False
        self.dropped = 0
        """Frames younger than `seconds` that the byte limit pushed out."""

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def nbytes(self) -> int:
        """Bytes that the pictures take now; never more than the limit after a push."""
        return self._bytes

    @property
    def packing(self) -> bool:
        """Whether the frames are kept as JPEG."""
        return self._packing

    def push(self, frame: Frame) -> None:
        """Add the newest frame and let go of what is too old or does not fit."""
        self._append(frame.packed() if self._packing else frame)
        self._forget_before(frame.time)
        if not self._packing and self._would_not_fit():
            self._pack()
        while self._bytes > self.limit_bytes:
            self._forget_oldest()
            self.dropped += 1

    def take(self, now: float) -> list[HeldFrame]:
        """Hand over every frame not older than `seconds` before `now`, oldest first, and be empty."""
        self._forget_before(now)
        frames = list(self._frames)
        self.clear()
        return frames

    def clear(self) -> None:
        """Forget all frames: what comes next has nothing to do with them."""
        self._frames.clear()
        self._bytes = 0

    def _append(self, frame: HeldFrame) -> None:
        self._frames.append(frame)
        self._bytes += frame.nbytes

    def _forget_oldest(self) -> None:
        self._bytes -= self._frames.popleft().nbytes

    def _forget_before(self, now: float) -> None:
        while self._frames and now - self._frames[0].time > self.seconds + TIME_TOLERANCE_S:
            self._forget_oldest()

    def _would_not_fit(self) -> bool:
        """Whether the full span of raw frames, at the present rate, would exceed the limit."""
        number = len(self._frames)
        span = self._frames[-1].time - self._frames[0].time if number else 0.0
        if span < RATE_SPAN_S:
            return self._bytes > self.limit_bytes
        full = (number - 1) * self.seconds / span + 1  # frames in the whole span
        return self._bytes / number * full > self.limit_bytes

    def _pack(self) -> None:
        self._packing = True
        raw = list(self._frames)
        self.clear()
        for frame in raw:
            self._append(frame.packed())
