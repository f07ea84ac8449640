"""Bytes flipped and packets dropped on the wire: no crash, no growth, and time that stays true."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from conftest import Measure
from harness import LIVELY, Clip, Clips, RecorderProcess, Recording, open_files, recordings
from rtsp import RtspServer, needs_rtsp
from wire import Harm, Wire

pytestmark = needs_rtsp

HARMS = {
    "0.1 % of packets dropped": Harm(drop=0.001),
    "1 % of packets dropped": Harm(drop=0.01),
    "5 % of packets dropped": Harm(drop=0.05),
    "0.1 % of bytes flipped": Harm(flip=0.001),
    "5 % of bytes flipped": Harm(flip=0.05),
    "0.1 % of all bytes flipped, headers too": Harm(flip=0.001, flip_all=True),
}
SETTLED_S = 15
"""Memory counts from then on."""


def spans(recording: Recording, clip: Clip) -> tuple[float, float]:
    """How long the scene took, and how long it plays.

    A damaged picture shows an old number or a wrong one, so of the frames about the beginning and the end
    the majority counts. Where none can be read, the index tells, whose times follow the wall clock.
    """
    played = recording.played
    readable = [(n, at) for n, at in zip(played.numbers, played.times, strict=True) if n is not None]
    begin = [(n, at) for n, at in readable if at < 0.25 * played.times[-1]]
    end = [(n, at) for n, at in readable if at > 0.75 * played.times[-1]]
    if min(len(begin), len(end)) < 10:
        return recording.last_utc - recording.first_utc, played.span_s
    origin = begin[0][0]

    def scene(number: int) -> float:
        ahead = (number - origin + len(clip.times) // 2) % len(clip.times) - len(clip.times) // 2
        return ahead * clip.period_s / len(clip.times)

    def usual(frames: list[tuple[int, float]]) -> float:
        """By how much most of these frames are behind the scene."""
        return Counter(round(20 * (at - scene(n))) / 20 for n, at in frames).most_common(1)[0][0]

    return played.span_s - (usual(end) - usual(begin)), played.span_s


def harmed(folder: Path, clip: Clip, what: str, duration_s: float, figure: Measure) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(RtspServer({"main": clip.path}))
        wire = stack.enter_context(Wire(server.port, seed=1))
        recorder = stack.enter_context(
            RecorderProcess(
                folder,
                cam=wire.url(server.url("main")),
                RECORDING_MAX_DURATION_SECS=20,
                CAMERA_READ_TIMEOUT_SECS=2,
            )
        )
        recorder.wait_for_frames(10)
        began = time.monotonic()
        wire.harm = HARMS[what]
        settled = most = 0.0
        while (elapsed := time.monotonic() - began) < duration_s:
            assert recorder.exit_code is None, "it has ended"
            if elapsed > SETTLED_S:
                settled = settled or recorder.memory_mb()
                most = max(most, recorder.memory_mb())
            threading.Event().wait(0.5)
        wire.harm = Harm()
        recorder.stop()
        found = recordings(recorder.archive)
        assert open_files(recorder.archive) == []
        assert found
        judged = 0
        figure(f"wire, {what}: memory grew by", most - settled, "MB", 30)
        for recording in found:
            real, played_s = spans(recording, clip)
            if played_s < 5:  # a piece between two losses of the connection
                continue
            figure(f"wire, {what}: played time off by", 100 * abs(played_s - real) / real, "%", 2)
            judged += 1
        assert judged or HARMS[what].flip_all or HARMS[what].flip >= 0.05, (
            "no recording of which the time could be told"
        )
        assert recorder.count("Traceback") == 0


def test_bytes_flipped_and_packets_dropped(
    clips: Clips, tmp_path: Path, long_form: bool, figure: Measure
) -> None:
    clip = clips.get(LIVELY)
    duration_s = 300 if long_form else 60
    with ThreadPoolExecutor(len(HARMS)) as pool:
        done = {
            what: pool.submit(harmed, tmp_path / str(number), clip, what, duration_s, figure)
            for number, what in enumerate(HARMS)
        }
    failures = [f"{what}: {error}" for what, future in done.items() if (error := future.exception())]
    assert not failures, "\n\n".join(failures)
