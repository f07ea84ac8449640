"""Encode mode's recorder: each frame goes into the pre-alarm ring or, during an event, to the writer."""

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import Frame
from pynvr.recording.base import EventFiles
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin, Write
from pynvr.recording.prealarm import PreAlarmRing
from pynvr.recording.writer import RecordingWriter


class FrameRecorder(EventFiles):
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
        """The label counts down `hold_s`. A recording longer than `max_duration_s` goes on in another file.

        The encoder uses `nominal_fps` if the pre-alarm is too short to tell the rate.
        """
        super().__init__(writer, pictures, hold_s, max_duration_s)
        self._ring = ring
        self._fps = nominal_fps
        self._last_motion = 0.0
        self._undecodable = 0
        """Pictures within the open recording that could not be decoded."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        if change in (Change.STARTED, Change.ENDED):
            self._finish()
        if change is Change.STARTED:
            self._say_motion(self._ring.dropped)
            self._start(frame, self._ring.take(frame.time))
        if change in (Change.STARTED, Change.PROLONGED):
            self._last_motion = frame.time
        if not self._file_is_open:
            self._ring.push(frame)
            return
        if self._file_is_full(frame.time):
            self._finish()
            self._start(frame, [], continues=True)
        self._pictures.see(frame, detection, frame.time)  # before the label is drawn into it
        self._undecodable += frame.lost_before
        hold_left_s = self._last_motion + self._hold_s - frame.time
        self._writer.write(Write(frame, detection.changed_px, detection.motion, hold_left_s))

    def interrupt(self, lost: int = 0) -> None:
        """Close the open recording, if any, and forget the pre-alarm: the next frame belongs to neither."""
        self._ring.clear()
        self._undecodable += lost
        self._finish()

    def _start(self, trigger: Frame, pre_alarm: list[Frame], continues: bool = False) -> None:
        first_s = pre_alarm[0].time if pre_alarm else trigger.time
        self._undecodable = sum(frame.lost_before for frame in pre_alarm[1:])
        if trigger.time > first_s:
            self._fps = len(pre_alarm) / (trigger.time - first_s)
        self._begin_file(Begin(trigger.time, trigger.utc, self._fps, continues), first_s, pre_alarm)

    def _finish(self) -> None:
        self._end_file(self._undecodable)
