"""Copy mode's recorder: packets go into the pre-alarm ring and to the writer.

The frames say what happens and when. The packets come from a second connection,
perhaps of another stream of the camera, a little earlier or later. Their times relate
them. The recorder takes a packet when a frame of its time or a later one has come. A
recording ends with the last packet of the event, even if that arrives after the event is over.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import TIME_TOLERANCE_S, Frame, Gap
from pynvr.media.packet import TimedPacket
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin
from pynvr.recording.packet_prealarm import PacketRing
from pynvr.recording.writer import RecordingWriter
from pynvr.sources.packet_file import PacketSource

log = logging.getLogger(__name__)

TAKE_EVERY_S = 0.2
"""Packets are taken so often. One by one each would wake three threads. kill -9 loses so much more."""
CATCH_UP_S = 0.1
"""If both connections break at once, the packets' reader may be a moment behind the frames' reader."""
SEEN_LIMIT = 1000
"""How many detections wait for their packets; more pile up only while no packets come."""


class PacketRecorder:
    """Keeps the pre-alarm packets, and writes a recording of them for each event."""

    def __init__(
        self,
        ring: PacketRing,
        writer: RecordingWriter,
        pictures: EventPictures,
        packets: PacketSource,
        frame_lag: Callable[[], float],
        hold_s: float,
        max_duration_s: float,
    ) -> None:
        """Put a ring, a writer, the maker of pictures and a source of packets to work.

        `frame_lag` returns the `lag_s` of the frames' source. Time + lag is the same moment for
        frames and packets.
        """
        self._ring = ring
        self._writer = writer
        self._pictures = pictures
        self._packets = packets
        self._frame_lag = frame_lag
        self._hold_s = hold_s
        self._max_duration_s = max_duration_s
        self._taken_at = float("-inf")
        """When packets were last taken, in the packets' time."""
        self._begin: Begin | None = None
        """The event, in the packets' time, until its last packets have come."""
        self._recording = self._continues = False
        """Whether a file is open, and whether this event has had a file before."""
        self._first = self._trigger = self._last_motion = 0.0
        """Of the open file: its first packet and its trigger; and when motion was seen last."""
        self._until: float | None = None
        """Time of the last packet, once the event is over."""
        self._dropped = 0
        """How many packets the ring had dropped when the log last mentioned it."""
        self._free_from = float("-inf")
        """Packets up to this time are in a recording already."""
        self._reorder_s = 0.0
        self._late: deque[TimedPacket] = deque()
        """Packets after the end that are written only if one from before it still comes."""
        self._seen: deque[tuple[float, Detection]] = deque(maxlen=SEEN_LIMIT)
        self._lost: deque[tuple[float, int]] = deque(maxlen=SEEN_LIMIT)
        """Before which moment how many pictures could not be decoded."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what the detector saw in it, and what that means for the event."""
        now = frame.time + self._frame_lag() - self._packets.lag_s
        if frame.lost_before:
            self._lost.append((now, frame.lost_before))
        if change in (Change.STARTED, Change.ENDED) and self._begin is not None:
            self._until = self._last_motion + self._hold_s
        if change is Change.STARTED:
            self._take_packets(now - 2 * TIME_TOLERANCE_S)  # the trigger's own packet belongs to the event
            self._end()
            self._start(now, frame)
        if change in (Change.STARTED, Change.PROLONGED):
            self._last_motion = now
        if self._begin is not None:
            self._seen.append((now, detection))
            if self._until is None:
                self._pictures.see(frame, detection, now)
        if change is Change.STARTED or not 0 <= now - self._taken_at < TAKE_EVERY_S:
            self._take_packets(now)

    def interrupt(self) -> None:
        """Close the open recording, if any, with the packets that have come: the watched stream is lost.

        The pre-alarm is kept. Its packets have a source of their own, which reports its own gaps.
        """
        if self._begin is not None:
            time.sleep(CATCH_UP_S)
        self._take_last()

    def close(self) -> None:
        """Close the open recording and wait until all is written."""
        self._take_last()
        self._writer.close()

    def _take_last(self) -> None:
        """Take the packets of the event that have come, even after the latest frame, and end it."""
        if self._begin is not None:
            self._until = self._last_motion + self._hold_s
            self._take_packets(self._until + self._reorder_s)
        self._end()

    def _take_packets(self, now: float) -> None:
        self._taken_at = now
        for item in self._packets.until(now):
            if isinstance(item, Gap):
                self._stop_writing()
                self._ring.clear()
                self._free_from = float("-inf")  # the next connection has times of its own
            else:
                self._take(item)

    def _take(self, packet: TimedPacket) -> None:
        self._reorder_s = packet.stream.reorder_s
        self._ring.push(packet)
        if self._begin is None:
            return
        if self._until is not None and packet.time > self._until + TIME_TOLERANCE_S:
            self._take_late(packet, self._until)
            return
        while self._late:  # a packet that is shown earlier, and cannot be decoded without these
            late = self._late.popleft()
            self._until = max(self._until or late.time, late.time)  # so there is no hole before them
            self._add(late)
        self._add(packet)

    def _take_late(self, packet: TimedPacket, until: float) -> None:
        """A packet after the end: with B-frames, some that are shown before may come behind it."""
        self._late.append(packet)
        if packet.key or packet.time > until + packet.stream.reorder_s + TIME_TOLERANCE_S:
            self._end()

    def _add(self, packet: TimedPacket) -> None:
        if packet.key and packet.time - self._first > self._max_duration_s - TIME_TOLERANCE_S:
            self._stop_writing()
        if not self._recording and packet.key:
            self._go_on(packet)
        if self._recording:
            seen = self._seen_until(packet.time)
            changed_px = max((detection.changed_px for detection in seen), default=0)
            self._writer.write(packet, changed_px, any(detection.motion for detection in seen))
            self._free_from = max(self._free_from, packet.time)

    def _start(self, now: float, trigger: Frame) -> None:
        log.info("motion")
        pre_alarm = self._ring.since(max(now - self._ring.seconds, self._free_from))
        fps = pre_alarm[0].stream.nominal_fps if pre_alarm else 0.0
        self._begin = Begin(now, trigger.utc, fps)
        self._mention_short_ring()
        if pre_alarm:
            self._first, self._trigger = pre_alarm[0].time, now
            self._writer.begin(self._begin, pre_alarm)
            self._pictures.begin()
            self._recording = self._continues = True

    def _go_on(self, packet: TimedPacket) -> None:
        """Open a file in the middle of an event, with a key packet: a further file, or a late first one."""
        fps = packet.stream.nominal_fps
        if self._continues or self._begin is None:
            log.info("the event goes on in another file")
            begin = Begin(packet.time, packet.utc, fps, continues=True)
        else:
            begin = replace(self._begin, nominal_fps=fps)
        self._first, self._trigger = packet.time, begin.trigger_s
        self._writer.begin(begin)
        self._pictures.begin(begin.continues)
        self._recording = self._continues = True

    def _mention_short_ring(self) -> None:
        dropped, self._dropped = self._ring.dropped - self._dropped, self._ring.dropped
        if dropped:
            log.warning(
                "%d packets of the pre-alarm did not fit into PRE_ALARM_MEMORY_LIMIT_MB; where there is no "
                "key packet left, a recording begins with the next one",
                dropped,
            )

    def _seen_until(self, moment: float) -> list[Detection]:
        found = []
        while self._seen and self._seen[0][0] <= moment + TIME_TOLERANCE_S:
            found.append(self._seen.popleft()[1])
        return found

    def _stop_writing(self) -> None:
        if self._recording:
            self._pictures.end()
            last = self._free_from + TIME_TOLERANCE_S
            undecodable = sum(count for moment, count in self._lost if self._first < moment <= last)
            self._writer.end(undecodable, min(max(self._last_motion, self._trigger), self._free_from))
            self._recording = False

    def _end(self) -> None:
        self._stop_writing()
        self._continues = False
        self._begin = self._until = None
        self._seen.clear()
        self._late.clear()
