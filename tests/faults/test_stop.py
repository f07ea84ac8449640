"""SIGTERM and SIGINT in every state: in time, with exit code 0, and every frame received is in the file."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack

import pytest
from harness import LIVELY, Clip, Clips, Measure, check_whole, open_files, recordings, serving
from rtsp import needs_rtsp
from running import RecorderProcess, Start
from wire import Harm, Wire, silent_server

pytestmark = needs_rtsp

both = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@both
@pytest.mark.repeat(2)
def test_stop_while_connecting(
    repetition: int, number: signal.Signals, start: Start, figure: Measure
) -> None:
    with silent_server() as port:
        recorder = start(cam=f"rtsp://127.0.0.1:{port}/main")
        recorder.wait_for("watching")
        check_exit(recorder, number, figure, "connecting", 5)


@both
@pytest.mark.repeat(2)
def test_stop_while_recording(
    repetition: int,
    number: signal.Signals,
    start: Start,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    clip = clips.get(LIVELY)
    with serving(clip, from_start=True) as server:
        recorder = start(cam=server.url("main"))
        recorder.wait_for_frames(dice.randrange(25, 60))
        check_exit(recorder, number, figure, "recording", 5)
    check_complete(recorder, figure, "recording", clip)


@both
@pytest.mark.repeat(2)
def test_stop_while_stalled(
    repetition: int,
    number: signal.Signals,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    clip = clips.get(LIVELY)
    server = stack.enter_context(serving(clip, from_start=True))
    wire = stack.enter_context(Wire(server.port))
    recorder = start(cam=wire.url(server.url("main")))
    recorder.wait_for_frames(dice.randrange(25, 60))
    wire.harm = Harm(stall=True)
    if number == signal.SIGINT:  # one while it is still in the read, one while it tries again
        recorder.wait_for("trying again")
    check_exit(recorder, number, figure, "stalled", 10)
    check_complete(recorder, figure, "stalled", clip)


def check_exit(
    recorder: RecorderProcess, number: signal.Signals, figure: Measure, state: str, limit_s: float
) -> None:
    figure(f"{number.name} while {state}: exit after", recorder.stop(number), "s", limit_s)


def check_complete(recorder: RecorderProcess, figure: Measure, state: str, clip: Clip) -> None:
    """Every frame from the recording's first one on has to be in the file: the camera's count tells."""
    assert open_files(recorder.archive) == []
    (recording,) = recordings(recorder.archive)
    check_whole(clip, figure, recording)
    assert recorder.status()["state"] == "stopped"
    # the server's clip begins with frame 0 for each client
    gone = recorder.received - 1 - recording.numbers[-1]
    figure(f"stopped while {state}: received frames missing", gone, "", 0)


@pytest.mark.repeat(2)
def test_second_signal_ends_at_once(repetition: int, start: Start, figure: Measure) -> None:
    with silent_server() as port:
        recorder = start(cam=f"rtsp://127.0.0.1:{port}/main")
        recorder.wait_for("watching")
        recorder.signal(signal.SIGTERM)
        # the first one is on its way, and waits for the reader that sits in OpenCV
        recorder.wait_for_status(state="stopped")
        asked = recorder.signal(signal.SIGINT)
        code = recorder.wait()
        assert code == 128 + signal.SIGINT
        figure("second signal: exit after", time.monotonic() - asked, "s", 0.5)
