"""Copy mode with one address: the camera is connected once, and each picture is that of its packet."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from copies import QUICK, complaints, make, numbers_of, packets_of
from rtsp import RtspServer, needs_rtsp
from running import RecorderProcess, ScriptResult, Start, until
from wire import Wire

from pynvr.detection.classic import ClassicDetector, ClassicParameters
from pynvr.media.frame import Frame
from pynvr.sources.films.file import FileSource

pytestmark = [needs_rtsp, pytest.mark.slow]


@pytest.fixture
def start(start: Start) -> Start:
    """In copy mode, and quick."""
    return partial(start, **QUICK, PRE_ALARM_RECORDING_SECONDS=1.5)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered pictures in which something moves a second long, from 4 s on; with B-frames."""
    return make(tmp_path_factory.mktemp("film") / "film.mp4", bframes=2, gop=25)


def first_seen(film: Path) -> int:
    """The number of the first picture in which the detector sees motion."""
    source, detector = FileSource(film, Event()), ClassicDetector(ClassicParameters(area_threshold_px=3000))
    with closing(source):
        frames = (frame for frame in source if isinstance(frame, Frame))
        return next(frame.index for frame in frames if detector.detect(frame.image).motion)


def trigger_number(recorder: RecorderProcess) -> int | None:
    """The number in the picture of a recording that is said to be the trigger, to the millisecond."""
    (entry,) = recorder.index()
    recording = recorder.archive / entry["file"]
    assert complaints(recording) == ""
    shown = sorted(packet.time_ms for packet in packets_of(recording))
    trigger_ms = shown[0] + entry["trigger_in_file_s"] * 1000
    (at,) = (place for place, time_ms in enumerate(shown) if abs(time_ms - trigger_ms) <= 1)
    return numbers_of(recording)[at]


@pytest.mark.parametrize("named_twice", [False, True])
@pytest.mark.parametrize("with_sound", [False, True])
def test_a_camera_that_allows_one_connection(
    film: Path, start: Start, named_twice: bool, with_sound: bool
) -> None:
    with RtspServer({"cam": film}, from_start=True) as server, Wire(server.port, one_at_a_time=True) as wire:
        cam = wire.url(server.url("cam"))
        recorder = start(
            cam=cam,
            RECORDING_CAM=cam if named_twice else None,
            RECORD_SOUND=with_sound,
            MOTION_DETECTION_FPS=1000,  # so that it looks at each picture
        )
        recorder.wait_for_recording(1, 20)
        status = recorder.status()
        recorder.stop()
        assert wire.connections == 1
    assert recorder.count(": connected") == 1
    assert trigger_number(recorder) == first_seen(film)
    assert (status["reconnects"], status["frames_dropped"], status["packets_dropped"]) == (0, 0, 0)
    assert 0 <= status["packets_received"] - status["frames_received"] < 25
    assert list(recorder.archive.glob("*/*.jpg"))


def udp_port() -> int:
    """One of this machine that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def has_listener(port: int) -> bool:
    return f":{port:04X} " in Path("/proc/net/udp").read_text()


@contextmanager
def sent_over_udp(film: Path, port: int) -> Iterator[None]:
    """A transport stream as an encoder sends it to one machine."""
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy"]
    with subprocess.Popen([*command, "-f", "mpegts", f"udp://127.0.0.1:{port}?pkt_size=1316"]) as sender:
        yield
        sender.kill()


@pytest.mark.parametrize("with_sound", [False, True])
def test_a_transport_stream_over_udp(film: Path, start: Start, with_sound: bool) -> None:
    """Which only one reader gets."""
    port = udp_port()
    recorder = start(cam=f"udp://127.0.0.1:{port}", RECORD_SOUND=with_sound, MOTION_DETECTION_FPS=1000)
    until(lambda: has_listener(port), 30, "the recorder to listen")  # or it would miss how the film begins
    with sent_over_udp(film, port):
        recorder.wait_for_recording(1, 30)
        recorder.stop()
    assert trigger_number(recorder) == first_seen(film)


def test_the_check_needs_one_connection(film: Path, run_script: Callable[..., ScriptResult]) -> None:
    with RtspServer({"cam": film}) as server, Wire(server.port, one_at_a_time=True) as wire:
        config = {"cam": wire.url(server.url("cam")), "RECORDING_MODE": "copy"}
        result = run_script("motion_driven_recorder.py", "--check", config=config)
        assert wire.connections == 1
    assert (result.returncode, result.stderr) == (0, "")
    assert "/cam: 320x240, claims 25 frames/s" in result.stdout
    assert "/cam: 320x240 H.264, copied into .mp4" in result.stdout
