"""Tells of motion, and of changes of the recorder's state: a camera is lost, recording is refused."""

from collections.abc import Callable, Mapping
from typing import Any

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import Frame
from pynvr.notify.event import Event, EventType, happened
from pynvr.notify.outbox import Outbox
from pynvr.recording.base import Recorder

PICTURE_WITHIN_S = 1.0
"""After this time, receivers that wait for a picture of the motion are told without one."""
CANNOT_RECORD = ("cannot record", "waiting for the disk", "stuck")
"""States of the status file."""
NOT_KNOWN = ("stuck", "stopped", "failed")
"""States that do not say whether the camera is there."""


class Watch:
    """A `Recorder` that hands everything on to another one, and tells of motion."""

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
        if change in (Change.STARTED, Change.ENDED):
            self._end(frame)
            self._jpeg = None  # of the event before, if it came too late
        self._recorder.handle(frame, detection, change)
        if change is Change.STARTED:
            self._moving = True
            self._on_motion(True)
            asked = None if detection.motion else "asked for from outside"
            event = happened("motion_started", self._outbox.camera, frame.utc, frame.time, asked)
            self._outbox.tell(event, waiting=False)
            self._untold = event
        untold = self._untold
        if untold and (self._jpeg or frame.time - (untold.time_s or 0.0) >= PICTURE_WITHIN_S):
            self._tell_with_picture()
        self._last = frame

    def interrupt(self, lost: int = 0) -> None:
        self._recorder.interrupt(lost)
        self._end(self._last)

    def close(self) -> None:
        self._end(self._last)
        self._recorder.close()

    def _tell_with_picture(self) -> None:
        if self._untold is not None:
            self._outbox.tell(self._untold, self._jpeg, waiting=True)
            if self._jpeg is not None:
                self._outbox.tell(None, self._jpeg, waiting=False)
        self._untold = self._jpeg = None

    def _end(self, frame: Frame | None) -> None:
        if not self._moving or frame is None:
            return
        self._tell_with_picture()
        self._moving = False
        self._on_motion(False)
        self._outbox.tell(happened("motion_ended", self._outbox.camera, frame.utc, frame.time))


class Condition:
    """Compares each status with the previous one, and tells the outbox what has changed."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._lost = self._refused = False
        self._first = True
        """Whether no status came yet: at the start it takes two of them to lose a camera."""
        self._reconnects = 0

    def __call__(self, facts: Mapping[str, Any]) -> None:
        error = facts.get("last_error")
        away = facts["state"] == "connecting"
        reconnects = int(facts.get("reconnects") or 0)
        if not self._lost and ((away and not self._first) or reconnects > self._reconnects):
            self._tell("camera_lost", error)
            self._lost = True
        if self._lost and not away and facts["state"] not in NOT_KNOWN:
            self._tell("camera_found", None)
            self._lost = False
        self._first, self._reconnects = False, reconnects
        refused = facts["state"] in CANNOT_RECORD
        if refused and not self._refused:
            self._tell("cannot_record", error if facts["state"] == "cannot record" else facts["state"])
        well = facts["state"] in ("recording", "watching")
        if self._refused and well:
            self._tell("recording_again", None)
        self._refused = refused or (self._refused and not well)

    def _tell(self, kind: EventType, message: str | None) -> None:
        self._outbox.tell(happened(kind, self._outbox.camera, message=message))
