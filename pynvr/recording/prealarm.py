"""Encode mode's pre-alarm: a ring buffer of the last seconds of frames.

It is bounded in seconds, whatever the frame rate, and in bytes, whatever the picture's size. It knows no
clock and uses the frames' own times.
"""

import math
from collections import deque

from pynvr.media.frame import TIME_TOLERANCE_S, Encoding, Frame

RATE_SPAN_S = 0.5
"""The frame rate is measured over at least so many seconds; fewer could be a burst."""

SHARE_OF_LIMIT = {Encoding.BGR: 1 / 3, Encoding.I420: 1.0, Encoding.JPEG: math.inf}
"""The share of the limit that the whole span may take in each encoding.

BGR costs no time but twice the memory of I420, which costs hardly any time: so BGR is used only if there is
plenty of memory. JPEG costs as much time as decoding the camera's video.
"""


class PreAlarmRing:
    """Keeps the frames of the last `seconds` as BGR, I420 or JPEG: the first of them in which they fit.

    Frames that do not fit into `limit_bytes` even as JPEG are dropped, the oldest first.
    """

    def __init__(self, seconds: float, limit_bytes: int) -> None:
        self.seconds = seconds
        self.limit_bytes = limit_bytes
        self._frames: deque[Frame] = deque()
        self.nbytes = 0
        """Bytes that the pictures take now; never more than the limit after a push."""
        self.encoding = Encoding.BGR
        """How frames are kept. It never goes back to an encoding that was too large."""
        self.dropped = 0
        """How many frames the byte limit has pushed out although they were young enough."""

    def push(self, frame: Frame) -> None:
        """Add the newest frame, and drop frames that are too old or do not fit."""
        self._frames.append(frame.encoded(self.encoding))
        self.nbytes += self._frames[-1].nbytes
        self._forget_before(frame.time)
        while self._expected_bytes() > SHARE_OF_LIMIT[self.encoding] * self.limit_bytes:
            self.encoding = Encoding(self.encoding + 1)
            self._frames = deque(each.encoded(self.encoding) for each in self._frames)
            self.nbytes = sum(each.nbytes for each in self._frames)
        while self.nbytes > self.limit_bytes:
            self._forget_oldest()
            self.dropped += 1

    def take(self, now: float) -> list[Frame]:
        """Return every frame from `seconds` before `now` on, oldest first, and empty the ring."""
        self._forget_before(now)
        frames = list(self._frames)
        self.clear()
        return frames

    def clear(self) -> None:
        """Forget all frames: the next one does not belong to them."""
        self._frames.clear()
        self.nbytes = 0

    def _forget_oldest(self) -> None:
        self.nbytes -= self._frames.popleft().nbytes

    def _forget_before(self, now: float) -> None:
        while self._frames and now - self._frames[0].time > self.seconds + TIME_TOLERANCE_S:
            self._forget_oldest()

    def _expected_bytes(self) -> float:
        """Bytes that the whole span will take, by the rate and size of the frames in the ring."""
        number = len(self._frames)
        span = self._frames[-1].time - self._frames[0].time if number else 0.0
        if span < RATE_SPAN_S:
            return self.nbytes
        full = (number - 1) * self.seconds / span + 1  # frames in the whole span
        return self.nbytes / number * full
