"""Steps of the wall clock change no duration, overwrite nothing and remove nothing. By libfaketime."""

from __future__ import annotations

import random
import shutil
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from harness import SILENT, Clip, Clips, Measure, consecutive, fingerprints, recordings
from rtsp import RtspServer, needs_rtsp
from running import RecorderProcess, Start

from pynvr.demo.scene import Visit

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
pytestmark = [
    needs_rtsp,
    SILENT,
    pytest.mark.skipif(LIBRARY is None, reason="needs libfaketime: apt-get install faketime"),
]

VISITS = tuple(Visit(12 * n + 6, 3) for n in range(15))
SETTINGS: dict[str, object] = {
    # without the guard, a step of an hour would make every recording too old
    "ARCHIVE_MAX_AGE_DAYS": 0.02,
    "subFolderNameGeneratorFunc": None,
}


class FakedClock:
    """The wall clock of one process; the monotonic one stays as it is."""

    def __init__(self, folder: Path, offset_s: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "faketime"
        self.set(offset_s)

    def set(self, offset_s: int) -> None:
        """Step to so many seconds from the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}\n")
        new.replace(self._file)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def check_durations(
    recorder: RecorderProcess, clip: Clip, what: str, figure: Measure, begun_before: int = 0
) -> None:
    """Two seconds before the visit, the visit, and three after it: as ever, step or no step.

    `begun_before`: how many recordings an earlier run has made, the last of which it may have cut short.
    """
    longest = (
        2 + 3 + 3 + (clip.times[clip.gop] if recorder.copies else 0)
    )  # a copy begins with a key frame before
    # the run's first visit was perhaps joined in its middle
    for recording in recordings(recorder.archive)[begun_before + 1 :]:
        assert consecutive(recording.numbers, len(clip.times))
        scene = [clip.times[number] for number in recording.numbers]
        real = (scene[-1] - scene[0]) % clip.period_s
        assert 2 + 3 + 3 - 1 <= real <= longest + 1
        figure(f"clock {what}: duration off by", abs(recording.played.span_s - real), "s", 0.5)


STEPS = {"+1 h": 3600, "-1 h": -3600}


@pytest.mark.lasts(70)
@pytest.mark.parametrize("what", STEPS)
def test_the_wall_clock_steps(
    repetition: int,
    what: str,
    start: Start,
    clips: Clips,
    tmp_path: Path,
    dice: random.Random,
    figure: Measure,
) -> None:
    """A step during the second recording; two more follow."""
    clip, clock = clips.get(VISITS), FakedClock(tmp_path)
    with RtspServer({"main": clip.path}) as server:
        recorder = start(cam=server.url("main"), environment=clock.environment(), **SETTINGS)
        recorder.wait_for_recording(1, timeout_s=40)
        recorder.wait_for_frames(dice.randrange(15, 60))
        before = fingerprints(recorder.archive)
        clock.set(STEPS[what])
        recorder.wait_for_recording(4, timeout_s=60)
        recorder.stop()
    figure(f"clock {what}: recordings removed", recorder.count("removed video_"), "", 0)
    assert before.items() <= fingerprints(recorder.archive).items()
    check_durations(recorder, clip, what, figure)
    names = [entry["file"] for entry in recorder.index()]
    assert len(set(names)) == len(names) >= 4
    said = datetime.fromisoformat(recorder.index()[-1]["trigger_utc"])
    seen = datetime.now(timezone.utc) + timedelta(seconds=STEPS[what])
    assert abs(said - seen) < timedelta(seconds=60), "the recorder did not see the step"


@pytest.mark.lasts(70)
def test_born_in_1970(repetition: int, start: Start, clips: Clips, tmp_path: Path, figure: Measure) -> None:
    """A machine without a battery starts in 1970 on an archive of today; then it is told the time."""
    clip, clock = clips.get(VISITS), FakedClock(tmp_path)
    with RtspServer({"main": clip.path}) as server:
        recorder = start(cam=server.url("main"), environment=clock.environment(), **SETTINGS)
        recorder.wait_for_recording(1, timeout_s=40)
        recorder.stop()
        before = fingerprints(recorder.archive)
        clock.set(-round(time.time()) + 60)
        recorder.start()
        recorder.wait_for_recording(3, timeout_s=60)
        assert recorder.index()[-1]["file"].startswith("video_1970-01-01T0")
        clock.set(0)
        recorder.wait_for_recording(4, timeout_s=60)
        recorder.stop()
    assert before.items() <= fingerprints(recorder.archive).items()
    figure("clock starts in 1970: recordings removed", recorder.count("removed video_"), "", 0)
    assert len(recorder.index()) >= 4
    check_durations(recorder, clip, "starts in 1970", figure, len(before))


def test_two_of_the_same_second(
    repetition: int, start: Start, clips: Clips, tmp_path: Path, figure: Measure
) -> None:
    """The clock goes back so that every second comes again: names are taken, and nothing is overwritten."""
    clip, clock = clips.get(VISITS), FakedClock(tmp_path)
    with RtspServer({"main": clip.path}) as server:
        recorder = start(cam=server.url("main"), environment=clock.environment(), **SETTINGS)
        recorder.wait_for_recording(1, timeout_s=40)
        before = fingerprints(recorder.archive)
        (name,) = before
        # the next visit comes 12 s after this one, later where the machine is busy
        first = datetime.fromisoformat(recorder.index()[0]["trigger_utc"]) + timedelta(seconds=12 - 3600)
        for beside in range(-12, 30):
            stem = f"video_{first + timedelta(seconds=beside):%Y-%m-%dT%H%M%S}"
            shutil.copy(recorder.archive / name, recorder.archive / f"{stem}.mp4")
        before = fingerprints(recorder.archive)
        clock.set(-3600)
        recorder.wait_for_recording(2, timeout_s=40)
        recorder.stop()
    after = fingerprints(recorder.archive)
    assert before.items() <= after.items()
    new = recorder.index()[-1]["file"]
    assert new.endswith("_2.mp4"), f"{new}: the case did not make two of the same name"
    figure("clock goes back: files overwritten", len(set(before) - set(after)), "", 0)
