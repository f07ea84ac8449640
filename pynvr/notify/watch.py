"""Tells of motion, which it sees on its way to the recorder."""

from __future__ import annotations

from collections.abc import Callable

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import Frame
from pynvr.notify.event import Event, happened
from pynvr.notify.outbox import Outbox
from pynvr.recording.base import Recorder

PICTURE_WITHIN_S = 1.0
"""After this time, receivers that wait for a picture of the motion are told without one."""


class Watch:
    """A recorder that hands everything on to another one."""

    def __init__(self, recorder: Recorder, outbox: Outbox, on_motion: Callable[[bool], None]) -> None:
        """Tell `outbox` of events, and `on_motion` at once whether something moves."""
        self._recorder = recorder
        self._outbox = outbox
        self._on_motion = on_motion
        self._moving = False
        self._last: Frame | None = None
        self._untold: Event | None = None
        """A motion of which the receivers that wait for its picture have not been told yet."""
        self._jpeg: bytes | None = None

    def first_picture(self, jpeg: bytes) -> None:
        """Take the first picture of an event, which comes while its frame is handled, or soon after."""
        self._jpeg = jpeg

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """As `Recorder` has it."""
        if change in (Change.STARTED, Change.ENDED):
            self._end(frame)
            self._jpeg = None  # of the event before, if it came too late
        self._recorder.handle(frame, detection, change)
        if change is Change.STARTED:
            self._moving = True
            self._on_motion(True)
            asked = None if detection.motion else "asked for from outside"
            event = happened("motion_started", self._outbox.camera, frame.utc, frame.time, asked)
            self._outbox.tell_at_once(event)
            self._untold = event
        untold = self._untold
        if untold and (self._jpeg or frame.time - (untold.time_s or 0.0) >= PICTURE_WITHIN_S):
            self._tell_with_picture()
        self._last = frame

    def interrupt(self, lost: int = 0) -> None:
        """As `Recorder` has it."""
        self._recorder.interrupt(lost)
        self._end(self._last)

    def close(self) -> None:
        """As `Recorder` has it."""
        self._end(self._last)
        self._recorder.close()

    def _tell_with_picture(self) -> None:
        if self._untold is not None:
            self._outbox.tell_with_picture(self._untold, self._jpeg)
        self._untold = self._jpeg = None

    def _end(self, frame: Frame | None) -> None:
        if not self._moving or frame is None:
            return
        self._tell_with_picture()
        self._moving = False
        self._on_motion(False)
        self._outbox.tell(happened("motion_ended", self._outbox.camera, frame.utc, frame.time))
