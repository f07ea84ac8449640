"""Copy mode's recorder: packets go into the pre-alarm ring and, during an event, to the writer.

The frames tell what happens and when. The packets may come from a second connection, of another stream of the
camera, a little earlier or later; frames and packets are related by their times. The recorder takes a
packet when a frame of its time or a later one has come. A recording ends with the last packet of the event,
even if that arrives after the event is over.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import TIME_TOLERANCE_S, Frame, Gap
from pynvr.media.packet import TimedPacket
from pynvr.recording.base import EventFiles
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin, Write
from pynvr.recording.packet_prealarm import PacketRing
from pynvr.recording.writer import RecordingWriter
from pynvr.sources.base import PacketSource

TAKE_EVERY_S = 0.2
"""Packets are taken so often: taken one by one, each would wake three threads. kill -9 costs so much more."""
CATCH_UP_S = 0.1
"""If both connections break at once, the packets' reader may notice it so much later than the frames'."""
SEEN_LIMIT = 1000
"""At most so many detections wait for their packets; more pile up only while no packets come."""


@dataclass(slots=True)
class Event:
    """An event, until its last packets have come. Times are the packets'."""

    trigger_s: float
    trigger_utc: datetime
    last_motion: float
    until: float = inf
    """Time of the last packet, once the event is over."""
    has_file: bool = False
    """Whether a file was opened for it."""
    seen: deque[tuple[float, Detection]] = field(default_factory=lambda: deque(maxlen=SEEN_LIMIT))
    """Detections, with their times, that have no packet yet."""
    late: deque[TimedPacket] = field(default_factory=deque)
    """Packets after the end. They are written only if a packet from before the end still comes."""

    def seen_until(self, moment: float) -> list[Detection]:
        found = []
        while self.seen and self.seen[0][0] <= moment + TIME_TOLERANCE_S:
            found.append(self.seen.popleft()[1])
        return found


class PacketRecorder(EventFiles):
    """Keeps the pre-alarm packets, and writes a recording of them for each event."""

    def __init__(
        self,
        ring: PacketRing,
        writer: RecordingWriter,
        pictures: EventPictures,
        packets: PacketSource,
        later_s: Callable[[], float],
        hold_s: float,
        max_duration_s: float,
    ) -> None:
        """`later_s` returns by how much a packet's time is later than that of a frame of the same moment.

        An event lasts `hold_s` after its latest motion. A recording longer than `max_duration_s` goes on in
        another file, at a key packet.
        """
        super().__init__(writer, pictures, hold_s, max_duration_s)
        self._ring = ring
        self._packets = packets
        self._later_s = later_s
        self._event: Event | None = None
        self._taken_at = -inf
        """Up to which time packets were taken; this and the next two are times of packets."""
        self._latest = -inf
        """Time of the latest frame."""
        self._free_from = -inf
        """Packets up to this time are in a recording already."""
        self._reorder_s = 0.0
        """`reorder_s` of the packets' stream."""
        self._lost: deque[tuple[float, int]] = deque(maxlen=SEEN_LIMIT)
        """(moment, how many pictures could not be decoded just before it)."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        now = frame.time + self._later_s()
        self._latest = now
        if frame.lost_before:
            self._lost.append((now, frame.lost_before))
        if change in (Change.STARTED, Change.ENDED):
            self._set_end()
        if change is Change.STARTED:
            self._take_packets(now - 2 * TIME_TOLERANCE_S)  # the trigger's own packet belongs to the event
            self._end()
            self._start(now, frame)
        if (event := self._event) is not None:
            if change in (Change.STARTED, Change.PROLONGED):
                event.last_motion = now
            event.seen.append((now, detection))
            if event.until == inf:
                self._pictures.see(frame, detection, now)
        if change is Change.STARTED or not 0 <= now - self._taken_at < TAKE_EVERY_S:
            self._take_packets(now)

    def interrupt(self, lost: int = 0) -> None:
        """The watched stream is lost: close the open recording, if any, with the packets that have come.

        The pre-alarm is kept: its packets have a source of their own, which reports its own gaps.
        """
        if lost:
            self._lost.append((self._latest, lost))
        if self._event is not None:
            self._packets.wait_for_gap(CATCH_UP_S)
        self._finish()

    def _set_end(self) -> None:
        """The event is over; its last packets may come later."""
        if self._event is not None:
            self._event.until = self._event.last_motion + self._hold_s

    def _finish(self) -> None:
        """End the event with the packets that have come, even if they are later than the latest frame."""
        self._set_end()
        if self._event is not None:
            self._take_packets(self._event.until + self._reorder_s)
        self._end()

    def _take_packets(self, now: float) -> None:
        self._taken_at = now
        for item in self._packets.until(now):
            if isinstance(item, Gap):
                self._end_event_file()
                self._ring.clear()
                self._free_from = -inf  # the next connection has times of its own
            else:
                self._take(item)

    def _take(self, packet: TimedPacket) -> None:
        self._reorder_s = packet.stream.reorder_s
        self._ring.push(packet)
        event = self._event
        if event is None:
            return
        if packet.time > event.until + TIME_TOLERANCE_S:
            # with B-frames, packets that are shown before it may come behind it
            event.late.append(packet)
            if packet.key or packet.time > event.until + packet.stream.reorder_s + TIME_TOLERANCE_S:
                self._end()
            return
        while event.late:  # this packet is shown before the end, and cannot be decoded without these
            late = event.late.popleft()
            event.until = max(event.until, late.time)  # so that no picture before it is missing
            self._add(event, late)
        self._add(event, packet)

    def _add(self, event: Event, packet: TimedPacket) -> None:
        if packet.key and self._file_is_full(packet.time):
            self._end_event_file()
        if not self._file_is_open and packet.key:
            self._open_file(event, packet)
        if self._file_is_open:
            seen = event.seen_until(packet.time)
            changed_px = max((detection.changed_px for detection in seen), default=0)
            self._writer.write(Write(packet, changed_px, any(detection.motion for detection in seen)))
            self._free_from = max(self._free_from, packet.time)

    def _start(self, now: float, trigger: Frame) -> None:
        self._say_motion(self._ring.dropped)
        self._event = Event(now, trigger.utc, last_motion=now)
        if pre_alarm := self._ring.since(max(now - self._ring.seconds, self._free_from)):
            self._open_file(self._event, pre_alarm[0], pre_alarm)

    def _open_file(self, event: Event, first: TimedPacket, pre_alarm: Sequence[TimedPacket] = ()) -> None:
        """Open the event's file, or a further one, whose first packet is this one."""
        trigger = (first.time, first.utc) if event.has_file else (event.trigger_s, event.trigger_utc)
        begin = Begin(*trigger, first.stream.nominal_fps, continues=event.has_file)
        self._begin_file(begin, first.time, pre_alarm)
        event.has_file = True

    def _end_event_file(self) -> None:
        if self._event is None:
            return
        last = self._free_from + TIME_TOLERANCE_S
        undecodable = sum(count for moment, count in self._lost if self._first_s < moment <= last)
        last_motion = max(self._event.last_motion, self._trigger_s)
        self._end_file(undecodable, min(last_motion, self._free_from))

    def _end(self) -> None:
        self._end_event_file()
        self._event = None
