"""A network camera recorded by the real script: nothing lost, times right, and an end in good order."""

from __future__ import annotations

import itertools
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from recordings import play
from rtsp import RtspServer, encode, needs_rtsp
from running import Start, until

from pynvr.demo.frame_number import read_frame_number
from pynvr.demo.scene import DemoScene, Visit
from pynvr.media.frame import Frame, Gap
from pynvr.sources.camera import LiveSource
from pynvr.sources.opening import Timeouts
from pynvr.sources.packet_camera import LivePackets
from pynvr.sources.reader import AT_ONCE, ReadAhead
from pynvr.sources.stoppable import may_end

pytestmark = [needs_rtsp, pytest.mark.slow]

FPS = 15


@pytest.fixture(scope="module")
def two_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a numbered 640x480 stream with two visitors."""
    scene = DemoScene(visits=(Visit(10, 4), Visit(40, 4)))
    frames = (scene.render(index / FPS, index) for index in range(60 * FPS))
    return encode(tmp_path_factory.mktemp("stream") / "two.mp4", frames, FPS)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of a small numbered stream in which somebody always moves."""
    scene = DemoScene((320, 240), visits=tuple(Visit(start, 3) for start in range(0, 12, 3)))
    frames = (scene.render(index / FPS, index) for index in range(12 * FPS))
    return encode(tmp_path_factory.mktemp("stream") / "busy.mp4", frames, FPS)


def test_two_events_of_a_network_camera_are_recorded_without_a_gap(two_events: Path, start: Start) -> None:
    with RtspServer({"cam": two_events}, from_start=True, once=True) as server:
        recorder = start(cam=server.url("cam"), OUTPUT_FILES_EXTENSION=".mp4")
        recorder.wait_for_recording(2, 75)
        assert recorder.stop() < 5
    for entry, motion_s in zip(recorder.index(), (10, 40), strict=True):
        played = play(recorder.archive / entry["file"])
        first = played.numbers[0]
        assert first is not None
        assert played.numbers == list(range(first, first + len(played.numbers))), "a frame is lost or doubled"
        assert first / FPS == pytest.approx(motion_s - 5 + 0.2, abs=0.5)
        assert entry["trigger_s"] - entry["first_frame_s"] == pytest.approx(5, abs=1.5 / FPS)
        assert entry["last_frame_s"] - entry["last_motion_s"] == pytest.approx(10, abs=1.5 / FPS)
        assert played.span_s == pytest.approx((len(played.numbers) - 1) / FPS, rel=0.02)
        assert "dropped" not in entry


def test_a_signal_in_the_middle_of_an_event_closes_the_recording(busy: Path, start: Start) -> None:
    with RtspServer({"cam": busy}, from_start=True) as server:
        recorder = start(cam=server.url("cam"), INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=1)
        recorder.wait_for_frames(1)
        recorder.wait_for_status(10, state="recording")
        assert recorder.stop(signal.SIGINT) < 5
    (entry,) = recorder.index()
    numbers = play(recorder.archive / entry["file"]).numbers
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + entry["frames"]))
    assert not list(recorder.archive.rglob("*.part*"))
    assert recorder.status()["state"] == "stopped"


@contextmanager
def reading(cam: str, read_ahead: ReadAhead = AT_ONCE) -> Iterator[tuple[LiveSource, threading.Event]]:
    stop = threading.Event()
    source = LiveSource(cam, stop, 64 * 2**20, read_ahead=read_ahead)
    try:
        yield source, stop
    finally:
        source.close()


def test_a_lost_camera_is_told_as_a_gap_and_found_again(busy: Path, logged_errors: list[str]) -> None:
    with (
        RtspServer({"cam": busy}, user="me", password="s3cret") as server,
        reading(server.url("cam")) as (source, stop),
    ):
        before: list[Frame] = []
        after: list[Frame] = []
        gaps: list[Gap] = []
        for frame in source:
            if isinstance(frame, Gap):
                gaps.append(frame)
                server.start()
            elif gaps:
                after.append(frame)
            else:
                before.append(frame)
                if len(before) == FPS:
                    server.kill()
            if len(after) == FPS:
                stop.set()
    assert len(gaps) == 1
    times = [frame.time for frame in [*before, *after]]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert source.connections == 2
    assert len(logged_errors) == 1
    assert "s3cret" not in str(logged_errors) + str(gaps) + source.name


@pytest.mark.parametrize("read_ahead", [AT_ONCE, ReadAhead(0.5, 64 * 2**20)])
def test_each_frame_comes_once_also_when_they_are_gathered(busy: Path, read_ahead: ReadAhead) -> None:
    numbers = []
    with (
        RtspServer({"cam": busy}, from_start=True) as server,
        reading(server.url("cam"), read_ahead) as (source, stop),
    ):
        for frame in source:
            assert isinstance(frame, Frame)
            numbers.append(read_frame_number(frame.image))
            if len(numbers) == 3 * FPS:
                stop.set()
    first = numbers[0] or 0
    assert numbers == list(range(first, first + len(numbers)))
    assert len(numbers) == source.received


@pytest.mark.parametrize("kind", ["pictures", "packets", "packets with sound"])
def test_few_pictures_a_second_keep_their_times(tmp_path: Path, kind: str) -> None:
    scene = DemoScene((320, 240))
    film = encode(tmp_path / "slow.mp4", (scene.render(index / 2, index) for index in range(20)), fps=2)
    stop, timeouts = threading.Event(), Timeouts(1.0, 2.0)
    with RtspServer({"cam": film}, from_start=True) as server:
        if kind == "pictures":
            source: LiveSource | LivePackets = LiveSource(server.url("cam"), stop, 2**26, timeouts)
        else:
            source = LivePackets(server.url("cam"), stop, 2**26, timeouts, with_sound="sound" in kind)
        until(lambda: source.received >= 8, 20, "eight of them")
        source.close()
    items = list(source if isinstance(source, LiveSource) else source.until(math.inf))
    # RTSP does not tell the time of the first one
    times = [item.time for item in items if not isinstance(item, Gap)][1:]
    assert len(items) > 7 and np.diff(times) == pytest.approx(0.5, abs=0.01)


def test_stopping_does_not_wait_for_a_camera_that_is_not_there(logged_errors: list[str]) -> None:
    stop = threading.Event()
    source = LiveSource("rtsp://127.0.0.1:9/nobody", stop, 2**20)
    threading.Timer(0.3, stop.set).start()
    assert list(source) == []
    source.close()
    assert may_end()
    assert len(logged_errors) == 1
