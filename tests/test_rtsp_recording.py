"""A network camera recorded by the real script: nothing lost, times right, and an end in good order."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import defaults
from recordings import play, read_index
from rtsp import RtspServer, encode, needs_rtsp

from pynvr.camera import LiveSource
from pynvr.demo import DemoScene, Visit
from pynvr.frame import Frame, Gap
from pynvr.live import Patience

pytestmark = needs_rtsp

FPS = 15
TICK = threading.Event()  # never set: waits with a deadline


def until(condition: Callable[[], object], deadline_s: float, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {deadline_s} s"
        TICK.wait(0.05)


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


class Recorder:
    """The real script, running."""

    def __init__(self, project: Path, folder: Path, **settings: object) -> None:
        chosen = defaults(folder) | {"STATUS_FILE_PATH": str(folder / "status.json")} | settings
        config = folder / "chosen.py"
        config.write_text("".join(f"{name} = {value!r}\n" for name, value in chosen.items()))
        self.archive = Path(str(chosen["PATH_FOR_VIDEO"]))
        self.status_path = folder / "status.json"
        self._log_path = Path(str(chosen["LOG_FILE_PATH"]))
        command = [sys.executable, str(project / "motion_driven_recorder.py"), "--config", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def log(self) -> str:
        return self._log_path.read_text() if self._log_path.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and return the seconds until the process has ended."""
        sent = time.monotonic()
        os.kill(self.process.pid, number)
        self.process.wait(30)
        return time.monotonic() - sent


@pytest.fixture
def start(project: Path, tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    started: list[Recorder] = []

    def run(**settings: object) -> Recorder:
        started.append(Recorder(project, tmp_path, **settings))
        return started[-1]

    yield run
    for recorder in started:
        recorder.process.kill()
        recorder.process.communicate()


def test_two_events_of_a_network_camera_are_recorded_without_a_gap(
    two_events: Path, start: Callable[..., Recorder]
) -> None:
    with RtspServer({"cam": two_events}, from_start=True, once=True) as server:
        recorder = start(cam=server.url("cam"), OUTPUT_FILES_EXTENSION=".mp4")
        until(lambda: len(read_index(recorder.archive)) == 2, 75, "the second recording")
        assert recorder.stop() < 5
    assert recorder.process.returncode == 0
    for entry, motion_s in zip(read_index(recorder.archive), (10, 40), strict=True):
        played = play(recorder.archive / entry["file"])
        first = played.numbers[0]
        assert first is not None
        assert played.numbers == list(range(first, first + len(played.numbers))), "a frame is lost or doubled"
        assert first / FPS == pytest.approx(motion_s - 5 + 0.2, abs=0.5)
        assert entry["trigger_s"] - entry["first_frame_s"] == pytest.approx(5, abs=1.5 / FPS)
        assert entry["last_frame_s"] - entry["last_motion_s"] == pytest.approx(10, abs=1.5 / FPS)
        assert played.span_s == pytest.approx((len(played.numbers) - 1) / FPS, rel=0.02)
        assert "dropped" not in entry


def test_a_signal_in_the_middle_of_an_event_closes_the_recording(
    busy: Path, start: Callable[..., Recorder]
) -> None:
    with RtspServer({"cam": busy}, from_start=True) as server:
        recorder = start(cam=server.url("cam"), INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=1)
        until(lambda: list(recorder.archive.rglob("*.part.ts")), 15, "the recording")
        until(lambda: json.loads(recorder.status_path.read_text())["state"] == "recording", 10, "the status")
        assert recorder.stop(signal.SIGINT) < 5
    assert recorder.process.returncode == 0
    (entry,) = read_index(recorder.archive)
    numbers = play(recorder.archive / entry["file"]).numbers
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + entry["frames"]))
    assert not list(recorder.archive.rglob("*.part*"))
    assert json.loads(recorder.status_path.read_text())["state"] == "stopped"


@contextmanager
def reading(cam: str, **patience: float) -> Iterator[tuple[LiveSource, threading.Event]]:
    stop = threading.Event()
    source = LiveSource(cam, stop, 64 * 2**20, Patience(**patience))
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


def test_stopping_does_not_wait_for_a_camera_that_is_not_there(logged_errors: list[str]) -> None:
    stop = threading.Event()
    source = LiveSource("rtsp://127.0.0.1:9/nobody", stop, 2**20)
    threading.Timer(0.3, stop.set).start()
    assert list(source) == []
    source.close()
    assert not source.stuck
    assert len(logged_errors) == 1
