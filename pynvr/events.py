"""When an event starts, is prolonged and ends: a state machine over times and the detector's yes or no.

It knows no clock, so a test can play ten years through it in no time.
"""

from collections.abc import Callable
from enum import Enum

from pynvr.media.frame import TIME_TOLERANCE_S

CONNECTED_S = 1.0
"""The longest step between two frames for which motion in both counts as motion in between."""


class Change(Enum):
    """What a frame means for the recording."""

    NONE = "none"
    """No change: still waiting, or still within the hold time."""
    STARTED = "started"
    """An event begins with this frame; one that is still open ended before it."""
    PROLONGED = "prolonged"
    """Motion again: the event will last longer."""
    ENDED = "ended"
    """The event is over; this frame is no longer part of it."""


class MotionEvents:
    """Makes events from the detector's yes or no for each frame."""

    def __init__(
        self,
        hold_s: float,
        warm_up_s: float = 0.0,
        armed: Callable[[], bool] = lambda: True,
        asked: Callable[[], bool] = lambda: False,
    ) -> None:
        """An event lasts `hold_s` after its latest motion; motion in the first `warm_up_s` is ignored.

        Motion in one frame after the other is one event, however short `hold_s` is. Unless it is `armed`, no
        event begins, and an open one ends at once. `asked`: whether somebody wants a recording now, warm-up
        or not.
        """
        self._hold_s = hold_s
        self._warm_up_s = warm_up_s
        self._is_armed = armed
        self._asked = asked
        self._first: float | None = None
        self._latest = float("-inf")
        """Time of the previous frame."""
        self._last_motion: float | None = None

    @property
    def active(self) -> bool:
        """Whether an event is going on."""
        return self._last_motion is not None

    def reset(self) -> None:
        """Start afresh, with a new warm-up; an open event is over."""
        self._first = self._last_motion = None

    def armed(self, time: float) -> bool:
        """Whether motion at `time` would count: the warm-up is over."""
        return self._first is not None and time - self._first >= self._warm_up_s - TIME_TOLERANCE_S

    def hold_left(self, time: float) -> float:
        """Seconds until the event ends if nothing moves any more; 0 without an event."""
        return 0.0 if self._last_motion is None else max(0.0, self._last_motion + self._hold_s - time)

    def update(self, time: float, motion: bool) -> Change:
        """Take the next frame's time and whether something moved in it."""
        if self._first is None:
            self._first = time
        if not self._is_armed():
            change = Change.ENDED if self.active else Change.NONE
            self._last_motion = None
            return change
        went_on = motion and self._latest == self._last_motion and time - self._latest <= CONNECTED_S
        self._latest = time
        expired = (
            self._last_motion is not None
            and time - self._last_motion > self._hold_s + TIME_TOLERANCE_S
            and not went_on
        )
        if self._asked() or (motion and self.armed(time)):
            change = Change.PROLONGED if self.active and not expired else Change.STARTED
            self._last_motion = time
            return change
        if expired:
            self._last_motion = None
            return Change.ENDED
        return Change.NONE
