"""The camera goes away, stalls or comes back as another one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from conftest import Early, Measure
from harness import (
    LIVELY,
    Clip,
    Clips,
    JournalWatch,
    Lag,
    RecorderProcess,
    Recording,
    consecutive,
    open_files,
    recordings,
)
from rtsp import RtspServer, needs_rtsp
from wire import silent_server

from pynvr.demo import Visit

pytestmark = needs_rtsp

OPEN_TIMEOUT_S = 5.0
OUTAGES_S = (3, 30, 120)
LATE_VISIT = (Visit(7, 4),)
"""Nothing moves for seven seconds, so what is recorded before that is a false event."""


@dataclass
class Course:
    """What was seen of one camera's trouble, as moments of the monotonic clock."""

    away: float
    lost: float
    back: float
    found: float
    recorder: RecorderProcess
    recordings: list[Recording]
    watch: JournalWatch
    lag: Lag


def killed_server(clip: Clip, outage_s: float, folder: Path, dice: random.Random) -> Course:
    """Kill the server during a recording and bring it back."""
    with ExitStack() as stack:
        # from the start: waiting for the camera's next key frame is not what is measured
        server = stack.enter_context(RtspServer({"main": clip.path}, from_start=True))
        watch = stack.enter_context(JournalWatch(folder / "video"))
        recorder = stack.enter_context(RecorderProcess(folder, cam=server.url("main")))
        recorder.wait_for_frames(dice.randrange(30, 60))
        away = time.monotonic()
        server.kill()
        lost = recorder.wait_for("trying again", after=away)
        recorder.wait_for_recording(1)
        threading.Event().wait(max(0.0, away + outage_s - time.monotonic()))  # the outage itself
        server.start()
        back = time.monotonic()
        found = recorder.wait_for("connected, was away", timeout_s=60, after=away)
        recorder.wait_for("motion", after=found.time)
        recorder.wait_for_frames(30)
        recorder.stop()
        lag = Lag(clip)
        return Course(away, lost.time, back, found.time, recorder, recordings(recorder.archive), watch, lag)


def stopped_server(clip: Clip, stop_s: float, folder: Path, dice: random.Random) -> Course:
    """Stop the server's process with everything open, and let it go on."""
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer({"main": clip.path}))
        watch = stack.enter_context(JournalWatch(folder / "video"))
        recorder = stack.enter_context(RecorderProcess(folder, cam=server.url("main")))
        recorder.wait_for_frames(dice.randrange(60, 90))
        away = time.monotonic()
        server.pause_process()
        lost = recorder.wait_for("trying again", after=away)
        recorder.wait_for_recording(1)
        threading.Event().wait(max(0.0, away + stop_s - time.monotonic()))  # the stop itself
        server.resume_process()
        back = time.monotonic()
        found = recorder.wait_for("connected, was away", timeout_s=60, after=away)
        recorder.wait_for("motion", after=found.time)
        recorder.wait_for_frames(60)
        recorder.stop()
        lag = Lag(clip)
        return Course(away, lost.time, back, found.time, recorder, recordings(recorder.archive), watch, lag)


def start_early(early: Early) -> dict[str, list[Future[Course]]]:
    """All of them at the same time, since most of it is waiting."""
    clip = early.clips.get(LIVELY)
    cases: dict[str, Callable[[Path, random.Random], Course]] = {
        f"away {outage_s} s": partial(killed_server, clip, outage_s) for outage_s in OUTAGES_S
    }
    cases["stopped"] = partial(stopped_server, clip, 30)
    return {name: early.start(name, case) for name, case in cases.items()}


@pytest.mark.parametrize("outage_s", OUTAGES_S)
def test_server_killed_and_back(early: Callable[[str], list[Course]], outage_s: int, figure: Measure) -> None:
    for course in early(f"away {outage_s} s"):
        modulo = len(course.lag.clip.times)
        figure("server killed: loss logged after", course.lost - course.away, "s", 2)
        limit = 5 if outage_s <= 5 else 30 + OPEN_TIMEOUT_S
        figure(f"server back after {outage_s} s: first frame after", course.found - course.back, "s", limit)
        before, after = course.recordings
        assert consecutive(before.numbers, modulo)
        assert consecutive(after.numbers, modulo)
        assert open_files(course.recorder.archive) == []
        assert course.recorder.count("trying again") == 1
        assert course.recorder.count("connected, was away") == 1
        assert course.recorder.count("still away") <= outage_s / 60 + 1


def test_server_stopped_30_s(early: Callable[[str], list[Course]], figure: Measure) -> None:
    for course in early("stopped"):
        figure("server stopped: noticed after", course.lost - course.away, "s", 10)
        before, *rest, after = course.recordings
        written = course.watch.moments(before)
        # a recording's beginning was waiting in the ring; after it every frame is written when it comes
        live = [n for n, second in enumerate(before.played.times) if second > 3]
        course.lag.calibrate([written[n] for n in live], [before.numbers[n] for n in live])
        for recording in (before, *rest, after):
            said = course.lag.of(recording.moments(), recording.numbers)
            figure("server stopped: a recorded frame's time is off by", max(map(abs, said)), "s", 1)
            late = course.lag.of(course.watch.moments(recording), recording.numbers)
            live = [n for n, second in enumerate(recording.played.times) if second > 3]
            figure("server stopped: behind the camera", max(late[n] for n in live[:-2]), "s", 1)


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


def test_another_stream_after_a_reconnect(clips: Clips, tmp_path: Path, figure: Measure) -> None:
    first = clips.get(LIVELY, seconds=30)

    def change(name: str) -> None:
        other = OTHERS[name]
        second = clips.get(LATE_VISIT, seconds=30, size=other.size, fps=other.fps, codec=other.codec)
        with ExitStack() as stack:
            old = stack.enter_context(RtspServer({"main": first.path}, from_start=True))
            folder = tmp_path / name.replace(" ", "_")
            recorder = stack.enter_context(RecorderProcess(folder, cam=old.url("main")))
            recorder.wait_for_frames(30)
            away = time.monotonic()
            old.kill()
            recorder.wait_for("trying again", after=away)
            recorder.wait_for_recording(1)
            new = stack.enter_context(RtspServer({"main": second.path}, port=old.port, from_start=True))
            found = recorder.wait_for("connected", after=away)
            assert new.port == old.port
            recorder.wait_for("motion", after=found.time)
            recorder.wait_for_frames(30)
            recorder.stop()
            check_change(recorder, first, second, other, figure, "after a reconnect")

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(change, name) for name in OTHERS]:
            done.result()


def check_change(
    recorder: RecorderProcess, first: Clip, second: Clip, other: Other, figure: Measure, when: str
) -> None:
    """Two files, each whole and of one kind; no event but the visit; every frame is accounted for."""
    before, after = recordings(recorder.archive)
    assert consecutive(before.numbers, len(first.times)), str(before.numbers)
    assert consecutive(after.numbers, len(second.times)), str(after.numbers)
    assert before.played.size == (320, 240)
    assert after.played.size == other.size
    trigger = after.entry["trigger_s"] - after.entry["first_frame_s"]
    seconds = [second.times[number] for number in after.numbers]
    triggered = min(s for s, t in zip(seconds, after.played.times, strict=True) if t > trigger - 0.001)
    assert LATE_VISIT[0].start_s <= triggered <= LATE_VISIT[0].end_s, "a false event from the change"
    assert seconds[0] > LATE_VISIT[0].start_s - 3, "the pre-alarm reaches back to the change"
    # both streams began at frame 0, so the last numbers tell how many frames were sent
    came = before.numbers[-1] + 1 + after.numbers[-1] + 1
    status = recorder.status()
    assert status["frames_dropped"] == 0
    figure(f"another stream {when}: frames lost", abs(status["frames_received"] - came), "", 0)


def test_another_size_within_a_stream(clips: Clips, tmp_path: Path, figure: Measure) -> None:
    """OpenCV scales what comes to the size that it began with, and tells nobody.

    So there is nothing to be noticed before the next connection: the recording goes on, whole and readable.
    """
    first = clips.get(LIVELY, seconds=30)
    second = clips.get(LIVELY, seconds=30, size=OTHERS["size"].size)
    with (
        RtspServer({"main": first.path}, from_start=True, in_band=True) as server,
        RecorderProcess(tmp_path / "recorder", cam=server.url("main")) as recorder,
    ):
        recorder.wait_for_frames(30)
        server.command(f"switch main {second.path}")
        recorder.wait_for_frames(90)
        recorder.stop()
        found = recordings(recorder.archive)
        numbers = [number for recording in found for number in recording.numbers]
        change = numbers.index(0, 1)
        before, after = numbers[:change], numbers[change:]
        assert consecutive(before, len(first.times))
        assert consecutive(after, len(second.times))
        assert len(after) >= 20
        status = recorder.status()
        assert status["frames_dropped"] == status["reconnects"] == 0
        # the camera's clip began with frame 0, as did what followed
        came = before[-1] + 1 + after[-1] + 1
        figure("another size within a stream: frames lost", status["frames_received"] - came, "", 0)


def test_server_that_never_answers_unknown_host_wrong_password(
    clips: Clips, tmp_path: Path, figure: Measure
) -> None:
    secret = "s3cr3t-Ünd/so"
    clip = clips.get(LIVELY, seconds=30)
    quick = {"CAMERA_OPEN_TIMEOUT_SECS": 2, "CAMERA_READ_TIMEOUT_SECS": 2}
    with silent_server() as port, RtspServer({"main": clip.path}, user="viewer", password="right") as server:
        cases = {
            "never answers": f"rtsp://viewer:s3cr3t-%C3%9Cnd%2Fso@127.0.0.1:{port}/main",
            "unknown host": "rtsp://viewer:s3cr3t-%C3%9Cnd%2Fso@no-such-host.invalid/main",
            "wrong password": server.url("main", "viewer", secret),
        }

        def attempt(name: str) -> None:
            folder = tmp_path / name.replace(" ", "_")
            with RecorderProcess(folder, cam=cases[name], APP_LOG_LEVEL=10, **quick) as recorder:
                started = recorder.wait_for("watching").time
                lost = recorder.wait_for("trying again", timeout_s=30)
                # a little more for a machine that has a lot to do
                figure(f"{name}: tried for", max(0.0, lost.time - started), "s", 2 + 1)
                recorder.wait_for_status(state="connecting")
                figure(f"{name}: exit after", recorder.stop(), "s", 5)
                assert recorder.count("trying again") == 1
            for path in folder.rglob("*"):
                if path.is_file() and path.name != "chosen.py" and "project" not in path.parts:
                    text = path.read_text(errors="replace")
                    assert "s3cr3t" not in text, f"the password is in {path}"
            assert not any("s3cr3t" in line.text for line in recorder.lines)

        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(attempt, name) for name in cases]:
                done.result()
