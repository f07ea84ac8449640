"""Finds how far apart the times of a camera's sound and pictures begin. Pure arithmetic.

Until a camera has reported how its clocks compare (RTCP), FFmpeg has both begin at 0 with the first packet
that came of each, unless RTSP's answer says better. The camera may have sent its pictures from the latest key
picture on, or its sound later: then only the arrivals tell which belong together.
"""

from math import inf

from pynvr.sources.times.clock import quickest

WATCHED_S = 1.0
BELIEVED_S = 0.1
"""A smaller difference may be the camera's own delay: the times are believed."""


class Beginning:
    """What to add to the times of a connection's sound until the camera reports. All in seconds."""

    def __init__(self, waits: bool = False) -> None:
        """`waits`: FFmpeg hands out each picture only when the next one comes (H.264, H.265)."""
        self._waits, self._handed_s = waits, inf
        """When the latest picture was handed out."""
        self.shift_s: float | None = None
        """None while it is not yet known."""
        self._end_s: float | None = None
        self._late_s: dict[str, list[float]] = {"picture": [], "sound": []}
        """How late each came; the quickest tell most: what was held up, or had waited at first, is later."""

    def note_picture(self, stream_s: float, arrival_s: float) -> None:
        came_s = self._handed_s if self._waits else arrival_s
        self._handed_s = arrival_s
        if self._end_s is not None:
            self._note("picture", came_s - stream_s, arrival_s)

    def note_sound(self, end_s: float, arrival_s: float) -> None:
        """Take the end of a piece of sound, when it can be sent at the earliest, and its arrival."""
        if self._end_s is None:
            self._end_s = arrival_s + WATCHED_S
        self._note("sound", arrival_s - end_s, arrival_s)

    def _note(self, kind: str, late_s: float, arrival_s: float) -> None:
        if self.shift_s is not None:
            return
        self._late_s[kind].append(late_s)
        if self._end_s is not None and arrival_s >= self._end_s:
            apart_s = quickest(self._late_s["sound"], inf) - quickest(self._late_s["picture"], inf)
            self.shift_s = apart_s if BELIEVED_S < abs(apart_s) < inf else 0.0
