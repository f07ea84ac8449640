"""What of the packets becomes a recording where the frames end before the packets do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from recordings import frame, no_pictures

from pynvr.detection.detector import Detection
from pynvr.errors import RecordingError
from pynvr.events import Change
from pynvr.media.codecs import H264
from pynvr.media.frame import TIME_TOLERANCE_S, Gap
from pynvr.media.packet import Recordable, Stream, TimedPacket
from pynvr.recording.base import Recorder
from pynvr.recording.frame_recorder import FrameRecorder
from pynvr.recording.orders import Begin, Write
from pynvr.recording.packet_prealarm import PacketRing
from pynvr.recording.packet_recorder import PacketRecorder
from pynvr.recording.prealarm import PreAlarmRing
from pynvr.recording.writer import RecordingWriter

STREAM = Stream(H264, 320, 240, 10.0, b"", 0.0)
HOLD_S = 1.0
NOTHING = np.zeros((1, 1), np.uint8)


def packet(number: int) -> TimedPacket:
    """One of ten a second; every tenth is a key packet."""
    utc = datetime(2017, 4, 2, tzinfo=timezone.utc) + timedelta(seconds=number / 10)
    return TimedPacket(np.zeros((1, 9), np.uint8), number % 10 == 0, number / 10, utc, STREAM)


class Packets:
    """A source of packets that have come already."""

    name = "packets"
    lag_s = 0.0

    def __init__(self) -> None:
        self.waiting: deque[TimedPacket] = deque()

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        while self.waiting and self.waiting[0].time <= time + TIME_TOLERANCE_S:
            yield self.waiting.popleft()

    def wait_for_gap(self, timeout_s: float) -> None:
        """The connection is lost at once."""

    def close(self) -> None:
        """Nothing to be closed."""


class Writer(RecordingWriter):
    """Remembers what it should write."""

    def __init__(self) -> None:
        self.written: list[float] = []
        self.ended = 0
        self.refusing = self.closed = False

    def begin(self, begin: Begin, pre_alarm: Iterable[Recordable] = ()) -> None:
        self.written += [packet.time for packet in pre_alarm]

    def write(self, order: Write) -> None:
        self.written.append(order.frame.time)

    def end(self, *_: object) -> None:
        if self.refusing:
            raise RecordingError("no room")
        self.ended += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def packets() -> Packets:
    return Packets()


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def recorder(packets: Packets, writer: Writer) -> PacketRecorder:
    """In an event that began with the last of 20 frames; 25 packets have come."""
    recorder = PacketRecorder(
        PacketRing(0.5, 2**20), writer, no_pictures(), packets, lambda: 0.0, HOLD_S, 600
    )
    packets.waiting.extend(map(packet, range(25)))
    for number in range(20):
        change = Change.STARTED if number == 19 else Change.NONE
        recorder.handle(frame(number, number / 10), Detection(NOTHING, NOTHING, NOTHING, 0, False), change)
    return recorder


def until(end: int) -> list[float]:
    """Times of the packets from the key packet before the pre-alarm to the one before `end`."""
    return [number / 10 for number in range(10, end)]


@pytest.mark.parametrize("how", ["interrupt", "close"])
def test_what_has_come_after_the_latest_frame_is_recorded(
    recorder: PacketRecorder, writer: Writer, how: str
) -> None:
    getattr(recorder, how)()
    assert writer.written == until(25)
    assert writer.ended == 1


def test_nothing_beyond_the_events_end(recorder: PacketRecorder, packets: Packets, writer: Writer) -> None:
    packets.waiting.extend(map(packet, range(25, 40)))
    recorder.close()
    assert writer.written == until(19 + 10 + 1)
    assert writer.ended == 1


def test_a_packet_that_comes_a_moment_after_the_frames_are_lost(
    recorder: PacketRecorder, packets: Packets, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "wait_for_gap", lambda _: packets.waiting.append(packet(25)))
    recorder.interrupt()
    assert writer.written == until(26)


def test_nothing_is_waited_for_without_an_event(
    packets: Packets, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets, "wait_for_gap", lambda _: pytest.fail("it waits"))
    recorder = PacketRecorder(
        PacketRing(0.5, 2**20), writer, no_pictures(), packets, lambda: 0.0, HOLD_S, 600
    )
    recorder.interrupt()
    recorder.close()
    assert writer.written == []


@pytest.mark.parametrize("copies", [True, False])
def test_the_writer_is_waited_for_after_it_has_failed(
    recorder: PacketRecorder, writer: Writer, copies: bool
) -> None:
    """The process crashes if it ends while the writer's thread is inside OpenCV."""
    asked: Recorder = recorder
    if not copies:
        asked = FrameRecorder(PreAlarmRing(0.5, 2**20), writer, no_pictures(), HOLD_S, 600, 10.0)
        seen = Detection(NOTHING, NOTHING, NOTHING, 0, True)
        asked.handle(frame(0, 0.0), seen, Change.STARTED)
    writer.refusing = True
    with pytest.raises(RecordingError, match="no room"):
        asked.close()
    assert writer.closed


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize("limit_bytes", [2**20, 40])
def test_a_pre_alarm_that_is_too_short_is_told_of(
    packets: Packets, writer: Writer, caplog: pytest.LogCaptureFixture, copies: bool, limit_bytes: int
) -> None:
    recorder: Recorder = PacketRecorder(
        PacketRing(0.5, limit_bytes), writer, no_pictures(), packets, lambda: 0.0, HOLD_S, 600
    )
    if not copies:
        recorder = FrameRecorder(PreAlarmRing(0.5, limit_bytes), writer, no_pictures(), HOLD_S, 600, 10.0)
    packets.waiting.extend(map(packet, range(40)))
    for number in range(40):
        change = Change.STARTED if number == 19 else Change.NONE
        recorder.handle(frame(number, number / 10), Detection(NOTHING, NOTHING, NOTHING, 0, False), change)
    told = [record.message for record in caplog.records if "PRE_ALARM_MEMORY_LIMIT_MB" in record.message]
    assert len(told) == (limit_bytes == 40)
