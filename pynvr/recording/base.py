"""What the capture loop asks of a recorder, and what both recorders share: the files of an event."""

import logging
from collections.abc import Sequence
from typing import Protocol

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import TIME_TOLERANCE_S, Frame
from pynvr.media.packet import Recordable
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin
from pynvr.recording.writer import RecordingWriter

log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Makes recordings: of pictures (`FrameRecorder`) or of packets (`PacketRecorder`)."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what the detector saw in it, and what the event rule made of that."""

    def interrupt(self, lost: int = 0) -> None:
        """Close the open recording, if any: the next frame does not belong to it.

        `lost`: how many pictures since the latest frame could not be decoded.
        """

    def close(self) -> None:
        """Close the open recording and wait until all is written."""


class EventFiles:
    """Opens one file after the other for a recorder; a long event goes on in a further file."""

    def __init__(
        self, writer: RecordingWriter, pictures: EventPictures, hold_s: float, max_duration_s: float
    ) -> None:
        """Tell `writer` and `pictures` of each file's begin and end.

        An event lasts `hold_s` after its latest motion. A file longer than `max_duration_s` is full.
        """
        self._writer = writer
        self._pictures = pictures
        self._hold_s = hold_s
        self._max_duration_s = max_duration_s
        self._dropped = 0
        """How many frames or packets the ring had dropped when the latest event began."""
        self._file_is_open = False
        self._first_s = self._trigger_s = 0.0
        """Times of the latest file's first frame and trigger, seconds."""

    def close(self) -> None:
        try:
            self._finish()
        finally:  # a process that ends while the writer's thread is inside OpenCV crashes
            self._writer.close()

    def _finish(self) -> None:
        raise NotImplementedError

    def _say_motion(self, dropped: int) -> None:
        """Log that an event begins, and if the ring has dropped more since the one before it."""
        log.info("motion")
        if dropped > self._dropped:
            log.warning("the pre-alarm is shorter than asked: PRE_ALARM_MEMORY_LIMIT_MB holds no more of it")
        self._dropped = dropped

    def _begin_file(self, begin: Begin, first_s: float, pre_alarm: Sequence[Recordable] = ()) -> None:
        """Open a file whose first frame has the time `first_s`."""
        if begin.continues:
            log.info("the event goes on in another file")
        self._first_s, self._trigger_s = first_s, begin.trigger_s
        self._writer.begin(begin, pre_alarm)
        self._pictures.begin(begin.continues)
        self._file_is_open = True

    def _file_is_full(self, time: float) -> bool:
        """Whether a frame of this time has to go into a further file."""
        return self._file_is_open and time - self._first_s > self._max_duration_s - TIME_TOLERANCE_S

    def _end_file(self, undecodable: int, last_motion_s: float | None = None) -> None:
        """Close the file, if it is open; the arguments are as `RecordingWriter.end` has them."""
        if self._file_is_open:
            self._pictures.end()
            self._writer.end(undecodable, last_motion_s)
            self._file_is_open = False
