"""What of each frame becomes a recording: the pre-alarm ring, then the writer.

Every frame goes to exactly one place, in order: into the ring while nothing
happens, into the open recording during an event.
"""

from __future__ import annotations

import logging

from pynvr.detector import Detection
from pynvr.events import Change
from pynvr.frame import Frame
from pynvr.prealarm import PreAlarmRing
from pynvr.writer import RecordingWriter

log = logging.getLogger(__name__)


class Recorder:
    """Keeps the pre-alarm frames, and writes a recording for each event."""

    def __init__(
        self, ring: PreAlarmRing, writer: RecordingWriter, hold_s: float, nominal_fps: float
    ) -> None:
        """`hold_s` is what the label counts down; `nominal_fps` guides the encoder where the ring cannot."""
        self._ring = ring
        self._writer = writer
        self._hold_s = hold_s
        self._nominal_fps = nominal_fps
        self._recording = False
        self._last_motion = 0.0

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what was seen in it, and what that means."""
        if change in (Change.STARTED, Change.ENDED):
            self._end()
        if change is Change.STARTED:
            self._start(frame)
        if change in (Change.STARTED, Change.PROLONGED):
            self._last_motion = frame.time
        if self._recording:
            hold_left_s = self._last_motion + self._hold_s - frame.time
            self._writer.write(frame, detection.changed_px, detection.motion, hold_left_s)
        else:
            self._ring.push(frame)

    def _start(self, trigger: Frame) -> None:
        log.info("motion")
        pre_alarm = self._ring.take(trigger.time)
        span = trigger.time - pre_alarm[0].time if pre_alarm else 0.0
        fps = len(pre_alarm) / span if span > 0 else self._nominal_fps
        self._writer.begin(trigger, fps, pre_alarm)
        self._recording = True

    def interrupt(self) -> None:
        """Close the open recording, if any, and forget the pre-alarm: what follows is not connected."""
        self._ring.clear()
        self._end()

    def _end(self) -> None:
        if self._recording:
            self._writer.end()
            self._recording = False

    def close(self) -> None:
        """Close the open recording and wait until all is written."""
        self.interrupt()
        self._writer.close()
