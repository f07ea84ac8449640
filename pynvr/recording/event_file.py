"""The file that an event goes into: both recorders begin, split and end it in the same way."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pynvr.media.frame import TIME_TOLERANCE_S
from pynvr.media.packet import Recordable
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin
from pynvr.recording.writer import RecordingWriter

log = logging.getLogger(__name__)


class EventFile:
    """Opens one file after the other; a long event goes on in a further file."""

    def __init__(
        self,
        writer: RecordingWriter,
        pictures: EventPictures,
        hold_s: float,
        max_duration_s: float,
        short_ring: str,
    ) -> None:
        """Tell `writer` and `pictures` of each file's begin and end.

        An event lasts `hold_s` after its latest motion. A file longer than `max_duration_s` is full.
        `short_ring`: the warning that the ring has dropped some of the pre-alarm; a %d gets the number.
        """
        self._writer = writer
        self._pictures = pictures
        self.hold_s = hold_s
        self._max_duration_s = max_duration_s
        self._short_ring = short_ring
        self._dropped = 0
        """How many frames or packets the ring had dropped at the last `mention_dropped`."""
        self.is_open = False
        self.first_s = self.trigger_s = 0.0
        """Times of the latest file's first frame and trigger, seconds."""

    def begin(self, begin: Begin, first_s: float, pre_alarm: Sequence[Recordable] = ()) -> None:
        """Open a file whose first frame has the time `first_s`."""
        if begin.continues:
            log.info("the event goes on in another file")
        self.first_s, self.trigger_s = first_s, begin.trigger_s
        self._writer.begin(begin, pre_alarm)
        self._pictures.begin(begin.continues)
        self.is_open = True

    def is_full(self, time: float) -> bool:
        """Whether a frame of this time has to go into a further file."""
        return self.is_open and time - self.first_s > self._max_duration_s - TIME_TOLERANCE_S

    def end(self, undecodable: int = 0, last_motion_s: float | None = None) -> None:
        """Close the file, if it is open; the arguments are as `RecordingWriter.end` has them."""
        if self.is_open:
            self._pictures.end()
            self._writer.end(undecodable, last_motion_s)
            self.is_open = False

    def mention_dropped(self, dropped: int) -> None:
        """Warn if the ring has dropped more since the last call; `dropped` is its counter."""
        now, self._dropped = dropped - self._dropped, dropped
        if now:
            log.warning(self._short_ring, *([now] if "%d" in self._short_ring else []))
