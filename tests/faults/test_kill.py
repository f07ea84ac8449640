"""kill -9 during a recording: closed files stay, little of the open one is lost, it becomes whole."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import Any

import pytest
from conftest import Measure, Start
from harness import (
    LIVELY,
    STILL,
    Clips,
    JournalWatch,
    Lag,
    closed_files,
    consecutive,
    fingerprints,
    open_files,
    recordings,
)
from rtsp import RtspServer, needs_rtsp

pytestmark = needs_rtsp

FORMS: dict[str, dict[str, Any]] = {
    "lively, mp4v .mp4": {"mount": "lively"},
    "near-still, mp4v .mp4": {"mount": "still"},
    "lively, DIVX .avi": {"mount": "lively", "FOURCC_CODEC": "DIVX", "OUTPUT_FILES_EXTENSION": ".avi"},
    "near-still, XVID .avi": {"mount": "still", "FOURCC_CODEC": "XVID", "OUTPUT_FILES_EXTENSION": ".avi"},
    "lively, MJPG .avi": {"mount": "lively", "FOURCC_CODEC": "MJPG", "OUTPUT_FILES_EXTENSION": ".avi"},
    "near-still, MJPG .avi": {"mount": "still", "FOURCC_CODEC": "MJPG", "OUTPUT_FILES_EXTENSION": ".avi"},
}


@pytest.mark.repeat(2)
def test_kill_during_a_recording(
    repetition: int, start: Start, stack: ExitStack, clips: Clips, dice: random.Random, figure: Measure
) -> None:
    mounts = {"lively": clips.get(LIVELY), "still": clips.get(STILL)}
    modulo = len(mounts["lively"].times)
    with RtspServer({name: clip.path for name, clip in mounts.items()}, from_start=True) as server:
        recorders, watches = {}, {}
        for form, settings in FORMS.items():
            recorders[form] = start(
                form.replace(" ", "_"),
                cam=server.url(settings["mount"]),
                # the first ten seconds are a closed file, what follows is the open one
                RECORDING_MAX_DURATION_SECS=10,
                MINIMAL_MOTION_DURATION=60,
                **{name: value for name, value in settings.items() if name.isupper()},
            )
            watches[form] = stack.enter_context(JournalWatch(recorders[form].archive))
        for recorder in recorders.values():
            recorder.wait_for_recording(1, timeout_s=40)
        frames = dice.randrange(5, 80)
        for recorder in recorders.values():
            recorder.wait_for_frames(frames)
        before = {form: fingerprints(recorder.archive) for form, recorder in recorders.items()}
        killed = {form: recorder.kill() for form, recorder in recorders.items()}
        for recorder in recorders.values():
            assert open_files(recorder.archive)
        for form, recorder in recorders.items():
            settings = {name: value for name, value in FORMS[form].items() if name.isupper()}
            recorder.configure(cam="rtsp://127.0.0.1:1/", **settings)
            started = recorder.start()
            recovered = recorder.wait_for("recovered ", after=started)
            recorder.wait_for("watching", after=started)
            figure("kill -9: whole again after the next start", recovered.time - started, "s", 10)
            recorder.stop()
    for form, recorder in recorders.items():
        after = fingerprints(recorder.archive)
        assert before[form].items() <= after.items(), "a closed file was touched"
        assert open_files(recorder.archive) == []
        assert all(path.stat().st_size > 0 for path in closed_files(recorder.archive))
        closed, opened = recordings(recorder.archive)
        assert opened.entry["recovered"] is True
        assert "recovered" not in closed.entry
        assert consecutive(closed.numbers + opened.numbers, modulo), "frames are missing within"
        # when frames were sent, by the most punctual that were written
        lag = Lag(mounts[FORMS[form]["mount"]])
        for recording in (closed, opened):
            lag.calibrate(watches[form].moments(recording), recording.numbers)
        (lost,) = lag.of([killed[form]], opened.numbers[-1:])
        figure(f"kill -9: lost, {form}", lost, "s", 2)
