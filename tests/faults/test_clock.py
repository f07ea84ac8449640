"""Steps of the wall clock change no duration, overwrite nothing and remove nothing. By libfaketime."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import Measure
from harness import Clip, Clips, RecorderProcess, consecutive, fingerprints, recordings
from rtsp import RtspServer, needs_rtsp

from pynvr.demo import Visit

LIBRARY = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
pytestmark = [
    needs_rtsp,
    pytest.mark.skipif(LIBRARY is None, reason="needs libfaketime: apt-get install faketime"),
]

VISITS = tuple(Visit(12 * n + 2, 3) for n in range(15))
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


def check_durations(recorder: RecorderProcess, clip: Clip, what: str, figure: Measure) -> None:
    """Two seconds before the visit, the visit, and three after it: as ever, step or no step."""
    # the first visit was perhaps joined in its middle
    for recording in recordings(recorder.archive)[1:]:
        assert consecutive(recording.numbers, len(clip.times))
        scene = [clip.times[number] for number in recording.numbers]
        real = (scene[-1] - scene[0]) % clip.period_s
        assert real == pytest.approx(2 + 3 + 3, abs=1)
        figure(f"clock {what}: duration off by", abs(recording.played.span_s - real), "s", 0.5)


def stepped(folder: Path, clip: Clip, url: str, step_s: int, what: str, figure: Measure) -> None:
    """A step during the second recording; two more follow."""
    clock = FakedClock(folder)
    recorder = RecorderProcess(folder, cam=url, **SETTINGS)
    recorder.environment = clock.environment()
    with recorder:
        recorder.wait_for_recording(1, timeout_s=40)
        recorder.wait_for_frames(25)
        before = fingerprints(recorder.archive)
        clock.set(step_s)
        recorder.wait_for_recording(4, timeout_s=60)
        recorder.stop()
    figure(f"clock {what}: recordings removed", recorder.count("removed video_"), "", 0)
    assert before.items() <= fingerprints(recorder.archive).items()
    check_durations(recorder, clip, what, figure)
    names = [entry["file"] for entry in recorder.index()]
    assert len(set(names)) == len(names) >= 4
    said = datetime.fromisoformat(recorder.index()[-1]["trigger_utc"])
    seen = datetime.now(timezone.utc) + timedelta(seconds=step_s)
    assert abs(said - seen) < timedelta(seconds=60), "the recorder did not see the step"


def born_in_1970(folder: Path, clip: Clip, url: str, figure: Measure) -> None:
    """A machine without a battery starts in 1970 on an archive of today; then it is told the time."""
    clock = FakedClock(folder)
    recorder = RecorderProcess(folder, cam=url, **SETTINGS)
    recorder.environment = clock.environment()
    with recorder:
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
    check_durations(recorder, clip, "starts in 1970", figure)


def two_of_the_same_second(folder: Path, clip: Clip, url: str, figure: Measure) -> None:
    """The clock goes back so that every second comes again: names are taken, and nothing is overwritten."""
    clock = FakedClock(folder)
    recorder = RecorderProcess(folder, cam=url, **SETTINGS)
    recorder.environment = clock.environment()
    with recorder:
        recorder.wait_for_recording(1, timeout_s=40)
        before = fingerprints(recorder.archive)
        (name,) = before
        # the next visit comes 12 s after this one; also take the seconds beside it
        first = datetime.fromisoformat(recorder.index()[0]["trigger_utc"]) + timedelta(seconds=12 - 3600)
        for beside in (-1, 0, 1):
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


@pytest.mark.repeat(1)
def test_the_wall_clock_steps(repetition: int, clips: Clips, tmp_path: Path, figure: Measure) -> None:
    clip = clips.get(VISITS)
    with RtspServer({"main": clip.path}) as server, ThreadPoolExecutor() as pool:
        url = server.url("main")
        done = [
            pool.submit(stepped, tmp_path / "forward", clip, url, 3600, "+1 h", figure),
            pool.submit(stepped, tmp_path / "back", clip, url, -3600, "-1 h", figure),
            pool.submit(born_in_1970, tmp_path / "born", clip, url, figure),
            pool.submit(two_of_the_same_second, tmp_path / "same", clip, url, figure),
        ]
        for future in done:
            future.result()
