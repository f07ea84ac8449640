"""Copy mode on network cameras: what was sent is recorded, whatever befalls one of the two streams."""

from __future__ import annotations

import signal
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copies import QUICK, complaints, make, numbers_of, packets_of, same_run
from rtsp import RtspServer, needs_rtsp
from running import Start
from wire import Wire

pytestmark = [needs_rtsp, pytest.mark.slow]

PRE_S = 1.5


@pytest.fixture
def start(start: Start) -> Start:
    """In copy mode, and quick."""
    return partial(start, **QUICK, PRE_ALARM_RECORDING_SECONDS=PRE_S)


STREAMS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264-b.mp4": {"bframes": 2, "gop": 50},
    "h265.mp4": {"codec": "h265"},
    "h265-b.mp4": {"codec": "h265", "bframes": 2, "gop": 12},
    "vfr.mp4": {
        "times": np.cumsum([0.0, *np.random.default_rng(1).choice([0.02, 0.033, 0.071, 0.1], 150)]).tolist(),
        "gop": 20,
    },
    "mjpeg.avi": {"codec": "mjpeg"},
    "large.mp4": {"scene_size": (640, 480)},
    "busy.mp4": {"seconds": 20, "moving": (1, 20)},
}


class Streams(dict[str, Path]):
    """Each is made when a test first asks for it, since every worker makes its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __missing__(self, name: str) -> Path:
        file = next(file for file in STREAMS if Path(file).stem == name)
        self[name] = make(self._folder / file, **STREAMS[file])
        return self[name]


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Numbered streams in which something moves a second long, from 4 s on."""
    return Streams(tmp_path_factory.mktemp("streams"))


@pytest.mark.parametrize("in_band", [False, True])
@pytest.mark.parametrize("name", ["h264", "h264-b", "h265", "h265-b", "vfr", "mjpeg"])
def test_what_was_sent_is_recorded(streams: dict[str, Path], start: Start, name: str, in_band: bool) -> None:
    codec = name if name == "mjpeg" else "h265" if "h265" in name else "h264"
    with RtspServer({"cam": streams[name]}, from_start=True, in_band=in_band) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
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
    trigger = min(packet.time_ms for packet in sent[begin:]) / 1000 + entry["trigger_in_file_s"]
    first_moved = min(packet.time_ms for packet in sent if packet.time_ms >= 4000) / 1000
    assert trigger == pytest.approx(first_moved, abs=0.002)
    assert entry["trigger_in_file_s"] >= PRE_S - 0.001


@pytest.mark.parametrize(("looks_per_s", "frames_late"), [(None, 3), (10, 6)])
def test_small_stream_watched_large_one_recorded(
    streams: dict[str, Path], start: Start, looks_per_s: float | None, frames_late: int
) -> None:
    with RtspServer({"sub": streams["h264"], "main": streams["large"]}) as server:
        recorder = start(
            cam=server.url("sub"), RECORDING_CAM=server.url("main"), MOTION_DETECTION_FPS=looks_per_s
        )
        recorder.wait_for_recording(1, 25)
        recorder.stop()
    entry = recorder.index()[0]
    assert (entry["width"], entry["height"]) == (640, 480)
    recording = recorder.archive / entry["file"]
    numbers = numbers_of(recording)
    trigger = numbers[round(entry["trigger_in_file_s"] * 25)]
    assert trigger is not None
    # of the same instant: numbers in both streams are those of the same pictures
    assert trigger == pytest.approx(4 * 25, abs=frames_late)
    assert complaints(recording) == ""


def test_only_the_large_stream_is_lost(streams: dict[str, Path], start: Start) -> None:
    with RtspServer({"sub": streams["busy"], "main": streams["large"]}) as server, Wire(server.port) as wire:
        main = wire.url(server.url("main"))
        recorder = start(cam=server.url("sub"), RECORDING_CAM=main, MINIMAL_MOTION_DURATION=30)
        recorder.wait_for_status(state="recording")
        wire.refuse()
        status = recorder.wait_for_status(10, state="cannot record")
        assert status["recording_camera_connected"] is False
        assert "/main" in recorder.wait_for("ERROR").text
        wire.accept()
        recorder.wait_for_status(15, state="recording")
        recorder.stop()
    first, second = recorder.index()
    assert second["continues"] is True
    for entry in (first, second):
        assert complaints(recorder.archive / entry["file"]) == ""
    assert recorder.count("Traceback") == 0


def test_kill_9_costs_a_second_at_most_and_is_recovered(streams: dict[str, Path], start: Start) -> None:
    with RtspServer({"cam": streams["busy"]}) as server:
        recorder = start(cam=server.url("cam"), MINIMAL_MOTION_DURATION=30)
        recorder.wait_for_frames(4 * 25)
        killed = recorder.kill()
        recorder.start()
        recorder.wait_for_recording(1, 10)
        recorder.stop()
    entry = recorder.index()[0]
    assert entry["recovered"] is True
    assert killed - datetime.fromisoformat(entry["last_frame_utc"]).timestamp() < 1
    recording = recorder.archive / entry["file"]
    assert recording.suffix == ".mp4"
    assert complaints(recording) == ""
    numbers = numbers_of(recording)
    assert len(numbers) == entry["frames"] > 3 * 25


def test_a_signal_closes_the_recording(streams: dict[str, Path], start: Start) -> None:
    with RtspServer({"cam": streams["busy"]}) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_frames(1)
        recorder.stop(signal.SIGINT)
    (entry,) = recorder.index()
    assert complaints(recorder.archive / entry["file"]) == ""
