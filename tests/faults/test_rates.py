"""Sources at any rate: one second of scene plays for one second, and the pre-alarm is in seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Measure, Start
from harness import Clip, Clips, RecorderProcess, consecutive, recordings
from recordings import wandering
from rtsp import RtspServer, encode, needs_rtsp

from pynvr.demo import DemoScene, Visit

VISITS = (Visit(13, 3),)
SECONDS = 36.0
DEFAULTS: dict[str, object] = {
    "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 5,
    "MINIMAL_MOTION_DURATION": 10,
    "PRE_ALARM_RECORDING_SECONDS": 5,
}


def rate_clips(clips: Clips) -> dict[str, Clip]:
    """Of the last two whatever the camera claims is wrong most of the time."""
    uneven = np.cumsum([0.0, *np.random.default_rng(1).choice([0.04, 0.1, 0.2], 320)]).round(3).tolist()
    return {
        **{f"{fps} frames/s": clips.get(VISITS, fps=fps, seconds=SECONDS) for fps in (5, 15, 30)},
        "wandering": clips.get(VISITS, times=tuple(wandering(SECONDS))),
        "5 to 25 frames/s, at random": clips.get(VISITS, times=tuple(uneven)),
    }


@needs_rtsp
def test_rates(clips: Clips, tmp_path: Path, figure: Measure) -> None:
    sources = rate_clips(clips)
    mounts = {f"m{number}": clip.path for number, clip in enumerate(sources.values())}
    with RtspServer(mounts, from_start=True) as server:

        def watch(mount: str, name: str, container: dict[str, str]) -> None:
            folder = tmp_path / f"{mount}{container['OUTPUT_FILES_EXTENSION']}"
            settings = DEFAULTS | container
            with RecorderProcess(folder, cam=server.url(mount), **settings) as recorder:
                recorder.wait_for_recording(1, timeout_s=60)
                recorder.stop()
                check(recorder, sources[name], name, figure)

        with ThreadPoolExecutor() as pool:
            done = [
                pool.submit(watch, mount, name, container)
                for mount, name in zip(mounts, sources, strict=True)
                for container in (
                    {"OUTPUT_FILES_EXTENSION": ".mp4", "FOURCC_CODEC": "mp4v"},
                    {"OUTPUT_FILES_EXTENSION": ".avi", "FOURCC_CODEC": "DIVX"},
                )
            ]
        for future in done:
            future.result()


def check(recorder: RecorderProcess, clip: Clip, name: str, figure: Measure) -> None:
    (recording,) = recordings(recorder.archive)
    assert consecutive(recording.numbers, len(clip.times))
    scene = [clip.times[number] for number in recording.numbers]
    real = scene[-1] - scene[0]
    assert real == pytest.approx(5 + 3 + 10, abs=1.5), "the visit with what belongs to it"
    kind = recording.path.suffix
    off = abs(recording.played.span_s - real)
    figure(f"{name}: duration off by", off, "s", max(0.5, 0.02 * real))
    # which frame was the trigger: the first whose true time is as much after the first one as the index says
    pre_alarm = recording.entry["trigger_s"] - recording.entry["first_frame_s"]
    trigger = min(range(len(scene)), key=lambda n: abs(scene[n] - scene[0] - pre_alarm))
    true_pre_alarm = scene[trigger] - scene[0]
    longest = max(later - sooner for sooner, later in pairwise(scene[: trigger + 2]))
    figure(f"{name}: pre-alarm off 5 s by", abs(true_pre_alarm - 5) / longest, "frames", 1.05)
    assert VISITS[0].start_s < scene[trigger] < VISITS[0].end_s
    if kind == ".mp4":  # each frame at its own time
        worst = np.abs(np.array(recording.played.times) - (np.array(scene) - scene[0])).max()
        figure(f"{name}: a frame's time off by", float(worst), "s", 0.5)


@needs_rtsp
def test_the_camera_claims_a_wrong_rate(clips: Clips) -> None:
    """So the figures above do include the case."""
    clip = rate_clips(clips)["wandering"]
    with RtspServer({"main": clip.path}) as server:
        capture = cv2.VideoCapture(server.url("main"), cv2.CAP_FFMPEG)
        claimed = capture.get(cv2.CAP_PROP_FPS)
        capture.release()
    rates = 10 / (np.array(clip.times[10:]) - np.array(clip.times[:-10]))
    assert np.mean(np.abs(rates - claimed) > 0.2 * rates) > 0.5


def test_an_hour_of_constant_motion(start: Start, tmp_path: Path, figure: Measure) -> None:
    """A file of an hour, read at full speed, with somebody always there."""
    fps, seconds = 2, 3600
    scene = DemoScene((128, 96), visits=tuple(Visit(6 * n, 6) for n in range(seconds // 6)))
    times = [number / fps for number in range(seconds * fps)]
    path = encode(tmp_path / "hour.mp4", (scene.render(t, n) for n, t in enumerate(times)), fps)
    recorder = start(cam=str(path), MINIMAL_MOTION_DURATION=10)
    assert recorder.wait(240) == 0
    found = recordings(recorder.archive)
    numbers = [number for recording in found for number in recording.numbers]
    assert len(found) == 6
    assert [recording.entry.get("continues", False) for recording in found] == [False] + [True] * 5
    lost = len(set(times_of := range(numbers[0], len(times))) - set(numbers))
    assert numbers[0] <= 3 * fps
    assert times_of.stop - 1 == numbers[-1]
    figure("an hour of motion: frames lost", lost, "", 0)
    figure("an hour of motion: frames doubled", len(numbers) - len(set(numbers)), "", 0)
    figure("an hour of motion: longest file", max(r.played.span_s for r in found), "s", 600)
