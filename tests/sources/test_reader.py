"""Reading something live, with a camera that does what the test says."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest

from pynvr.errors import CameraError, LoginRefusedError, SettingsError
from pynvr.media.codecs import H264
from pynvr.media.frame import Frame, Gap
from pynvr.media.packet import Stream, TimedPacket
from pynvr.sources import packet_camera, pauses
from pynvr.sources.camera import PictureConnection, Seen, Snapshots
from pynvr.sources.freeze import Freeze
from pynvr.sources.item_queue import ItemQueue
from pynvr.sources.opening import Opener, Timeouts
from pynvr.sources.packet_camera import LivePackets
from pynvr.sources.reader import AT_ONCE, LiveReader, ReadAhead
from pynvr.sources.times.burst import Reading


class Item:
    nbytes = 1


class Camera:
    """Sends pictures of these times, the last of them live, and then goes away."""

    nominal_fps = 25.0
    undecodable = 0
    begun = True
    lag_s = held_s = missing_s = 0.0

    def __init__(self, times: Sequence[float] = (0.0,)) -> None:
        self.arrivals: list[float] = []
        self.gone = threading.Event()
        self._times = deque(times)

    def read(self) -> Reading[None] | None:
        if not self._times:
            return None
        if len(self._times) == 1:
            threading.Event().wait(0.1)  # nothing is there yet
        return Reading(None, 1, self._times.popleft())

    def make(self, got: Reading[None], arrival: float, index: int) -> Iterable[Item]:
        self.arrivals.append(arrival)
        yield Item()

    def close(self) -> None:
        self.gone.set()


class Steady(Camera):
    """Sends 50 pictures a second; what nobody reads waits."""

    nominal_fps = 50.0

    def __init__(self, count: int) -> None:
        super().__init__([number / self.nominal_fps for number in range(count)])
        self._begin = time.monotonic()

    def read(self) -> Reading[None] | None:
        if self._times:
            threading.Event().wait(max(0.0, self._begin + self._times[0] - time.monotonic()))
        return Reading(None, 1, self._times.popleft()) if self._times else None


def delays(camera: Camera) -> list[float]:
    """How long before the last picture each is said to have come."""
    return [camera.arrivals[-1] - arrival for arrival in camera.arrivals]


Connected = Callable[..., LiveReader[Item, None]]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]) -> Iterator[Connected]:
    """A reader that finds these cameras or errors one after the other, and then nothing."""
    monkeypatch.setattr(pauses, "FIRST_PAUSE_S", 0.01)
    stop = threading.Event()
    with ExitStack() as stack:

        def begin(*cameras: Camera | Exception, read_ahead: ReadAhead = AT_ONCE) -> LiveReader[Item, None]:
            coming = iter(cameras)

            def connect() -> Camera:
                camera = next(coming, CameraError("away"))
                if isinstance(camera, Exception):
                    raise camera
                return camera

            reader = LiveReader(Opener("test", Timeouts()), stop, [ItemQueue(1000)], connect, read_ahead)
            stack.callback(reader.close)
            return reader

        yield begin


def test_a_burst_lies_before_the_first_picture_that_had_to_be_waited_for(connected: Connected) -> None:
    camera = Camera([number / 25 for number in range(50)])
    connected(camera)
    assert camera.gone.wait(5)
    assert camera.arrivals[-1] == pytest.approx(time.monotonic(), abs=1)
    assert delays(camera) == pytest.approx([(49 - number) / 25 for number in range(50)], abs=1e-6)


@pytest.mark.parametrize("damaged", [0, 7, 9])
@pytest.mark.parametrize("leap", [-20000.0, -4.0, 4.0, 20000.0])
def test_a_damaged_time_in_a_burst_moves_no_other(connected: Connected, damaged: int, leap: float) -> None:
    camera = Camera([number / 25 + (leap if number == damaged else 0) for number in range(10)])
    connected(camera)
    assert camera.gone.wait(5)
    # off by no more than the two steps that are not believed
    assert delays(camera) == pytest.approx([(9 - number) / 25 for number in range(10)], abs=0.1)


def test_pictures_that_were_left_to_gather_keep_their_distance(connected: Connected) -> None:
    camera = Steady(40)
    reader = connected(camera, read_ahead=ReadAhead(0.1, 1000))
    assert camera.gone.wait(5)
    assert reader.received == len(camera.arrivals) == 40
    steps = [later - sooner for sooner, later in pairwise(camera.arrivals)]
    # to the bit where they were read together; from one time to the next the reader may have been late
    assert sum(step == pytest.approx(1 / 50, abs=1e-9) for step in steps) > 20


def test_a_stream_that_counts_from_anew_within_a_burst(connected: Connected) -> None:
    camera = Camera([5 + number / 25 for number in range(50)] + [number / 25 for number in range(10)])
    connected(camera)
    assert camera.gone.wait(5)
    assert delays(camera) == pytest.approx([(59 - number) / 25 for number in range(60)], abs=0.05)


def test_a_stream_that_becomes_another_is_let_go_of_and_nothing_is_handed_over_twice(
    connected: Connected,
) -> None:
    class Changing(Camera):
        def make(self, got: Reading[None], arrival: float, index: int) -> Iterable[Item]:
            yield from super().make(got, arrival, index)
            if len(self.arrivals) == 5:
                raise CameraError("its stream has changed")

    camera = Changing([number / 25 for number in range(10)])
    reader = connected(camera)
    assert camera.gone.wait(5)
    assert reader.received == len(camera.arrivals) == 5


def test_a_camera_that_was_there_is_tried_again_whatever_it_says(connected: Connected) -> None:
    """Its description may have been damaged on the way."""
    last = Camera()
    reader = connected(Camera(), SettingsError("sends nonsense"), last)
    assert last.gone.wait(5)
    assert reader.connections == 2


def test_packets_of_a_connection_are_due_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    """Its camera's clock was fast: by now their times are far ahead of those that will come."""
    lost, stop = threading.Event(), threading.Event()
    stream = Stream(H264, 320, 240, 25.0, b"", 0.0)

    class Connection(Camera):
        def __init__(self, *_: object) -> None:
            super().__init__([0.0, 0.0, 0.0])

        def read(self) -> Reading[None] | None:
            return super().read() if self._times or lost.wait(10) else None

        def make(self, got: Reading[None], arrival: float, index: int) -> Iterable[TimedPacket]:
            utc = datetime.now(timezone.utc)
            yield TimedPacket(np.zeros((1, 9), np.uint8), True, arrival + 40, utc, stream)

    monkeypatch.setattr(packet_camera, "PacketConnection", Connection)
    packets = LivePackets("rtsp://test/", stop, 1000, Timeouts())
    before = time.monotonic()
    lost.set()
    packets.first(10)
    deadline = time.monotonic() + 10
    while packets.connected and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    stop.set()
    packets.close()
    assert list(packets.until(before)) == [], "a slow machine is still at the pictures of then"
    *left, gap = packets.until(time.monotonic())
    assert len(left) == 3
    assert isinstance(gap, Gap)


def test_times_of_pictures_rise_whatever_the_camera_says() -> None:
    """The first two pictures of an RTSP stream both read 0; others fall back within a stream."""
    opener = Opener("rtsp://test/", Timeouts())
    with mock.patch.object(opener, "open", return_value=mock.Mock(**{"get.return_value": 25.0})):
        connection = PictureConnection(opener, threading.Event(), None, None, Snapshots(), Freeze())
    found = []
    for number, told in enumerate([0.0, 0.0, 0.04, 0.01, 0.08, 0.04, 0.12, -9.0, 40.0]):
        seen = Seen(np.zeros((4, 4, 3), np.uint8), (4, 4, 3))
        found += connection.make(Reading(seen, 48, told), 1000 + number / 25, number)
    times = [frame.time for frame in found if isinstance(frame, Frame)]
    assert times[:3] == pytest.approx([1000, 1000.001, 1000.04])
    assert all(sooner < later for sooner, later in pairwise(times))
    assert len(times) == 9
    assert 1000.12 < times[-1] <= 1000 + 8 / 25


def test_a_camera_that_never_was_there_is_given_up(connected: Connected) -> None:
    never = Camera()
    reader = connected(SettingsError("sends nonsense"), never)
    assert not never.gone.wait(0.3)
    assert reader.connections == 0


def test_a_camera_that_refuses_the_password_is_left_alone_for_a_while(connected: Connected) -> None:
    """It would lock the account; and waiting so long is no sign of a thread that hangs."""
    later = Camera()
    reader = connected(LoginRefusedError("refuses the password"), later)
    assert not later.gone.wait(0.3)
    assert reader.connections == 0
    least_s = pauses.REFUSED_S * (1 - pauses.JITTER)
    assert reader.status().overdue_s < -least_s
