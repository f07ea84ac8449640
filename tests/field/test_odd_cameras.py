"""Each odd camera in both modes: recorded rightly, or refused with one clear line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import FPS
from live_footage import MOVING, SEGMENT_S, LiveFootage, one_line
from live_http import WebCamera
from live_rows import ROWS, USUAL_JITTER_S, LiveRow, Served, hls
from live_rtsp import RtspCamera
from results import Note
from rtsp import needs_rtsp
from running import RecorderProcess, until

from pynvr.demo.frame_number import read_frame_number

pytestmark = needs_rtsp  # for ffmpeg

PRE_S = HOLD_S = 1.0
SLACK_S = 0.5
"""What a detector may see late, at the rate of the slowest camera."""
GROUP_S = 1.0
"""A copy begins with a key frame."""
LOGGED = re.compile(r" - (?:WARNING|ERROR) - (.*)")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> LiveFootage:
    return LiveFootage(tmp_path_factory.mktemp("live"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "recorder"


def log_of(recorder: RecorderProcess) -> list[str]:
    """Warnings and errors so far."""
    text = recorder.log_path.read_text(errors="replace") if recorder.log_path.exists() else ""
    # config.py is not what holds the password here
    return [line for line in LOGGED.findall(text) if "config.py" not in line]


@pytest.mark.parametrize(
    ("row", "mode"),
    [
        pytest.param(row, mode, id=f"{row.section[9:]} {row.name}-{mode}")
        for row in ROWS
        for mode in row.modes
    ],
)
def test_recorded_rightly_or_a_clear_word(
    row: LiveRow, mode: str, footage: LiveFootage, note: Note, folder: Path
) -> None:
    with row.serve(footage) as served:
        formats: dict[str, object] = {"FOURCC_CODEC": "mp4v", "OUTPUT_FILES_EXTENSION": ".mp4"}
        if mode == "copy":
            formats = {"OUTPUT_FILES_EXTENSION": ".mkv" if served.mjpeg else ".mp4"}
        recorder = RecorderProcess(
            folder,
            cam=served.cam,
            RECORDING_MODE=mode,
            PRE_ALARM_RECORDING_SECONDS=PRE_S,
            MINIMAL_MOTION_DURATION=HOLD_S,
            INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=0.5,
            MOTION_DETECTOR="classic",
            MOTION_AREA_THRESHOLD=3000,
            LOG_TO_CONSOLE=False,
            ARCHIVE_MIN_FREE_GB=None,
            **formats,
        )
        with recorder:
            try:
                verdict = judge(row, mode, served, recorder)
            except (AssertionError, TimeoutError) as error:
                note(row.section, row.name, mode, f"WRONG: {str(error).splitlines()[0][:150]}")
                raise
    note(row.section, row.name, mode, verdict)


def test_a_camera_is_found_with_its_first_key_frame(footage: LiveFootage, folder: Path) -> None:
    with RtspCamera(footage.rare_keys, first=10) as camera:
        recorder = RecorderProcess(
            folder,
            cam=camera.url(),
            RECORDING_MODE="copy",
            MINIMAL_MOTION_DURATION=HOLD_S,
            CAMERA_READ_TIMEOUT_SECS=1.0,
            MOTION_DETECTOR="classic",
            MOTION_AREA_THRESHOLD=3000,
        )
        states = set()

        def recorded() -> bool:
            states.add(recorder.status().get("state"))
            return bool(recorder.index())

        with recorder:
            recorder.wait_for("has sent no key frame for 1 s")
            recorder.wait_for_status(state="connecting")
            until(recorded, 40, "a recording")
            recorder.stop()
        assert "stuck" not in states
        assert len(camera.began) == 1, "it waited for the key frame"
        assert pictures_of(recorder.archive / recorder.index()[0]["file"])[0][0] == 0


@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_pieces_that_are_gone_leave_a_hole(mode: str, footage: LiveFootage, folder: Path) -> None:
    """Four seconds of a playlist cannot be fetched: that is told, and what comes has its own time."""
    files = hls(finished=False)(footage)
    gone = [files.pop(f"list{number}.ts") for number in (3, 4)]
    formats: dict[str, object] = {"FOURCC_CODEC": "mp4v"} if mode == "encode" else {}
    with WebCamera(files=files) as camera:
        recorder = RecorderProcess(
            folder,
            cam=camera.url("list.m3u8"),
            RECORDING_MODE=mode,
            OUTPUT_FILES_EXTENSION=".mp4",
            PRE_ALARM_RECORDING_SECONDS=PRE_S,
            MINIMAL_MOTION_DURATION=10.0,
            INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=0.5,
            MOTION_DETECTOR="classic",
            MOTION_AREA_THRESHOLD=3000,
            **formats,
        )
        with recorder:
            recorder.wait_for("s of its stream are missing so far", timeout_s=30)
            recorder.wait_for_recording(1, 40)  # the list grows no more, and the camera is lost
            recorder.stop()
    shown = pictures_of(recorder.archive / recorder.index()[0]["file"])
    true = np.array([number / FPS for number, _ in shown])
    times = np.array([time for _, time in shown])
    assert np.abs((times - times[0]) - (true - true[0])).max() <= USUAL_JITTER_S
    assert true[-1] > 10.5
    assert np.diff(true).max() == pytest.approx(len(gone) * SEGMENT_S + 1 / FPS)


def judge(row: LiveRow, mode: str, served: Served, recorder: RecorderProcess) -> str:
    """Record, and say what came of it; raises AssertionError or TimeoutError where that is wrong."""
    if row.refused is not None:
        code = recorder.wait(20)
        said = [line.text for line in recorder.lines]
        assert code in (1, 78), f"exit {code}: {said}"
        assert len(said) == 1 and row.refused in said[0], said
        assert not recorder.index()
        return f"refused: {one_line(said[0].removeprefix('pynvr: '))}"
    if row.waits is not None:
        words = row.waits
        line = until(lambda: next((x for x in log_of(recorder) if words in x), None), 15, words)
        recorder.stop()
        return f"tried again: {one_line(line)}"
    if row.ends:
        assert recorder.wait(30) == 0, [line.text for line in recorder.lines]
    else:
        recorder.wait_for_recording(1, 25)
        recorder.stop()
    check(row, mode, served, recorder)
    said = [line for line in log_of(recorder) if row.says is None or row.says in line]
    assert said or row.says is None, f"not a word of {row.says!r}"
    return f"said: {one_line(said[0])}" if said else "right"


def pictures_of(path: Path) -> list[tuple[int, float]]:
    """Number and time of each picture that can be decoded, also after one that cannot."""
    capture, failed, found = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), 0, []
    while failed < 10:
        decoded, image = capture.read()
        failed = 0 if decoded else failed + 1
        if decoded:
            number = read_frame_number(image)
            assert number is not None, "a picture without a number"
            found.append((number, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000))
    capture.release()
    return found


def check(row: LiveRow, mode: str, served: Served, recorder: RecorderProcess) -> None:
    """Demand the visit with what belongs to it, each picture once, each at its time."""
    entry = recorder.index()[0]
    shown = pictures_of(recorder.archive / entry["file"])
    if row.missing:  # what a decoder shows after the damage, up to the next key frame, it has made up
        shown = [
            each for number, each in enumerate(shown) if all(each[0] > other[0] for other in shown[:number])
        ]
    numbers = [number for number, _ in shown]
    steps = np.diff(numbers)
    assert (steps >= 1).all() and (steps - 1).sum() <= row.missing, f"lost or doubled: {numbers}"
    true = np.array([served.times[number] for number in numbers])
    times = np.array([time for _, time in shown])
    off = np.abs((times - times[0]) - (true - true[0]))
    jitter_s = row.jitter_s + served.late_s()
    assert off.max() <= jitter_s, f"off by {off.max():.2f} s at picture {numbers[int(off.argmax())]}"
    longest_s = PRE_S + SLACK_S + (GROUP_S if mode == "copy" and not served.mjpeg else 0)
    # where times are off, so is the length of the pre-alarm
    latest_s = MOVING[0] - PRE_S + max(SLACK_S, jitter_s)
    assert MOVING[0] - longest_s <= true[0] <= latest_s, f"begins at {true[0]:.2f} s"
    assert MOVING[1] <= true[-1] - HOLD_S + SLACK_S <= MOVING[1] + 3 * SLACK_S, f"ends at {true[-1]:.2f} s"
