"""Sources at any rate: one second of scene plays for one second, and the pre-alarm is in seconds."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from harness import Clip, Clips, Measure, check_whole, consecutive, recordings
from recordings import wandering
from rtsp import RtspServer, needs_rtsp
from running import Start

from pynvr.demo.scene import Visit

VISITS = (Visit(13, 3),)
SECONDS = 36.0
DEFAULTS: dict[str, object] = {
    "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 5,
    "MINIMAL_MOTION_DURATION": 10,
    "PRE_ALARM_RECORDING_SECONDS": 5,
}


# whatever the camera claims of these two is wrong by a fifth for a third of the time at least
UNEVEN = {
    "wandering": wandering(SECONDS),
    "5 to 25 frames/s, at random": np.cumsum([0.0, *np.random.default_rng(1).choice([0.04, 0.1, 0.2], 320)])
    .round(3)
    .tolist(),
}
SOURCES = [*(f"{fps} frames/s" for fps in (5, 15, 30)), *UNEVEN]


def rate_clip(clips: Clips, name: str) -> Clip:
    if name in UNEVEN:
        return clips.get(VISITS, times=tuple(UNEVEN[name]))
    return clips.get(VISITS, fps=int(name.split()[0]), seconds=SECONDS)


@needs_rtsp
@pytest.mark.lasts(40)
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("mode", "fourcc", "suffix"),
    [("encode", "mp4v", ".mp4"), ("encode", "DIVX", ".avi"), ("copy", "mp4v", ".mp4")],
)
def test_rates(
    mode: str, fourcc: str, suffix: str, name: str, clips: Clips, start: Start, figure: Measure
) -> None:
    clip = rate_clip(clips, name)
    with RtspServer({"main": clip.path}, from_start=True) as server:
        container = {"FOURCC_CODEC": fourcc, "OUTPUT_FILES_EXTENSION": suffix}
        recorder = start(cam=server.url("main"), **DEFAULTS, **container)
        recorder.wait_for_recording(1, timeout_s=60)
        recorder.stop()
    (recording,) = recordings(recorder.archive)
    assert consecutive(recording.numbers, len(clip.times))
    scene = [clip.times[number] for number in recording.numbers]
    real = scene[-1] - scene[0]
    off = abs(recording.played.span_s - real)
    figure(f"{name}: duration off by", off, "s", max(0.5, 0.02 * real))
    # which frame was the trigger: the first whose true time is as much after the first one as the index says
    pre_alarm = recording.entry["trigger_s"] - recording.entry["first_frame_s"]
    trigger = min(range(len(scene)), key=lambda n: abs(scene[n] - scene[0] - pre_alarm))
    assert VISITS[0].start_s < scene[trigger] < VISITS[0].end_s
    assert scene[-1] - scene[trigger] == pytest.approx(3 + 10, abs=1.5), "the visit with what belongs to it"
    true_pre_alarm = scene[trigger] - scene[0]
    if recorder.copies:  # with all of the group of pictures in which the pre-alarm begins
        key, after = recording.numbers[0], recording.numbers[0] + clip.gop
        assert key % clip.gop == 0
        least, most = scene[trigger] - clip.times[after], scene[trigger] - clip.times[key]
        off = max(0.0, least - 5, 5 - most)
    else:
        off = abs(true_pre_alarm - 5)
    longest = max(later - sooner for sooner, later in pairwise(scene[: trigger + 2]))
    figure(f"{name}: pre-alarm off 5 s by", off / longest, "frames", 1.05)
    if suffix == ".mp4":  # each frame at its own time
        worst = np.abs(np.array(recording.played.times) - (np.array(scene) - scene[0])).max()
        figure(f"{name}: a frame's time off by", float(worst), "s", 0.5)


@needs_rtsp
def test_the_camera_claims_a_wrong_rate(clips: Clips) -> None:
    """So the figures above do include the case. FFmpeg claims what it sees while it opens: 30 here, or 20."""
    clip = rate_clip(clips, "wandering")
    with RtspServer({"main": clip.path}) as server:
        capture = cv2.VideoCapture(server.url("main"), cv2.CAP_FFMPEG)
        claimed = capture.get(cv2.CAP_PROP_FPS)
        capture.release()
    rates = 10 / (np.array(clip.times[10:]) - np.array(clip.times[:-10]))
    assert np.mean(np.abs(rates - claimed) > 0.2 * rates) > 1 / 3


@pytest.mark.usefixtures("greedy")
@pytest.mark.lasts(100)
def test_an_hour_of_constant_motion(start: Start, clips: Clips, figure: Measure) -> None:
    """A file of an hour, read at full speed, with somebody always there."""
    fps, seconds = 2, 3600
    visits = tuple(Visit(6 * n, 6) for n in range(seconds // 6))
    clip = clips.get(visits, fps=fps, seconds=seconds, size=(128, 96))
    recorder = start(cam=str(clip.path), MINIMAL_MOTION_DURATION=10)
    assert recorder.wait(240) == 0
    found = recordings(recorder.archive)
    check_whole(clip, figure, *found)
    numbers = [number for recording in found for number in recording.numbers]
    assert len(found) == 6
    assert [recording.entry.get("continues", False) for recording in found] == [False] + [True] * 5
    lost = len(set(range(numbers[0], len(clip.times))) - set(numbers))
    assert numbers[0] <= 3 * fps
    assert numbers[-1] == len(clip.times) - 1
    figure("an hour of motion: frames lost", lost, "", 0)
    figure("an hour of motion: frames doubled", len(numbers) - len(set(numbers)), "", 0)
    figure("an hour of motion: longest file", max(r.played.span_s for r in found), "s", 600)
