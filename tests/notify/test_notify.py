"""The recorder tells of what happens: the whole of it, with real hooks, a real broker and a real stream."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import pytest
from broker import Mosquitto, Subscriber
from recordings import make_clip, play, read_index, rising, videos
from rtsp import RtspServer, encode, needs_rtsp
from running import ROOT, Start, defaults, until

from pynvr.cli import record
from pynvr.demo.frame_number import read_frame_number
from pynvr.demo.scene import DemoScene, Visit
from pynvr.notify.event import Event

TOPIC = "pynvr/door"
WRITE_DOWN = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
"""A hook that keeps the events."""


@pytest.fixture
def config(config_module: ModuleType, tmp_path: Path) -> ModuleType:
    config_module.__dict__.update(defaults(tmp_path), CAMERA_NAME="Front door")
    return config_module


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two visitors; nothing is left of the first one's event when the second comes."""
    return make_clip(tmp_path / "clip.mp4", rising(10, 40), (Visit(6.0, 2.0), Visit(26.0, 2.0)))


def run(config: ModuleType, cam: object, **settings: object) -> int:
    config.__dict__.update(settings)
    return record(lambda: config, ["--cam", str(cam)])


def hook(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", WRITE_DOWN, str(tmp_path / "events.jsonl")]


def written(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


BOTH = ["started", "motion_started", "motion_ended", "recording_closed", "motion_started", "motion_ended",
        "recording_closed", "stopped"]  # fmt: skip


def in_order(types: list[str]) -> bool:
    """Whether it is `BOTH`, where the closing of a recording may come a little later."""
    now = [kind for kind in types if kind != "recording_closed"]
    return (
        now == [kind for kind in BOTH if kind != "recording_closed"] and types.count("recording_closed") == 2
    )


def test_everybody_is_told_everything(
    config: ModuleType, clip: Path, tmp_path: Path, archive_path: Path
) -> None:
    heard: list[Event] = []
    with Mosquitto(tmp_path) as broker, Subscriber(broker.port) as listener:
        url = f"mqtt://127.0.0.1:{broker.port}/{TOPIC}"
        code = run(config, clip, onEventFunc=heard.append, ON_EVENT_COMMAND=hook(tmp_path), MQTT_URL=url)
        assert code == 0
        listener.wait_for(f"{TOPIC}/availability", b"offline")
        told = listener.events(TOPIC)
        assert listener.payloads(f"{TOPIC}/picture")
        assert json.loads(listener.payloads(f"{TOPIC}/state")[-1])["state"] == "stopped"
    assert in_order([event.type for event in heard])
    assert in_order([event["type"] for event in written(tmp_path)])
    assert in_order([event["type"] for event in told])
    index = read_index(archive_path)
    for events in ([json.loads(event.as_json()) for event in heard], written(tmp_path), told):
        closed = [event for event in events if event["type"] == "recording_closed"]
        assert [event["recording"] for event in closed] == index
        assert [event["id"] for event in closed] == [entry["id"] for entry in index]
        assert {event["camera"] for event in events} == {"Front door"}
        for event in closed:
            assert Path(event["file"]).exists()
            assert Path(event["picture"]).read_bytes().startswith(b"\xff\xd8")
    started = next(event for event in heard if event.type == "motion_started")
    assert started.picture is not None
    assert started.time_s == index[0]["trigger_s"]
    assert cv2.imread(started.picture) is not None


def test_the_pictures_of_a_recording_are_frames_of_it(
    config: ModuleType, clip: Path, archive_path: Path
) -> None:
    assert run(config, clip) == 0
    for entry in read_index(archive_path):
        number = read_frame_number(cv2.imread(str(archive_path / entry["picture"])))
        assert number == round(entry["peak_s"] * 10)
        assert entry["trigger_s"] <= entry["peak_s"] <= entry["last_motion_s"]
        assert number in play(archive_path / entry["file"]).numbers
        left, top, width, height = entry["peak_box"]
        assert 0 < width < 1 and 0 < height < 1 and left >= 0 and top >= 0 and left + width <= 1.0001
        strip = cv2.imread(str(archive_path / entry["strip"]))
        assert strip.shape[1] == 240 * len(entry["strip_s"])


def test_who_switches_it_off_has_no_thread_of_it(
    config: ModuleType, clip: Path, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        seen.add(thread.name)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert run(config, clip) == 0
    assert "arming" in seen
    assert not [name for name in seen if name.startswith(("to ", "paho", "onEventFunc", "latest"))]
    assert not list(archive_path.glob(".pynvr.cursor*"))


def test_the_extra_is_imported_where_it_is_used_only() -> None:
    asked = "import sys; from pynvr import cli; sys.exit(any('paho' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=False).returncode == 0


def test_disarmed_nothing_is_recorded_or_told(
    config: ModuleType, clip: Path, tmp_path: Path, archive_path: Path
) -> None:
    archive_path.mkdir()
    (archive_path / ".disarmed").touch()
    assert run(config, clip, ON_EVENT_COMMAND=hook(tmp_path)) == 0
    assert [event["type"] for event in written(tmp_path)] == ["started", "stopped"]
    assert videos(archive_path) == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"MQTT_URL": "mqtt://host"}, "no topic"),
        ({"ON_EVENT_COMMAND": ["/no/such"]}, "no program"),
        ({"ON_EVENT_COMMAND": "notify {type}"}, "ON_EVENT_COMMAND"),
        ({"onEventFunc": "notify"}, "has to be a function"),
        ({"ARMED_TIMES": ["Mo-Fr"]}, "ARMED_TIMES"),
        ({"ARMED_TIMES": ["Sat"], "armedFunc": len}, "set one of them"),
        ({"EVENT_TIMEOUT_SECS": 0}, "EVENT_TIMEOUT_SECS"),
    ],
)
@pytest.mark.parametrize("check", [[], ["--check"]])
def test_settings_that_cannot_work(
    config: ModuleType, capsys: pytest.CaptureFixture[str], setting: dict[str, object], words: str,
    check: list[str], logged_errors: list[str],
) -> None:  # fmt: skip
    config.__dict__.update(setting)
    assert record(lambda: config, ["--cam", "demo", *check]) == 78
    assert words in capsys.readouterr().err


def test_the_latest_picture_and_the_metrics(config: ModuleType, clip: Path, tmp_path: Path) -> None:
    latest, metrics = tmp_path / "web" / "latest.jpg", tmp_path / "metrics" / "door.prom"
    assert (
        run(
            config,
            clip,
            LATEST_PICTURE_PATH=str(latest),
            LATEST_PICTURE_SECS=7,
            METRICS_FILE_PATH=str(metrics),
            CAMERA_NAME="Front door",
        )
        == 0
    )
    assert read_frame_number(cv2.imread(str(latest))) == 350  # at 35 s of 40
    assert [path.name for path in latest.parent.iterdir()] == ["latest.jpg"]
    assert 'pynvr_frames_received_total{camera="Front door"} ' in metrics.read_text()


# ---- a network camera


FPS = 15


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of a small numbered stream with a visitor, which a camera sends again and again."""
    scene = DemoScene((320, 240), visits=(Visit(4, 3),))
    frames = (scene.render(index / FPS, index) for index in range(12 * FPS))
    return encode(tmp_path_factory.mktemp("stream") / "stream.mp4", frames, FPS)


@needs_rtsp
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_a_network_camera(stream: Path, start: Start, tmp_path: Path, mode: str) -> None:
    settings: dict[str, object] = {"RECORDING_MODE": mode, "OUTPUT_FILES_EXTENSION": ".mp4"}
    with Mosquitto(tmp_path) as broker, Subscriber(broker.port) as listener, \
            RtspServer({"cam": stream}, from_start=True) as server:  # fmt: skip
        recorder = start(
            cam=server.url("cam"), MINIMAL_MOTION_DURATION=1, PRE_ALARM_RECORDING_SECONDS=1,
            INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=1, CAMERA_NAME="door",
            MQTT_URL=f"mqtt://127.0.0.1:{broker.port}/{TOPIC}", ON_EVENT_COMMAND=hook(tmp_path),
            LATEST_PICTURE_PATH=str(tmp_path / "latest.jpg"), LATEST_PICTURE_SECS=1, **settings,
        )  # fmt: skip
        moved = listener.wait_for(f"{TOPIC}/motion", b"ON", 30)
        listener.wait(f"{TOPIC}/picture")
        pictured = next(at for at, message in listener.messages if message.topic == f"{TOPIC}/picture")
        assert pictured - moved < 1.0
        (entry, *_) = recorder.wait_for_recording(1, 40)
        assert (tmp_path / "latest.jpg").exists()
        listener.send(f"{TOPIC}/keep/set", entry["id"])
        kept = (recorder.archive / entry["file"]).with_suffix(".keep")
        until(kept.exists, 10, "the recording to be kept")

        listener.send(f"{TOPIC}/armed/set", "OFF")
        listener.wait_for(f"{TOPIC}/armed", b"OFF")
        recorder.wait_for_status(15, armed=False)
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for_status(15, armed=True)
        recorder.signal(signal.SIGUSR2)
        recorder.wait_for_status(15, armed=False)
        count = len(recorder.index())
        listener.send(f"{TOPIC}/record/set", "")
        recorder.wait_for("a recording is asked for and not made: disarmed")
        assert len(recorder.index()) == count
        recorder.signal(signal.SIGUSR1)
        recorder.wait_for_status(15, armed=True)

        def asked() -> bool:
            """Ask again and again: while the visitor is there, a recording goes on anyway."""
            (recorder.archive / ".record").touch()
            return any(event["message"] for event in listener.events(TOPIC))

        until(asked, 20, "the recording that is asked for")
        recorder.stop()
        assert listener.payloads(f"{TOPIC}/availability")[-1] == b"offline"
        told = listener.events(TOPIC)
    number = read_frame_number(cv2.imread(str(recorder.archive / entry["picture"])))
    assert number in play(recorder.archive / entry["file"]).numbers
    assert {event["type"] for event in told} >= set(BOTH)
    started = [event for event in written(tmp_path) if event["type"] == "motion_started"]
    assert started[0]["picture"] is not None


@needs_rtsp
@pytest.mark.slow
def test_a_camera_that_is_lost(stream: Path, start: Start, tmp_path: Path, logged_errors: list[str]) -> None:
    server = RtspServer({"cam": stream})
    with server:
        recorder = start(cam=server.url("cam"), ON_EVENT_COMMAND=hook(tmp_path), CAMERA_READ_TIMEOUT_SECS=1)
        recorder.wait_for("connected")
        recorder.wait_for_status(20, fps=lambda fps: fps and fps > 1)
        server.stop()
        until(lambda: any(e["type"] == "camera_lost" for e in written(tmp_path)), 30, "camera_lost")
        server.start()
        until(lambda: any(e["type"] == "camera_found" for e in written(tmp_path)), 60, "camera_found")
        recorder.stop()
    lost = next(event for event in written(tmp_path) if event["type"] == "camera_lost")
    assert "lost" in lost["message"]
