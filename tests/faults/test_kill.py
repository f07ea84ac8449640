"""kill -9 during a recording: closed files stay, little of the open one is lost, it becomes whole."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from harness import (
    AAC,
    G711,
    LIVELY,
    STILL,
    Clips,
    JournalWatch,
    Lag,
    Measure,
    check_whole,
    closed_files,
    fingerprints,
    open_files,
    recordings,
    serving,
    sound_of,
)
from rtsp import needs_rtsp
from running import Start

from pynvr.demo.scene import Visit

pytestmark = needs_rtsp

LIMITS_S = {"encode": 2, "copy": 1, "copy with sound": 1}


@dataclass(frozen=True)
class RecordingFormat:
    """What is sent, and what is made of it."""

    visits: tuple[Visit, ...]
    codec: str = "h264"
    settings: dict[str, Any] = field(default_factory=dict)
    sound: str = AAC


FORMS = {
    "encode": {
        "lively, mp4v .mp4": RecordingFormat(LIVELY),
        "near-still, mp4v .mp4": RecordingFormat(STILL),
        **{
            f"{name}, {codec} .avi": RecordingFormat(
                visits, settings={"FOURCC_CODEC": codec, "OUTPUT_FILES_EXTENSION": ".avi"}
            )
            for name, visits, codec in (
                ("lively", LIVELY, "DIVX"),
                ("near-still", STILL, "XVID"),
                ("lively", LIVELY, "MJPG"),
                ("near-still", STILL, "MJPG"),
            )
        },
    },
    "copy": {
        "lively, H.264": RecordingFormat(LIVELY),
        "near-still, H.264": RecordingFormat(STILL),
        "lively, H.265": RecordingFormat(LIVELY, "h265"),
        "lively, MJPEG": RecordingFormat(LIVELY, "mjpeg"),
    },
    "copy with sound": {
        "lively, H.264 and AAC": RecordingFormat(LIVELY),
        "near-still, H.265 and AAC": RecordingFormat(STILL, "h265"),
        "lively, H.264 and G.711": RecordingFormat(LIVELY, sound=G711),
        "lively, H.264 and G.711, .mkv": RecordingFormat(
            LIVELY, sound=G711, settings={"OUTPUT_FILES_EXTENSION": ".mkv"}
        ),
        "lively, MJPEG and G.711, .mkv": RecordingFormat(LIVELY, "mjpeg", sound=G711),
    },
}


@pytest.mark.repeat(2)
@pytest.mark.parametrize(("mode", "form"), [(mode, form) for mode, forms in FORMS.items() for form in forms])
def test_kill_during_a_recording(
    repetition: int,
    mode: str,
    form: str,
    start: Start,
    stack: ExitStack,
    clips: Clips,
    dice: random.Random,
    figure: Measure,
) -> None:
    chosen = FORMS[mode][form]
    clip = clips.get(chosen.visits, codec=chosen.codec, sound=chosen.sound)
    server = stack.enter_context(serving(clip, from_start=True))
    recorder = start(
        cam=server.url("main"),
        # the first ten seconds are a closed file, what follows is the open one
        RECORDING_MAX_DURATION_SECS=10,
        MINIMAL_MOTION_DURATION=60,
        **chosen.settings,
    )
    watch = stack.enter_context(JournalWatch(recorder.archive))
    recorder.wait_for_recording(1, timeout_s=40)
    recorder.wait_for_frames(dice.randrange(5, 80))
    before = fingerprints(recorder.archive)
    killed = recorder.kill()
    assert open_files(recorder.archive)
    recorder.configure(cam="rtsp://127.0.0.1:1/")
    started = recorder.start()
    recovered = recorder.wait_for("recovered ", after=started)
    recorder.wait_for("watching", after=started)
    figure("kill -9: whole again after the next start", recovered.time - started, "s", 10)
    recorder.stop()
    assert before.items() <= fingerprints(recorder.archive).items(), "a closed file was touched"
    assert open_files(recorder.archive) == []
    assert all(path.stat().st_size > 0 for path in closed_files(recorder.archive))
    closed, opened = recordings(recorder.archive)
    assert opened.entry["recovered"] is True
    assert "recovered" not in closed.entry
    check_whole(clip, figure, closed, opened)
    # when frames were sent, by the most punctual that were written
    lag = Lag(clip)
    lag.calibrate(watch.moments(closed) + watch.moments(opened), closed.numbers + opened.numbers)
    (lost,) = lag.of([killed], opened.numbers[-1:])
    figure(f"kill -9: lost, {form}", lost, "s", LIMITS_S[mode])
    if clip.sound:
        lost += opened.played.span_s - sound_of(opened.path)[-1][1]
        figure(f"kill -9: sound lost, {form}", lost, "s", LIMITS_S[mode])
