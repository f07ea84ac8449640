"""The camera goes away, stalls or comes back as another one."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from harness import (
    LIVELY,
    Clips,
    JournalWatch,
    Lag,
    Measure,
    check_whole,
    consecutive,
    open_files,
    recordings,
    serving,
)
from rtsp import RtspServer, needs_rtsp
from running import Start
from wire import Wire, silent_server

from pynvr.demo.scene import Visit

pytestmark = needs_rtsp

OPEN_TIMEOUT_S = 5.0
OUTAGES_S = (3, 30, 120)
LATE_VISIT = (Visit(7, 4),)
"""Nothing moves for seven seconds, so what is recorded before that is a false event."""


@pytest.mark.parametrize(
    "outage_s", [pytest.param(outage_s, marks=pytest.mark.lasts(40 + outage_s)) for outage_s in OUTAGES_S]
)
def test_server_killed_and_back(
    repetition: int,
    outage_s: int,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    """Kill the server during a recording and bring it back."""
    clip = clips.get(LIVELY)
    # from the start: waiting for the camera's next key frame is not what is measured
    server = stack.enter_context(serving(clip, from_start=True))
    recorder = start(cam=server.url("main"))
    each = recorder.connections
    recorder.wait_for_frames(dice.randrange(30, 60))
    away = time.monotonic()
    server.kill()
    lost = recorder.wait_for("trying again", after=away, count=each)
    figure("server killed: loss logged after", lost.time - away, "s", 2)
    recorder.wait_for_recording(1)
    threading.Event().wait(max(0.0, away + outage_s - time.monotonic()))  # the outage itself
    server.start()
    back = time.monotonic()
    found = recorder.wait_for("connected, was away", timeout_s=60, after=away, count=each)
    limit = 5 if outage_s <= 5 else 30 + OPEN_TIMEOUT_S
    figure(f"server back after {outage_s} s: first frame after", found.time - back, "s", limit)
    recorder.wait_for("motion", after=away)
    recorder.wait_for_frames(30)
    recorder.stop()
    before, after = recordings(recorder.archive)
    for recording in (before, after):
        check_whole(clip, figure, recording)
    assert open_files(recorder.archive) == []
    assert recorder.count("trying again") == each
    assert recorder.count("connected, was away") == each
    assert recorder.count("still away") <= each * (outage_s / 60 + 1)


@pytest.mark.lasts(60)
def test_server_stopped_30_s(
    repetition: int,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    """Stop the server's process with everything open, and let it go on."""
    clip = clips.get(LIVELY)
    server = stack.enter_context(serving(clip))
    recorder = start(cam=server.url("main"))
    each = recorder.connections
    watch = stack.enter_context(JournalWatch(recorder.archive))
    recorder.wait_for_frames(dice.randrange(60, 90))
    away = time.monotonic()
    server.pause_process()
    lost = recorder.wait_for("trying again", after=away, count=each)
    figure("server stopped: noticed after", lost.time - away, "s", 10)
    recorder.wait_for_recording(1)
    threading.Event().wait(max(0.0, away + 30 - time.monotonic()))  # the stop itself
    server.resume_process()
    found = recorder.wait_for("connected, was away", timeout_s=60, after=away, count=each)
    recorder.wait_for("motion", after=away)
    recorder.wait_for_frames(60)
    recorder.stop()
    assert found.time - away > 30
    before, *rest, after = recordings(recorder.archive)
    lag, written = Lag(clip), watch.moments(before)
    # a recording's beginning was waiting in the ring; after it every frame is written when it comes
    live = [n for n, second in enumerate(before.played.times) if second > 3]
    lag.calibrate([written[n] for n in live], [before.numbers[n] for n in live])
    for recording in (before, *rest, after):
        said = lag.of(recording.moments(), recording.numbers)
        figure("server stopped: a recorded frame's time is off by", max(map(abs, said)), "s", 1)
        late = lag.of(watch.moments(recording), recording.numbers)
        live = [n for n, second in enumerate(recording.played.times) if second > 3]
        figure("server stopped: behind the camera", max(late[n] for n in live[:-2]), "s", 1)


@pytest.mark.parametrize("mode", ["copy", "copy with sound"])  # encode mode has only the one stream
def test_recorded_stream_lost_while_the_other_goes_on(
    repetition: int,
    mode: str,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    clip = clips.get(LIVELY)
    server = stack.enter_context(
        RtspServer({"sub": clip.path, "main": clip.path}, from_start=True, sound=bool(clip.sound))
    )
    wire = stack.enter_context(Wire(server.port))
    recorder = start(cam=server.url("sub"), RECORDING_CAM=wire.url(server.url("main")))
    recorder.wait_for_frames(dice.randrange(30, 60))
    away = time.monotonic()
    wire.refuse()
    lost = recorder.wait_for("trying again", after=away)
    assert "ERROR" in lost.text
    assert f":{wire.port}/main" in lost.text
    figure("recorded stream lost: logged after", lost.time - away, "s", 2)
    status = recorder.wait_for_status(state="cannot record")
    figure("recorded stream lost: status says so after", time.monotonic() - away, "s", 10)
    assert status["recording_camera_connected"] is False
    assert status["last_frame_age_s"] < 2
    recorder.wait_for_recording(1)
    wire.accept()
    back = time.monotonic()
    recorder.wait_for("the event goes on in another file", timeout_s=40, after=away)
    figure("recorded stream back: recording again after", time.monotonic() - back, "s", 30 + OPEN_TIMEOUT_S)
    recorder.wait_for_frames(30)
    recorder.wait_for_status(state="recording")
    recorder.stop()
    assert recorder.count("trying again") == 1
    before, *after = recordings(recorder.archive)
    check_whole(clip, figure, before)
    for recording in after:
        check_whole(clip, figure, recording)
        assert recording.entry["continues"] is True
    assert recorder.status()["reconnects"] == 0


@dataclass(frozen=True)
class Other:
    """The stream that comes after the change."""

    size: tuple[int, int] = (320, 240)
    fps: float = 10.0
    codec: str = "h264"


OTHERS = {
    "size": Other(size=(400, 304)),
    "rate": Other(fps=20.0),
    "codec h265": Other(codec="h265"),
    "codec mjpeg": Other(codec="mjpeg"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_stream_after_a_reconnect(
    repetition: int,
    name: str,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    """Two files, each whole and of one kind; no event but the visit; every frame is accounted for."""
    other = OTHERS[name]
    first = clips.get(LIVELY, seconds=30)
    second = clips.get(LATE_VISIT, seconds=30, size=other.size, fps=other.fps, codec=other.codec)
    old = stack.enter_context(serving(first, from_start=True))
    recorder = start(cam=old.url("main"))
    recorder.wait_for_frames(dice.randrange(30, 60))
    away = time.monotonic()
    old.kill()
    recorder.wait_for("trying again", after=away, count=recorder.connections)
    recorder.wait_for_recording(1)
    recorder.wait_for_status(state="connecting", last_error=bool)
    came = recorder.received
    # not from the start, since copy mode's two connections have to see the same
    stack.enter_context(serving(second, port=old.port))
    recorder.wait_for("connected", timeout_s=40, after=away, count=recorder.connections)
    recorder.wait_for("motion", timeout_s=60, after=away)
    recorder.wait_for_frames(round(5 * other.fps))
    recorder.stop()
    before, after = recordings(recorder.archive)
    check_whole(first, figure, before)
    check_whole(second, figure, after)
    assert before.played.size == (320, 240)
    assert after.played.size == other.size
    trigger = after.entry["trigger_s"] - after.entry["first_frame_s"]
    seconds = [second.times[number] for number in after.numbers]
    triggered = min(s for s, t in zip(seconds, after.played.times, strict=True) if t > trigger - 0.001)
    # the packets' time may be that of the frame beside the frame that was seen
    assert LATE_VISIT[0].start_s - 0.15 < triggered <= LATE_VISIT[0].end_s, "a false event from the change"
    earliest = LATE_VISIT[0].start_s - (4 if recorder.copies else 3)
    assert seconds[0] > earliest, "the pre-alarm reaches back to the change"
    assert recorder.status()["frames_dropped"] == 0
    # the first stream began at frame 0; the last packet of a connection that broke may be half a picture
    lost = abs(came - 1 - before.numbers[-1])
    figure("another stream after a reconnect: frames lost", lost, "", int(recorder.copies))


@pytest.mark.parametrize("mode", ["encode"])
def test_another_size_within_a_stream(repetition: int, clips: Clips, start: Start, figure: Measure) -> None:
    """OpenCV returns the last picture that fitted again and again: that is noticed, and heals itself."""
    first = clips.get(LIVELY, seconds=30)
    second = clips.get(LIVELY, seconds=30, size=OTHERS["size"].size)
    with serving(first, from_start=True, in_band=True) as server:
        recorder = start(cam=server.url("main"))
        recorder.wait_for_frames(30)
        changed = time.monotonic()
        server.command(f"switch main {second.path}")
        recorder.wait_for("another size or colour format now", after=changed)
        found = recorder.wait_for("connected, was away", after=changed)
        figure("another size within a stream: seen again after", found.time - changed, "s", 15)
        recorder.wait_for_recording(1)
        recorder.wait_for_frames(30)
        recorder.stop()
        before, *_, after = recordings(recorder.archive)
    frozen = before.numbers.index(before.numbers[-1])
    assert consecutive(before.numbers[: frozen + 1], len(first.times))
    assert set(before.numbers[frozen:]) == {before.numbers[-1]}
    assert after.played.size == OTHERS["size"].size
    assert consecutive(after.numbers, len(second.times))
    assert recorder.status()["reconnects"] == 1


@pytest.mark.parametrize("mode", ["copy", "copy with sound"])
def test_another_size_within_a_copied_stream(
    repetition: int, clips: Clips, start: Start, dice: random.Random, figure: Measure
) -> None:
    """The packets tell: what is sent from then on goes into another file."""
    first = clips.get(LIVELY, seconds=30)
    second = clips.get(LIVELY, seconds=30, size=OTHERS["size"].size)
    with serving(first, from_start=True, in_band=True) as server:
        recorder = start(cam=server.url("main"))
        recorder.wait_for_frames(dice.randrange(30, 60))
        changed = time.monotonic()
        server.command(f"switch main {second.path}")
        found = recorder.wait_for("its stream has changed", after=changed)
        figure("another size within a stream: recorded again after", found.time - changed, "s", 5)
        recorder.wait_for_recording(1)
        recorder.wait_for_frames(20)
        recorder.stop()
    before, after, *_ = recordings(recorder.archive)
    assert before.played.size == (320, 240)
    assert after.played.size == OTHERS["size"].size
    check_whole(first, figure, before)
    assert consecutive(after.numbers, len(second.times))  # it begins with the last of the first clip's sound
    status = recorder.status()
    assert status["frames_dropped"] == status["reconnects"] == 0


SECRET = "s3cr3t-Ünd/so"
LOGIN = "viewer:s3cr3t-%C3%9Cnd%2Fso"


@pytest.mark.parametrize("what", ["never answers", "unknown host", "wrong password"])
def test_server_that_is_of_no_use(
    repetition: int, what: str, start: Start, stack: ExitStack, clips: Clips, figure: Measure
) -> None:
    clip = clips.get(LIVELY, seconds=30)
    server = serving(clip, user="viewer", password="right")
    cam = {
        "never answers": lambda: f"rtsp://{LOGIN}@127.0.0.1:{stack.enter_context(silent_server())}/main",
        "unknown host": lambda: f"rtsp://{LOGIN}@no-such-host.invalid/main",
        "wrong password": lambda: stack.enter_context(server).url("main", "viewer", SECRET),
    }[what]()
    recorder = start(cam=cam, APP_LOG_LEVEL=10, CAMERA_OPEN_TIMEOUT_SECS=2, CAMERA_READ_TIMEOUT_SECS=2)
    started = recorder.wait_for("watching").time
    lost = recorder.wait_for("trying again", timeout_s=30, count=recorder.connections)
    # a little more for a machine that has a lot to do
    figure(f"{what}: tried for", max(0.0, lost.time - started), "s", 2 + 1)
    recorder.wait_for_status(state="connecting")
    figure(f"{what}: exit after", recorder.stop(), "s", 5)
    assert recorder.count("trying again") == recorder.connections
    for path in recorder.folder.rglob("*"):
        if path.is_file() and path.name != "chosen.py" and "project" not in path.parts:
            text = path.read_text(errors="replace")
            assert "s3cr3t" not in text, f"the password is in {path}"
    assert not any("s3cr3t" in line.text for line in recorder.lines)
