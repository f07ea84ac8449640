"""SIGTERM and SIGINT in every state: in time, with exit code 0, and every frame received is in the file."""

from __future__ import annotations

import random
import signal
import time

import pytest
from conftest import Measure, Start
from harness import LIVELY, Clips, RecorderProcess, consecutive, open_files, recordings
from rtsp import RtspServer, needs_rtsp
from wire import Harm, Wire, silent_server

pytestmark = needs_rtsp

BOTH = (signal.SIGTERM, signal.SIGINT)


def check_complete(recorder: RecorderProcess, figure: Measure, state: str, modulo: int) -> None:
    """Every frame from the recording's first one on has to be in the file: the camera's count tells."""
    assert open_files(recorder.archive) == []
    (recording,) = recordings(recorder.archive)
    assert consecutive(recording.numbers, modulo)
    status = recorder.status()
    assert status["state"] == "stopped"
    # the server's clip begins with frame 0 for this only client
    gone = status["frames_received"] - 1 - recording.numbers[-1]
    figure(f"stopped while {state}: received frames missing", gone, "", 0)


@pytest.mark.repeat(2)
def test_stop_in_every_state(
    repetition: int, start: Start, clips: Clips, dice: random.Random, figure: Measure
) -> None:
    clip = clips.get(LIVELY)
    modulo = len(clip.times)
    with (
        RtspServer({"main": clip.path}, from_start=True) as server,
        Wire(server.port) as wire,
        silent_server() as silent_port,
    ):
        url = server.url("main")
        recording = {number: start(f"recording {number.name}", cam=url) for number in BOTH}
        stalled = {number: start(f"stalled {number.name}", cam=wire.url(url)) for number in BOTH}
        connecting = {
            number: start(f"connecting {number.name}", cam=f"rtsp://127.0.0.1:{silent_port}/main")
            for number in BOTH
        }
        for number, recorder in connecting.items():
            recorder.wait_for("watching")
            asked = recorder.signal(number)
            assert recorder.wait() == 0
            figure(f"{number.name} while connecting: exit after", time.monotonic() - asked, "s", 5)

        for recorder in [*recording.values(), *stalled.values()]:
            recorder.wait_for("motion")
            recorder.wait_for_frames(dice.randrange(25, 60))
        wire.harm = Harm(stall=True)
        for number, recorder in recording.items():
            asked = recorder.signal(number)
            assert recorder.wait() == 0
            figure(f"{number.name} while recording: exit after", time.monotonic() - asked, "s", 5)
            check_complete(recorder, figure, "recording", modulo)
        for number, recorder in stalled.items():
            if number == signal.SIGINT:  # one while it is still in the read, one while it tries again
                recorder.wait_for("trying again")
            asked = recorder.signal(number)
            assert recorder.wait() == 0
            figure(f"{number.name} while stalled: exit after", time.monotonic() - asked, "s", 10)
            check_complete(recorder, figure, "stalled", modulo)


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
