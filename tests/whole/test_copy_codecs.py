"""Copy mode and what cameras and files may send: other codecs, no times of their own, long GOPs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from copies import FPS, complaints, make, numbers_of, packets_of, same_run, scene
from recordings import read_index, remains, rising
from rtsp import RtspServer, encode, needs_rtsp
from running import ScriptResult, defaults

from pynvr.cli import record

pytestmark = [needs_rtsp, pytest.mark.slow]  # for ffmpeg

PRE_S, HOLD_S = 2.0, 1.5
TICK = threading.Event()  # never set: waits with a deadline


def chosen(**settings: Any) -> dict[str, Any]:
    return {
        "RECORDING_MODE": "copy",
        "PRE_ALARM_RECORDING_SECONDS": PRE_S,
        "MINIMAL_MOTION_DURATION": HOLD_S,
        "STATUS_FILE_PATH": None,
    } | settings


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Callable[..., int]:
    """Run the recorder in copy mode on a file."""

    def run(cam: Path, *arguments: str, **settings: Any) -> int:
        config_module.__dict__.update(defaults(tmp_path) | chosen(cam=str(cam), **settings))
        return record(lambda: config_module, list(arguments))

    return run


@contextmanager
def watching(project: Path, tmp_path: Path, **settings: Any) -> Iterator[Callable[[], dict[str, Any]]]:
    """The real script on a live camera; calling what this gives waits for a recording and stops it."""
    config = tmp_path / "chosen.py"
    live = {"INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1.0, "MOTION_AREA_THRESHOLD": 3000}
    values = defaults(tmp_path) | chosen(**live) | settings
    config.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()))
    command = [sys.executable, str(project / "motion_driven_recorder.py"), "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def first_recording() -> dict[str, Any]:
        end = time.monotonic() + 30
        while not (index := read_index(tmp_path / "video")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "no recording came"
            TICK.wait(0.05)
        process.terminate()
        assert process.wait(10) == 0
        return index[0]

    yield first_recording
    process.kill()
    process.communicate()


# ---- what cannot be copied


@pytest.fixture(scope="module")
def other_codecs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("codecs")
    return {
        "FMP4": make(folder / "mpeg4.mp4", seconds=2, codec="mpeg4"),
        "VP80": make(folder / "vp8.mkv", seconds=2, codec="vp8"),
    }


@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("fourcc", ["FMP4", "VP80"])
def test_network_camera_of_another_codec_is_said_at_start(
    other_codecs: dict[str, Path],
    run_script: Callable[..., ScriptResult],
    archive_path: Path,
    arguments: list[str],
    fourcc: str,
) -> None:
    with RtspServer({"cam": other_codecs[fourcc]}, user="me", password="secret") as server:
        cam = server.url("cam")
        result = run_script("motion_driven_recorder.py", *arguments, config=chosen(cam=cam))
    assert result.returncode == 78
    (line,) = result.stderr.splitlines()
    assert f"cam sends {fourcc}; only H.264, H.265 and MJPEG can be copied" in line
    assert "RECORDING_MODE" in line
    assert "secret" not in line
    assert remains(archive_path) == []


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_container_that_cannot_hold_the_cameras_codec_is_said_at_start(
    tmp_path: Path, run_script: Callable[..., ScriptResult], arguments: list[str]
) -> None:
    with RtspServer({"cam": make(tmp_path / "in.mp4", seconds=2)}) as server:
        config = chosen(cam=server.url("cam"), OUTPUT_FILES_EXTENSION=".avi")
        result = run_script("motion_driven_recorder.py", *arguments, config=config)
    assert result.returncode == 78
    (line,) = result.stderr.splitlines()
    assert 'OUTPUT_FILES_EXTENSION = ".avi"' in line
    assert "sends H.264, which can be copied into .mp4 or .ts or .mkv only" in line


# ---- JPEGs


@pytest.mark.parametrize(
    ("asked", "suffix"),
    [(None, ".avi"), (".avi", ".avi"), (".mkv", ".mkv"), (".mp4", ".avi"), (".ts", ".avi")],
)
def test_every_jpeg_is_the_files_own(
    run: Callable[..., int],
    tmp_path: Path,
    archive_path: Path,
    capsys: pytest.CaptureFixture[str],
    asked: str | None,
    suffix: str,
) -> None:
    source = make(tmp_path / "in.avi", codec="mjpeg")
    assert run(source, "--check", OUTPUT_FILES_EXTENSION=asked) == 0
    assert f"320x240 MJPEG, copied into {suffix}" in capsys.readouterr().out
    assert run(source, OUTPUT_FILES_EXTENSION=asked) == 0
    (entry,) = read_index(archive_path)
    recording = archive_path / entry["file"]
    assert recording.suffix == suffix
    recorded, sent = packets_of(recording), packets_of(source)
    begin = round(entry["first_frame_s"] * FPS)
    assert [p.data for p in recorded] == [p.data for p in sent[begin : begin + len(recorded)]]
    assert entry["trigger_in_file_s"] == pytest.approx(PRE_S, abs=0.001)
    assert np.diff([packet.time_ms for packet in recorded]) == pytest.approx(1000 / FPS, abs=1)
    assert complaints(recording) == ""
    assert numbers_of(recording) == list(range(begin, begin + len(recorded)))


def test_mkv_gives_every_jpeg_its_own_time(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    steps = np.random.default_rng(1).choice([0.02, 0.033, 0.071, 0.1], 150)
    times = np.cumsum([0.0, *steps]).tolist()
    source = make(tmp_path / "in.mkv", codec="mjpeg", times=times)
    assert run(source, OUTPUT_FILES_EXTENSION=".mkv") == 0
    (entry,) = read_index(archive_path)
    recorded, sent = packets_of(archive_path / entry["file"]), packets_of(source)
    begin = [packet.data for packet in sent].index(recorded[0].data)
    want = sent[begin : begin + len(recorded)]
    assert [packet.data for packet in recorded] == [packet.data for packet in want]
    shown = [packet.time_ms - want[0].time_ms for packet in want]
    assert [packet.time_ms for packet in recorded] == pytest.approx(shown, abs=1)


class HttpCamera:
    """Sends JPEGs one after the other, as many network cameras do; each says when it was sent."""

    BOUNDARY = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"

    def __init__(self, jpegs: list[bytes], fps: float) -> None:
        over = self._over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                begin = time.monotonic()
                try:
                    for number, jpeg in enumerate(jpegs):
                        over.wait(max(0.0, begin + number / fps - time.monotonic()))
                        self.wfile.write(HttpCamera.BOUNDARY % (len(jpeg), jpeg))
                except OSError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/video.mjpg"

    def __enter__(self) -> HttpCamera:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("settings", [
    {"OUTPUT_FILES_EXTENSION": ".mkv"},
    {"OUTPUT_FILES_EXTENSION": ".avi"},
    {"RECORDING_MODE": "encode", "OUTPUT_FILES_EXTENSION": ".mp4"},
], ids=["mkv", "avi", "encode"])  # fmt: skip
def test_jpegs_over_http_have_the_time_of_their_arrival(
    project: Path,
    tmp_path: Path,
    archive_path: Path,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a camera is asked directly
    fps = 10  # FFmpeg makes up 25 a second: its times would run at two fifths of the true speed
    times = rising(fps, 14)
    source = encode(tmp_path / "in.avi", scene(times, (3, 4)), fps, codec="mjpeg")
    sent = packets_of(source)
    with (
        HttpCamera([packet.data for packet in sent], fps) as camera,
        watching(project, tmp_path, cam=camera.url, **settings) as first_recording,
    ):
        entry = first_recording()
    recording = archive_path / entry["file"]
    numbers = numbers_of(recording)
    begin = numbers[0] or 0
    assert numbers == list(range(begin, begin + len(numbers)))
    played = packets_of(recording)
    if "RECORDING_MODE" not in settings:
        assert [p.data for p in played] == [p.data for p in sent[begin : begin + len(played)]]
    # one second of scene plays for one second
    true_s = (len(numbers) - 1) / fps
    assert entry["last_frame_s"] - entry["first_frame_s"] == pytest.approx(true_s, abs=0.15)
    assert (played[-1].time_ms - played[0].time_ms) / 1000 == pytest.approx(true_s, abs=0.15)
    assert begin / fps == pytest.approx(3.0 - PRE_S, abs=0.3)
    assert entry["trigger_s"] - entry["first_frame_s"] == pytest.approx(PRE_S, abs=1.1 / fps)


# ---- elementary streams


@pytest.mark.usefixtures("logged_errors")
@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_elementary_stream_is_refused_for_it_has_no_times(
    run: Callable[..., int],
    tmp_path: Path,
    archive_path: Path,
    capsys: pytest.CaptureFixture[str],
    codec: str,
    arguments: list[str],
) -> None:
    source, bare = make(tmp_path / "in.mp4", seconds=2, codec=codec), tmp_path / f"in.{codec}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(source), "-c", "copy", str(bare)], check=True)
    assert run(bare, *arguments) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "into an .mp4" in line
    assert 'set "encode"' in line
    assert remains(archive_path) == []


# ---- long groups of pictures


def test_group_of_ten_seconds_over_rtsp(project: Path, tmp_path: Path, archive_path: Path) -> None:
    # the first trigger comes after a key picture at 10 s, but its pre-alarm lies before it
    source = make(tmp_path / "in.mp4", seconds=20, moving=(11, 11.6), gop=250)
    with (
        RtspServer({"cam": source}, from_start=True) as server,
        watching(project, tmp_path, cam=server.url("cam")) as first_recording,
    ):
        entry = first_recording()
    recording = archive_path / entry["file"]
    numbers = numbers_of(recording)
    assert numbers == list(range(len(numbers)))
    assert same_run(packets_of(recording), packets_of(source), "h264") == 0
    assert [number for number, p in enumerate(packets_of(recording)) if p.key] == [0, 250]
    assert entry["trigger_in_file_s"] == pytest.approx(11, abs=0.2)
    assert len(numbers) / FPS == pytest.approx(11.6 + HOLD_S, abs=0.3)
    assert complaints(recording) == ""


def test_the_last_key_packet_in_time_begins_it(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    source = make(tmp_path / "in.mp4", seconds=26, moving=(23, 24), gop=250)
    assert run(source) == 0
    (entry,) = read_index(archive_path)
    assert entry["first_frame_s"] == pytest.approx(20, abs=0.001)
    assert numbers_of(archive_path / entry["file"])[0] == 500


def noisy(source: Iterator[np.ndarray[Any, Any]]) -> Iterator[np.ndarray[Any, Any]]:
    """The pictures with so much texture, always another, that they take some room."""
    rng = np.random.default_rng(2)
    for image in source:
        image[:40] = rng.integers(0, 256, (40, *image.shape[1:]), np.uint8)
        yield image


def test_memory_too_small_for_a_group_is_said_and_the_next_key_packet_begins_it(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    times = rising(FPS, 16)
    source = encode(tmp_path / "in.mp4", noisy(scene(times, (8, 12))), FPS, gop=250, bitrate=4_000_000)
    sizes = [len(packet.data) for packet in packets_of(source)]
    assert sum(sizes[:200]) > 2**20  # of the group that the trigger lies in
    assert (
        run(source, PRE_ALARM_MEMORY_LIMIT_MB=1, MOTION_REGIONS=[[(0, 0.25), (1, 0.25), (1, 1), (0, 1)]]) == 0
    )
    (entry,) = read_index(archive_path)
    assert entry["trigger_s"] == pytest.approx(8, abs=0.1)
    assert entry["first_frame_s"] == pytest.approx(10, abs=0.001)
    assert entry["trigger_in_file_s"] == 0
    assert "continues" not in entry
    assert complaints(archive_path / entry["file"]) == ""
    assert "PRE_ALARM_MEMORY_LIMIT_MB" in (tmp_path / "logs" / "pynvr.log").read_text()
