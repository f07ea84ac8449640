"""The three scripts as a user runs them: as processes, with right and with wrong input."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from recordings import (
    Played,
    expected_recordings,
    make_clip,
    play,
    read_index,
    remains,
    rising,
    videos,
    wandering,
)
from running import ScriptResult

from pynvr.demo.scene import DemoScene, Visit
from pynvr.recording.encoding import Encoder

RECORDER = "motion_driven_recorder.py"
PICTURE = "motion_detection_test.py"
STAGES = "motion_detection_test_with_contours.py"

PRE_ALARM_S, HOLD_S = 5.0, 10.0
ONE_VISIT = (Visit(6.0, 3.0),)

Run = Callable[..., ScriptResult]


def assert_clean(result: ScriptResult) -> None:
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


def numbers_of(recording: Played) -> list[int]:
    """The frame numbers of a recording, which has to have them all, each once and without a gap."""
    numbers = [number for number in recording.numbers if number is not None]
    assert numbers == list(range(numbers[0], numbers[0] + len(recording.numbers)))
    return numbers


# ---- the demo


@pytest.fixture(scope="module")
def demo_times() -> list[float]:
    return [index / 20 for index in range(800)]


def test_demo_makes_two_complete_recordings(
    run_script: Run, archive_path: Path, demo_times: list[float]
) -> None:
    result = run_script(RECORDER)
    assert_clean(result)
    assert len(videos(archive_path)) == 2
    entries = read_index(archive_path)
    assert [archive_path / entry["file"] for entry in entries] == videos(archive_path)
    for entry, (start, end) in zip(entries, DemoScene().motion_intervals, strict=True):
        trigger, last_motion = entry["trigger_s"], entry["last_motion_s"]
        assert start <= trigger < start + 1
        assert end - 1 < last_motion <= end
        recording = play(archive_path / entry["file"])
        numbers = numbers_of(recording)
        assert numbers[0] == min(i for i, t in enumerate(demo_times) if t >= trigger - PRE_ALARM_S - 1e-6)
        assert numbers[-1] == max(i for i, t in enumerate(demo_times) if t <= last_motion + HOLD_S + 1e-6)
        assert entry["frames"] == len(numbers)
        assert entry["first_frame_s"] == pytest.approx(numbers[0] / 20)
        assert entry["last_frame_s"] == pytest.approx(numbers[-1] / 20)
        assert recording.duration_s == pytest.approx(len(numbers) / 20, abs=1 / 20)
    assert len(remains(archive_path)) == 3  # two recordings and the index


# ---- every frame rate


@pytest.mark.parametrize(
    ("times", "container"),
    [
        pytest.param(rising(7, 21), ".mp4", id="7 fps"),
        pytest.param(rising(25, 21), ".avi", id="25 fps"),
        pytest.param(wandering(21), ".mp4", id="wandering"),
        pytest.param(wandering(21), ".avi", id="wandering in avi"),
    ],
)
def test_recording_has_the_right_frames_and_duration(
    times: list[float], container: str, run_script: Run, archive_path: Path, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times, ONE_VISIT)
    expected = expected_recordings(clip, PRE_ALARM_S, HOLD_S)
    assert len(expected) == 1
    first, last = expected[0][0], expected[0][-1]
    assert first is not None
    assert last is not None
    assert first > 0
    assert last < len(times) - 1  # so that neither end is just that of the clip

    result = run_script(RECORDER, "--cam", clip, config={"OUTPUT_FILES_EXTENSION": container})
    assert_clean(result)
    (path,) = videos(archive_path)
    assert path.suffix == container
    recording = play(path)
    assert recording.numbers == expected[0]
    real_s = times[last] - times[first]
    one_frame_s = real_s / (len(recording.numbers) - 1)
    assert recording.span_s == pytest.approx(real_s, abs=one_frame_s)
    assert recording.duration_s == pytest.approx(real_s, abs=1.1 * one_frame_s)
    (entry,) = read_index(archive_path)
    assert entry["frames"] == len(recording.numbers)
    assert entry["last_frame_s"] - entry["first_frame_s"] == pytest.approx(real_s, abs=0.001)
    if container == ".mp4":  # which keeps the time of every single frame
        true_times = [time - times[first] for time in times[first : last + 1]]
        assert recording.times == pytest.approx(true_times, abs=0.0011)


@pytest.mark.parametrize(("fourcc", "container"), [("DIVX", ".avi"), ("mp4v", ".mp4"), ("MJPG", ".avi")])
def test_two_events_close_together_share_no_frame(
    fourcc: str, container: str, run_script: Run, archive_path: Path, tmp_path: Path
) -> None:
    visits = (Visit(6.0, 3.0), Visit(21.0, 3.0))
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 38), visits)
    expected = expected_recordings(clip, PRE_ALARM_S, HOLD_S)
    assert len(expected) == 2

    result = run_script(
        RECORDER, "--cam", clip, config={"FOURCC_CODEC": fourcc, "OUTPUT_FILES_EXTENSION": container}
    )
    assert_clean(result)
    recordings = [play(path) for path in videos(archive_path)]
    assert [recording.numbers for recording in recordings] == expected
    first, second = (numbers_of(recording) for recording in recordings)
    assert second[0] == first[-1] + 1  # its pre-alarm begins where the other recording ends
    for recording in recordings:
        assert recording.duration_s == pytest.approx(len(recording.times) / 10, abs=0.1)
    if fourcc == "MJPG":
        assert videos(archive_path)[0].read_bytes().find(b"MJPG") > 0


def test_same_file_twice_gives_the_same_pictures_and_nothing_is_overwritten(
    run_script: Run, archive_path: Path, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", wandering(9), (Visit(4.0, 2.0),))
    config = {"MINIMAL_MOTION_DURATION": 2, "PRE_ALARM_RECORDING_SECONDS": 2}
    assert_clean(run_script(RECORDER, "--cam", clip, config=config))
    (first,) = videos(archive_path)
    content = first.read_bytes()
    assert_clean(run_script(RECORDER, "--cam", clip, config=config))
    second = next(path for path in videos(archive_path) if path != first)
    assert first.read_bytes() == content
    ours, theirs = play(first, keep=True), play(second, keep=True)
    assert ours.numbers == theirs.numbers
    assert ours.times == theirs.times
    assert all(np.array_equal(one, other) for one, other in zip(ours.images, theirs.images, strict=True))
    one, other = read_index(archive_path)
    for name in ("trigger_s", "first_frame_s", "last_motion_s", "last_frame_s", "frames", "peak_changed_px"):
        assert one[name] == other[name]


# ---- a real clip

VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")


@pytest.fixture
def real_clip(tmp_path: Path) -> Path:
    """A street with walkers, 768x576, 10 frames/s, 80 s."""
    packed = VTEST.with_name(VTEST.name + ".gz")
    if VTEST.exists():
        return VTEST
    if packed.exists():
        (tmp_path / VTEST.name).write_bytes(gzip.decompress(packed.read_bytes()))
        return tmp_path / VTEST.name
    pytest.skip(f"needs {VTEST}: apt-get install opencv-doc")


def test_real_clip(real_clip: Path, run_script: Run, archive_path: Path) -> None:
    config = {"MINIMAL_MOTION_DURATION": 1, "MOTION_AREA_THRESHOLD": 12000, "scaleFrameTo": (384, 384)}
    assert_clean(run_script(RECORDER, "--cam", real_clip, config=config))
    entries = read_index(archive_path)
    assert len(entries) > 1
    for entry in entries:
        recording = play(archive_path / entry["file"])
        assert recording.size == (entry["width"], entry["height"]) == (384, 288)
        assert len(recording.times) == entry["frames"]
        assert recording.fps == pytest.approx(10, rel=0.01)
        assert entry["fps"] == pytest.approx(10, rel=0.001)
        span_s = entry["last_frame_s"] - entry["first_frame_s"]
        assert recording.span_s == pytest.approx(span_s, abs=0.005)
        assert entry["trigger_s"] - entry["first_frame_s"] <= PRE_ALARM_S + 1e-6
        assert entry["last_frame_s"] - entry["last_motion_s"] <= 1 + 1e-6
        assert entry["peak_changed_px"] >= 12000
    for one, other in pairwise(entries):
        assert one["last_frame_s"] < other["first_frame_s"]


# ---- surroundings


@pytest.mark.parametrize("script", [RECORDER, PICTURE, STAGES])
def test_without_the_packages_it_says_how_to_get_them(script: str, project: Path) -> None:
    command = [sys.executable, "-S", str(project / script)]  # without site-packages
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("pynvr: No module named ")
    assert line.endswith(f"make demo first, then .venv/bin/python {project / script}")


@pytest.mark.parametrize("script", [RECORDER, PICTURE, STAGES])
def test_ctrl_c_before_it_runs_shows_no_traceback(script: str, project: Path, tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    command = [sys.executable, str(project / script)]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == -signal.SIGINT
    assert result.stderr == ""


ASCII_ONLY = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"


@pytest.fixture
def by_hand(project: Path, tmp_path: Path) -> list[str]:
    """A command that records a visit into a folder `überall`, with a log beside it."""
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 6), (Visit(2.0, 2.0),))
    config = tmp_path / "chosen.py"
    chosen = {"cam": clip, "PATH_FOR_VIDEO": tmp_path / "überall", "LOG_FILE_PATH": tmp_path / "own.log"}
    lines = [f"{name} = {str(value)!r}\n" for name, value in chosen.items()]
    config.write_text("".join(lines) + "MOTION_DETECTOR = 'classic'\n", encoding="utf-8")
    return [sys.executable, str(project / RECORDER), "--config", str(config)]


@pytest.mark.parametrize(
    "surroundings",
    [
        pytest.param("exec 0<&- 1>&- 2>&-", id="no streams"),
        pytest.param("exec 0<&-", id="no stdin", marks=pytest.mark.slow),
        pytest.param("exec 2>&-", id="no stderr", marks=pytest.mark.slow),
        pytest.param("exec >/dev/full 2>/dev/full", id="full", marks=pytest.mark.slow),
        pytest.param("unset HOME LANG; export LC_ALL=C", id="C", marks=pytest.mark.slow),
        pytest.param(f"unset HOME LANG; export {ASCII_ONLY}", id="C without UTF-8"),
        pytest.param("export PYTHONIOENCODING=ascii", id="ASCII", marks=pytest.mark.slow),
    ],
)
def test_it_records_and_logs_in_any_surroundings(
    surroundings: str, by_hand: list[str], tmp_path: Path
) -> None:
    command = f'{surroundings}; exec "$0" "$@"'
    result = subprocess.run(["sh", "-c", command, *by_hand], capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert len(videos(tmp_path / "überall")) == 1
    assert "ended" in (tmp_path / "own.log").read_text(encoding="utf-8")
    assert list(tmp_path.glob("own.log?*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("surroundings", ["LC_ALL=C.UTF-8", ASCII_ONLY])
@pytest.mark.parametrize("mode", ["encode", "copy"])
@pytest.mark.parametrize("name", ["Tür 10:00 %d".encode(), b"-\xff\xfe"], ids=["UTF-8", "bytes"])
def test_it_records_into_a_folder_of_any_name(
    name: bytes, mode: str, surroundings: str, by_hand: list[str], tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.avi", rising(10, 6), (Visit(2.0, 2.0),), "MJPG")
    with Path(by_hand[-1]).open("a") as config:
        config.write(f"RECORDING_MODE = {mode!r}\ncam = {str(clip)!r}\n")
    archive = os.fsencode(tmp_path) + b"/" + name
    command = ["env", *surroundings.split(), *by_hand, b"--path-for-video=" + archive]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    (recording,) = videos(Path(os.fsdecode(archive)))
    link = tmp_path / f"recording{recording.suffix}"
    link.symlink_to(recording)
    numbers = play(link).numbers
    assert numbers == list(range(numbers[0] or 0, len(numbers) + (numbers[0] or 0)))
    assert len(read_index(Path(os.fsdecode(archive)))) == 1


def test_a_console_that_goes_away_does_not_end_the_recorder(by_hand: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(by_hand, stdout=writing, stderr=writing, timeout=60, check=False)
    finally:
        os.close(writing)
    assert result.returncode == 0
    assert len(videos(tmp_path / "überall")) == 1
    assert "ended" in (tmp_path / "own.log").read_text(encoding="utf-8")


# ---- what is wrong is said in a line


@pytest.mark.parametrize(
    ("config", "named"),
    [
        pytest.param(
            {"MINIMAL_MOTION_DURATON": 3},
            ["MINIMAL_MOTION_DURATON", "MINIMAL_MOTION_DURATION?"],
            id="unknown",
        ),
        pytest.param({"PRE_ALARM_RECORDING_SECONDS": "5"}, ["PRE_ALARM_RECORDING_SECONDS = '5'"], id="type"),
        pytest.param(
            {"FOURCC_CODEC": "H264"}, ["FOURCC_CODEC = 'H264'", "DIVX", "XVID", "mp4v", "MJPG"], id="codec"
        ),
        pytest.param(
            {"FOURCC_CODEC": "MJPG", "OUTPUT_FILES_EXTENSION": ".mp4"},
            ["FOURCC_CODEC", "OUTPUT_FILES_EXTENSION"],
            id="container",
        ),
    ],
)
def test_wrong_settings(
    config: dict[str, object], named: list[str], run_script: Run, archive_path: Path
) -> None:
    result = run_script(RECORDER, config=config)
    assert result.returncode == 78
    heading, *lines = result.stderr.splitlines()
    assert heading == "pynvr: wrong settings:"
    assert len(lines) == 1
    assert all(name in lines[0] for name in named), lines
    assert not archive_path.exists()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "empty.avi").touch()
    (folder / "text.avi").write_text("Dear diary, nothing moved today.\n" * 100)
    clip = make_clip(folder / "whole.mp4", rising(10, 1), ())
    (folder / "headless.mp4").write_bytes(clip.read_bytes()[:1000])
    clip.unlink()
    return folder


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (RECORDER, "missing.avi"),
        (RECORDER, "text.avi"),
        (RECORDER, "headless.mp4"),
        (RECORDER, ""),
        (STAGES, "text.avi"),
    ],
)
def test_no_video_in_it(script: str, name: str, broken: Path, run_script: Run, archive_path: Path) -> None:
    result = run_script(script, "--cam", broken / name)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("pynvr: cam = ")
    assert str(broken / name) in line
    assert not archive_path.exists() or remains(archive_path) == []


def test_a_file_in_the_archives_way_is_left_alone(run_script: Run, archive_path: Path) -> None:
    archive_path.write_text("precious")
    result = run_script(RECORDER)
    assert result.returncode == 78
    (line,) = result.stderr.splitlines()
    assert "PATH_FOR_VIDEO" in line
    assert str(archive_path) in line
    assert archive_path.read_text() == "precious"


def test_file_whose_picture_changes_its_size_is_recorded_whole(
    run_script: Run, archive_path: Path, tmp_path: Path
) -> None:
    """OpenCV scales to the first size, and the stream's times begin anew: no frame may get lost for it."""
    clip = tmp_path / "changing.ts"
    with clip.open("wb") as both:
        for number, scene in enumerate((DemoScene((160, 120), visits=()), DemoScene((192, 144), visits=()))):
            piece = tmp_path / f"{number}.ts"
            encoder = Encoder(piece, "XVID", 10, scene.size)
            for index in range(30):
                image = scene.render(index / 10, 30 * number + index)
                image[40:80, 10 * (index % 10) :][:, :40] = 255  # something that moves all the time
                encoder.write(image)
            encoder.close()
            both.write(piece.read_bytes())
    assert_clean(run_script(RECORDER, "--cam", clip, config={"OUTPUT_FILES_EXTENSION": ".mp4"}))
    (path,) = videos(archive_path)
    recording = play(path)
    assert recording.size == (160, 120)
    assert numbers_of(recording) == list(range(60))
    assert recording.times == pytest.approx([index / 10 for index in range(60)], abs=0.0011)


def test_wrong_arguments(run_script: Run, archive_path: Path) -> None:
    result = run_script(RECORDER, "--nonsense")
    assert result.returncode == 2
    assert result.stderr.startswith("usage: motion_driven_recorder.py")
    assert not archive_path.exists()


# ---- --check, overrides, and the tuning scripts


def test_check_says_what_it_found_and_leaves_nothing_behind(run_script: Run, archive_path: Path) -> None:
    result = run_script(RECORDER, "--check")
    assert_clean(result)
    assert "640x480" in result.stdout
    assert str(archive_path) in result.stdout
    assert "nothing was recorded" in result.stdout
    assert [path.name for path in archive_path.rglob("*")] == [".pynvr.lock"]


def test_settings_of_the_machine_then_of_the_file_then_of_the_arguments(
    run_script: Run, project: Path, tmp_path: Path
) -> None:
    (project / "machine_specific_configuration.py").write_text(
        "PRE_ALARM_RECORDING_SECONDS = 3\ncam = 'missing.avi'\nPATH_FOR_VIDEO = './machine'\n"
    )
    result = run_script(RECORDER, "--check", "--cam", "demo", "--path-for-video", "argument")
    assert_clean(result)
    assert "pre-alarm 3 s" in result.stdout
    assert (tmp_path / "argument").is_dir()  # an argument's relative path starts where the user is
    assert not (project / "machine").exists()


def test_broken_settings_of_the_machine_are_a_line(run_script: Run, project: Path) -> None:
    (project / "machine_specific_configuration.py").write_text("cam = 'demo'\nPRE_ALARM = = 3\n")
    result = run_script(RECORDER)
    assert result.returncode == 78
    (line,) = result.stderr.splitlines()
    assert "machine_specific_configuration.py, line 2" in line


def test_tuning_picture_and_alarms_of_the_demo(run_script: Run, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 14), (Visit(2.0, 3.0),))
    shown, alarms_file = tmp_path / "shown.avi", tmp_path / "alarms.json"
    config = {"MINIMAL_MOTION_DURATION": 5}
    result = run_script(
        PICTURE, "--cam", clip, "--no-window", "--output", shown, "--alarms", alarms_file, config=config
    )
    assert_clean(result)
    assert str(shown) in result.stdout
    alarms = json.loads(alarms_file.read_text())
    assert alarms
    assert 20 <= alarms[0]["start_frame"] < 30
    assert 40 < alarms[-1]["end_frame"] <= 50
    assert alarms[0]["start_s"] == pytest.approx(alarms[0]["start_frame"] / 10)
    assert play(shown).numbers == list(range(140))
