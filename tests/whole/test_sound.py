"""Sound in copy mode: what was heard is recorded beside what was seen, whatever befalls the camera."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from copies import FPS, QUICK, complaints, numbers_of
from rtsp import RtspServer, needs_rtsp
from running import Start, until
from sounds import RATE, apart_s, begun_later, clapping, claps_in, codec_of_sound, spoilt, times_in
from wire import Harm, Wire

pytestmark = [needs_rtsp, pytest.mark.slow]

PRE_S = 2.0
MOST_APART_S = 0.04


@pytest.fixture
def start(start: Start) -> Start:
    """In copy mode with sound, and quick."""
    return partial(start, **QUICK, RECORD_SOUND=True, PRE_ALARM_RECORDING_SECONDS=PRE_S)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes streams that clap, each only once."""
    folder = tmp_path_factory.mktemp("streams")
    made: dict[str, Path] = {}

    def make(sound: str, **options: object) -> Path:
        name = "".join(c for c in f"{sound}{options}" if c.isalnum())
        if name not in made:
            made[name] = clapping(folder / f"{name}.mkv", sound, **options)
        return made[name]

    return make


def check(recording: Path, codec: str, claps: int) -> None:
    """A recording has sound of this codec, nobody complains of it, and it claps in time."""
    assert codec_of_sound(recording) == codec
    assert complaints(recording) == ""
    apart = apart_s(recording)
    assert len(apart) >= claps, claps_in(recording)
    assert max(map(abs, apart)) <= MOST_APART_S, apart


@pytest.mark.parametrize(
    ("sound", "options", "recorded"),
    [
        ("aac", {}, "aac"),
        ("pcm_alaw", {"codec": "mjpeg"}, "pcm_s16le"),
        ("aac", {"codec": "mjpeg"}, "aac"),
        ("aac", {"codec": "h265"}, "aac"),
        ("aac", {"bframes": 2, "gop": 50}, "aac"),
        ("opus", {}, "opus"),
        ("mp3", {}, "mp3"),
        ("pcm_mulaw", {}, "aac"),
        ("pcm_alaw", {}, "aac"),
    ],
)
def test_what_was_heard_is_recorded(
    stream: Callable[..., Path], start: Start, sound: str, options: dict[str, object], recorded: str
) -> None:
    with RtspServer({"cam": stream(sound, **options)}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
    entry = recorder.index()[0]
    # from the pre-alarm to the end of the hold: motion from 4 to 5 s
    check(recorder.archive / entry["file"], recorded, claps=4)
    assert recorder.count("connected") == 1
    assert entry["trigger_in_file_s"] >= PRE_S - 0.001


def test_pictures_that_come_without_start_codes(stream: Callable[..., Path], start: Start) -> None:
    """As over RTMP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"rtmp://127.0.0.1:{free.getsockname()[1]}/live/cam"
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(stream("aac"))]
    command += ["-c", "copy", "-f", "flv", "-listen", "1", address]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as camera:
        try:
            recorder = start(cam=address)
            recorder.wait_for_recording(1, 20)
            recorder.stop()
        finally:
            camera.kill()
    check(recorder.archive / recorder.index()[0]["file"], "aac", claps=4)


def test_both_are_in_step_after_the_camera_was_lost(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": stream("aac")}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        server.kill()
        recorder.wait_for("lost", 10)
        server.start()
        recorder.wait_for_recording(2, 40)
        recorder.stop()
    for entry in recorder.index()[:2]:
        check(recorder.archive / entry["file"], "aac", claps=3)


def test_another_sound_after_a_reconnect(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": stream("opus")}, from_start=True, sound=True) as old:
        recorder = start(cam=old.url("cam"))
        recorder.wait_for_recording(1, 20)
        old.kill()
        recorder.wait_for("lost", 10)
        with RtspServer({"cam": stream("pcm_mulaw")}, port=old.port, from_start=True, sound=True):
            recorder.wait_for_recording(2, 40)
            recorder.stop()
    for entry, codec in zip(recorder.index()[:2], ("opus", "aac"), strict=True):
        check(recorder.archive / entry["file"], codec, claps=3)


def test_another_sound_within_a_connection(stream: Callable[..., Path], start: Start) -> None:
    """Nothing describes it, so it is left out and the log says so; no picture is lost."""
    film, other = (stream(sound, seconds=30, moving=(2, 30)) for sound in ("aac", "aac_16k"))
    with RtspServer({"cam": film}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"), RECORDING_MAX_DURATION_SECS=10)
        recorder.wait_for_frames(50)
        server.command(f"switch cam {other}")
        recorder.wait_for("its sound is missing or has changed", 40)
        seen = len(recorder.index())
        recorder.wait_for_recording(seen + 2, 40)
        recorder.stop()
    assert recorder.count("its sound is missing or has changed") == recorder.count("connected") == 1
    recordings = [recorder.archive / entry["file"] for entry in recorder.index()]
    for recording in recordings:
        steps = np.diff([number or 0 for number in numbers_of(recording)])
        assert set(steps[steps > 0]) == {1}
        assert sum(steps < 0) <= 1  # where the other stream begins
    assert codec_of_sound(recordings[0]) == "aac"
    assert codec_of_sound(recordings[seen + 1]) is None
    assert complaints(recordings[seen + 1]) == ""


def test_a_long_event_has_sound_in_each_file(stream: Callable[..., Path], start: Start) -> None:
    film = stream("pcm_mulaw", seconds=30, moving=(2, 30))
    with RtspServer({"cam": film}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"), RECORDING_MAX_DURATION_SECS=10)
        recorder.wait_for_recording(2, 40)
        recorder.stop()
    first, second = recorder.index()[:2]
    for entry in (first, second):
        check(recorder.archive / entry["file"], "aac", claps=9)
    # the first file has its sound up to its end, and the second one from its beginning on
    missing_s = 0.0
    for entry, end in ((first, -1), (second, 0)):
        pictures, sound = times_in(recorder.archive / entry["file"])
        missing_s += (pictures[end] - sound[end]) * (1 if end else -1)
    assert abs(missing_s) < 0.2


def test_kill_9_costs_a_second_of_sound_at_most(stream: Callable[..., Path], start: Start) -> None:
    film = stream("pcm_mulaw", seconds=30, moving=(2, 30))
    with RtspServer({"cam": film}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_frames(150)
        killed = recorder.kill()
        recorder.start()
        recorder.wait_for("recovered")
        recorder.stop()
    entry = recorder.index()[0]
    recording = recorder.archive / entry["file"]
    assert entry["recovered"]
    assert killed - datetime.fromisoformat(entry["last_frame_utc"]).timestamp() < 1
    check(recording, "aac", claps=4)
    pictures, sound = times_in(recording)
    assert sound[-1] > pictures[-1] - 0.75  # at 8 kHz a piece of AAC takes 0.13 s, and some wait for others


def test_sound_that_comes_now_and_then(stream: Callable[..., Path], start: Start) -> None:
    """It is recorded where it comes, in step with the pictures, and delays none of them."""
    film = stream("aac", seconds=30, moving=(6, 18))
    with RtspServer({"cam": film}, from_start=True, sound=True) as server:
        server.command("mute 1000")
        recorder = start(cam=server.url("cam"))
        recorder.wait_for("motion")
        server.command("mute 0")  # the first sound of this connection lies within the recording
        recorder.wait_for_frames(200)
        server.command("mute 3")
        recorder.wait_for_recording(1, 40)
        recorder.stop()
    entry = recorder.index()[0]
    recording = recorder.archive / entry["file"]
    assert codec_of_sound(recording) == "aac"
    pictures, sound = times_in(recording)
    assert len(pictures) == pytest.approx(25 * (pictures[-1] - pictures[0]), abs=3)
    steps = np.diff(sound)
    assert max(steps) > 2
    assert steps[steps < 2] == pytest.approx(1024 / RATE, abs=0.002)
    together = [apart for apart in apart_s(recording) if abs(apart) < 0.4]  # others had no sound
    assert len(together) >= 4
    assert max(map(abs, together)) <= MOST_APART_S


def test_sound_that_comes_long_before_the_first_picture(stream: Callable[..., Path], start: Start) -> None:
    """As from a server that has its client wait for a key picture, and told of its parameter sets before."""
    film = stream("aac", seconds=30, moving=(6, 18))
    with RtspServer({"cam": film}, from_start=True, sound=True) as server:
        server.command("blind 1000")
        recorder = start(cam=server.url("cam"), CAMERA_READ_TIMEOUT_SECS=20)
        until(lambda: "playing cam" in server.lines, 20, "a client")
        server.command("blind 4")
        recorder.wait_for("motion", 40)
        recorder.stop()
    assert recorder.count("without parameter sets") == 0
    check(recorder.archive / recorder.index()[0]["file"], "aac", claps=1)


@pytest.mark.parametrize(("sound", "silent_s"), [("aac", 0.0), ("aac", 0.27), ("pcm_mulaw", 0.8)])
def test_a_camera_that_reports_no_clocks(
    stream: Callable[..., Path], start: Start, sound: str, silent_s: float
) -> None:
    """When its sound began is seen in the arrivals."""
    film = begun_later(stream(sound), silent_s)
    with (
        RtspServer({"cam": film}, from_start=True, sound=True) as server,
        Wire(server.port, harm=Harm(unreported=True)) as wire,
    ):
        recorder = start(cam=wire.url(server.url("cam")))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
    check(recorder.archive / recorder.index()[0]["file"], "aac", claps=4)


@pytest.mark.parametrize("announced", [False, True])
def test_without_any_sound_the_pictures_are_recorded(
    stream: Callable[..., Path], start: Start, announced: bool
) -> None:
    with RtspServer({"cam": stream("aac")}, from_start=True, sound=announced) as server:
        server.command("mute 1000")
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
    recording = recorder.archive / recorder.index()[0]["file"]
    assert codec_of_sound(recording) is None
    assert complaints(recording) == ""
    assert recorder.count("has no sound") == (0 if announced else 1)


def test_sound_alone_is_no_sign_of_life(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": stream("aac")}, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for("connected")
        server.command("blind 5")
        recorder.wait_for("lost after", 4)
        recorder.wait_for("was away", 20)
        recorder.stop()


def test_a_silent_camera_does_not_hold_up_the_end(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": stream("aac")}, sound=True) as server:
        recorder = start(cam=server.url("cam"), CAMERA_READ_TIMEOUT_SECS=60.0)
        recorder.wait_for("connected")
        server.pause_process()
        assert recorder.stop() < 5


def test_damaged_sound_spoils_no_picture(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": spoilt(stream("aac"))}, from_start=True, sound=True) as server:
        recorder = start(cam=server.url("cam"))
        recorder.wait_for_recording(1, 20)
        recorder.stop()
    recording = recorder.archive / recorder.index()[0]["file"]
    pictures, sound = times_in(recording)
    assert len(pictures) == pytest.approx(25 * (pictures[-1] - pictures[0]), abs=2)
    assert len(sound) > 100
    numbers = numbers_of(recording)
    assert np.diff([number or 0 for number in numbers]).tolist() == [1] * (len(numbers) - 1)


def test_an_avi_is_refused(stream: Callable[..., Path], start: Start) -> None:
    with RtspServer({"cam": stream("pcm_alaw", codec="mjpeg")}, sound=True) as server:
        recorder = start(cam=server.url("cam"), OUTPUT_FILES_EXTENSION=".avi")
        assert recorder.wait() == 78
    assert recorder.count("cannot keep the sound of") == 1


def test_encode_mode_has_no_sound(start: Start) -> None:
    recorder = start(cam="demo", RECORDING_MODE="encode")
    assert recorder.wait() == 78
    assert recorder.count('RECORD_SOUND goes with RECORDING_MODE = "copy" only') == 1


@pytest.mark.parametrize(
    "harm",
    [Harm(drop=0.02), Harm(flip=0.0005), Harm(flip=0.002, flip_all=True)],
    ids=["lost", "flipped", "all"],
)
def test_a_bad_wire_ends_nothing(stream: Callable[..., Path], start: Start, harm: Harm) -> None:
    """What was damaged may be missing; afterwards both are recorded in step."""
    with RtspServer({"cam": stream("aac")}, sound=True) as server, Wire(server.port, seed=3) as wire:
        recorder = start(cam=wire.url(server.url("cam")))
        recorder.wait_for_recording(1, 30)
        wire.harm = harm
        recorder.wait_for("lost" if harm.flip_all else "motion", 30, count=1 if harm.flip_all else 2)
        wire.harm = Harm()
        seen = len(recorder.index())

        def whole() -> list[str]:
            """Not the rest of an event that lasted until the camera was found again."""
            return [entry["file"] for entry in recorder.index()[seen:] if entry["frames"] >= 3 * FPS]

        until(lambda: len(whole()) >= 2, 60, "two recordings of whole events")
        recorder.stop()
    check(recorder.archive / whole()[-1], "aac", claps=2)
    assert recorder.count("Traceback") == 0
