"""Encode mode's recorder: frames go into the pre-alarm ring or to the writer.

Every frame goes to exactly one place, in order: into the ring while nothing
happens, into the open recording during an event.
"""

from __future__ import annotations

import logging

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import TIME_TOLERANCE_S, BufferedFrame, Frame
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin
from pynvr.recording.prealarm import PreAlarmRing
from pynvr.recording.writer import RecordingWriter

log = logging.getLogger(__name__)


class FrameRecorder:
    """Keeps the pre-alarm frames, and writes a recording for each event."""

    def __init__(
        self,
        ring: PreAlarmRing,
        writer: RecordingWriter,
        pictures: EventPictures,
        hold_s: float,
        max_duration_s: float,
        nominal_fps: float,
    ) -> None:
        """Put a ring, a writer and the maker of pictures to work.

        The label counts down `hold_s`. A recording longer than `max_duration_s` goes on in
        another file. The encoder uses `nominal_fps` if the ring is too short to tell the rate.
        """
        self._ring = ring
        self._writer = writer
        self._pictures = pictures
        self._hold_s = hold_s
        self._max_duration_s = max_duration_s
        self._fps = nominal_fps
        self._recording = False
        self._first = self._last_motion = 0.0
        self._dropped = 0
        """How many frames the ring had dropped when the log last mentioned it."""
        self._undecodable = 0
        """Pictures within the open recording that could not be decoded."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what the detector saw in it, and what that means for the event."""
        if change in (Change.STARTED, Change.ENDED):
            self._end()
        if change is Change.STARTED:
            self._mention_short_ring()
            self._start(frame, self._ring.take(frame.time))
        if change in (Change.STARTED, Change.PROLONGED):
            self._last_motion = frame.time
        if not self._recording:
            self._ring.push(frame)
            return
        if frame.time - self._first > self._max_duration_s - TIME_TOLERANCE_S:
            self._end()
            self._start(frame, [], continues=True)
        self._pictures.see(frame, detection, frame.time)  # before it gets its label
        self._undecodable += frame.lost_before
        hold_left_s = self._last_motion + self._hold_s - frame.time
        self._writer.write(frame.buffered(), detection.changed_px, detection.motion, hold_left_s)

    def interrupt(self) -> None:
        """Close the open recording, if any, and forget the pre-alarm: the next frame begins anew."""
        self._ring.clear()
        self._end()

    def close(self) -> None:
        """Close the open recording and wait until all is written."""
        self.interrupt()
        self._writer.close()

    def _start(self, trigger: Frame, pre_alarm: list[BufferedFrame], continues: bool = False) -> None:
        log.info("the event goes on in another file" if continues else "motion")
        self._first = pre_alarm[0].time if pre_alarm else trigger.time
        self._undecodable = sum(frame.lost_before for frame in pre_alarm[1:])
        if trigger.time > self._first:
            self._fps = len(pre_alarm) / (trigger.time - self._first)
        self._writer.begin(Begin(trigger.time, trigger.utc, self._fps, continues), pre_alarm)
        self._pictures.begin(continues)
        self._recording = True

    def _mention_short_ring(self) -> None:
        dropped, self._dropped = self._ring.dropped - self._dropped, self._ring.dropped
        if dropped:
            log.warning("the pre-alarm is shorter than asked: PRE_ALARM_MEMORY_LIMIT_MB holds no more of it")

    def _end(self) -> None:
        if self._recording:
            self._pictures.end()
            self._writer.end(self._undecodable)
            self._recording = False
