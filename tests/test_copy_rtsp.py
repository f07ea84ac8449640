"""Copy mode on network cameras: what was sent is recorded, whatever befalls one of the two streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import defaults
from copies import complaints, make, numbers_of, packets_of, same_run
from recordings import read_index
from rtsp import RtspServer, needs_rtsp
from wire import Wire

pytestmark = needs_rtsp

PRE_S, HOLD_S = 1.5, 1.0
TICK = threading.Event()  # never set: waits with a deadline


def until(condition: Callable[[], object], deadline_s: float, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {deadline_s} s"
        TICK.wait(0.05)


class Recorder:
    """The real script in copy mode, running."""

    def __init__(self, project: Path, folder: Path, **settings: object) -> None:
        chosen = defaults(folder) | {
            "RECORDING_MODE": "copy",
            "PRE_ALARM_RECORDING_SECONDS": PRE_S,
            "MINIMAL_MOTION_DURATION": HOLD_S,
            "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1.0,
            "CAMERA_READ_TIMEOUT_SECS": 1.0,
            "MOTION_AREA_THRESHOLD": 3000,
            "STATUS_FILE_PATH": str(folder / "status.json"),
        }
        chosen |= settings
        config = folder / "chosen.py"
        config.write_text("".join(f"{name} = {value!r}\n" for name, value in chosen.items()))
        self.archive = Path(str(chosen["PATH_FOR_VIDEO"]))
        self._log_path = Path(str(chosen["LOG_FILE_PATH"]))
        self._status_path = Path(str(chosen["STATUS_FILE_PATH"]))
        command = [sys.executable, str(project / "motion_driven_recorder.py"), "--config", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def log(self) -> str:
        return self._log_path.read_text() if self._log_path.exists() else ""

    @property
    def status(self) -> dict[str, Any]:
        return json.loads(self._status_path.read_text()) if self._status_path.exists() else {}

    def index(self) -> list[dict[str, Any]]:
        return read_index(self.archive)

    def stop(self, number: int = signal.SIGTERM) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(15)


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


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Numbered streams in which something moves a second long, from 4 s on."""
    folder = tmp_path_factory.mktemp("streams")
    steps = np.random.default_rng(1).choice([0.02, 0.033, 0.071, 0.1], 150)
    return {
        "h264": make(folder / "h264.mp4"),
        "h264-b": make(folder / "h264b.mp4", bframes=2, gop=50),
        "h265": make(folder / "h265.mp4", codec="h265"),
        "h265-b": make(folder / "h265b.mp4", codec="h265", bframes=2, gop=12),
        "vfr": make(folder / "vfr.mp4", times=np.cumsum([0.0, *steps]).tolist(), gop=20),
        "mjpeg": make(folder / "mjpeg.avi", codec="mjpeg"),
        "large": make(folder / "large.mp4", scene_size=(640, 480)),
        "busy": make(folder / "busy.mp4", seconds=20, moving=(1, 20)),
    }


@pytest.mark.parametrize("in_band", [False, True])
@pytest.mark.parametrize("name", ["h264", "h264-b", "h265", "h265-b", "vfr", "mjpeg"])
def test_what_was_sent_is_recorded(
    streams: dict[str, Path], start: Callable[..., Recorder], name: str, in_band: bool
) -> None:
    codec = name if name == "mjpeg" else "h265" if "h265" in name else "h264"
    with RtspServer({"cam": streams[name]}, from_start=True, in_band=in_band) as server:
        recorder = start(cam=server.url("cam"))
        until(recorder.index, 20, "a recording")
        assert recorder.stop() == 0
    entry = recorder.index()[0]
    recording = recorder.archive / entry["file"]
    recorded, sent = packets_of(recording), packets_of(streams[name])
    begin = same_run(recorded, sent, codec)
    if name != "mjpeg":
        shown = np.diff([packet.time_ms for packet in sent[begin : begin + len(recorded)]])
        assert np.diff([packet.time_ms for packet in recorded]) == pytest.approx(shown, abs=1)
    assert complaints(recording) == ""
    numbers = numbers_of(recording)
    assert np.diff([number or 0 for number in numbers]).tolist() == [1] * (len(numbers) - 1)
    # the motion begins at 4 s: the picture at the trigger shows it, or is a neighbour of one that does
    trigger = min(packet.time_ms for packet in sent[begin:]) / 1000 + entry["trigger_in_file_s"]
    assert trigger == pytest.approx(4.0, abs=0.2)
    assert entry["trigger_in_file_s"] >= PRE_S - 0.001


def test_small_stream_watched_large_one_recorded(
    streams: dict[str, Path], start: Callable[..., Recorder]
) -> None:
    with RtspServer({"sub": streams["h264"], "main": streams["large"]}) as server:
        recorder = start(cam=server.url("sub"), RECORDING_CAM=server.url("main"))
        until(recorder.index, 25, "a recording")
        assert recorder.stop() == 0
    entry = recorder.index()[0]
    assert (entry["width"], entry["height"]) == (640, 480)
    recording = recorder.archive / entry["file"]
    numbers = numbers_of(recording)
    trigger = numbers[round(entry["trigger_in_file_s"] * 25)]
    assert trigger is not None
    # of the same instant: numbers in both streams are those of the same pictures
    assert trigger == pytest.approx(4 * 25, abs=3)
    assert complaints(recording) == ""


def test_only_the_large_stream_is_lost(streams: dict[str, Path], start: Callable[..., Recorder]) -> None:
    with RtspServer({"sub": streams["busy"], "main": streams["large"]}) as server, Wire(server.port) as wire:
        main = wire.url(server.url("main"))
        recorder = start(cam=server.url("sub"), RECORDING_CAM=main, MINIMAL_MOTION_DURATION=30)
        until(lambda: recorder.status.get("state") == "recording", 20, "the recording")
        wire.refuse()
        until(lambda: recorder.status.get("state") == "cannot record", 10, "the status")
        assert recorder.status["recording_camera_connected"] is False
        assert "ERROR" in recorder.log
        assert "/main" in recorder.log.split("ERROR", 1)[1].splitlines()[0]
        wire.accept()
        until(lambda: recorder.status.get("state") == "recording", 15, "the recording again")
        assert recorder.stop() == 0
    first, second = recorder.index()
    assert second["continues"] is True
    for entry in (first, second):
        assert complaints(recorder.archive / entry["file"]) == ""
    assert recorder.log.count("Traceback") == 0


def test_kill_9_costs_a_second_at_most_and_is_recovered(
    streams: dict[str, Path], start: Callable[..., Recorder]
) -> None:
    with RtspServer({"cam": streams["busy"]}) as server:
        recorder = start(cam=server.url("cam"), MINIMAL_MOTION_DURATION=30)
        until(lambda: list(recorder.archive.rglob("*.part.ts")), 20, "the recording")
        TICK.wait(3)
        killed = time.time()
        recorder.stop(signal.SIGKILL)
        again = start(cam=server.url("cam"))
        until(again.index, 10, "the recovered recording")
        assert again.stop() == 0
    entry = again.index()[0]
    assert entry["recovered"] is True
    assert killed - datetime.fromisoformat(entry["last_frame_utc"]).timestamp() < 1
    recording = recorder.archive / entry["file"]
    assert recording.suffix == ".mp4"
    assert complaints(recording) == ""
    numbers = numbers_of(recording)
    assert len(numbers) == entry["frames"] > 3 * 25


def test_a_signal_closes_the_recording(streams: dict[str, Path], start: Callable[..., Recorder]) -> None:
    with RtspServer({"cam": streams["busy"]}) as server:
        recorder = start(cam=server.url("cam"))
        until(lambda: list(recorder.archive.rglob("*.part.ts")), 20, "the recording")
        assert recorder.stop(signal.SIGINT) == 0
    (entry,) = recorder.index()
    assert complaints(recorder.archive / entry["file"]) == ""
