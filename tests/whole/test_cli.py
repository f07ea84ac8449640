"""The recorder's command line: exit codes, signals, and the log."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest
from recordings import make_clip, play, read_index, remains, rising, videos
from running import defaults

from pynvr.archive.replaced_file import ReplacedFile
from pynvr.cli import record
from pynvr.demo.scene import Visit
from pynvr.errors import SettingsError
from pynvr.recording import open_recording, part_file
from pynvr.service import console, health, logs
from pynvr.settings import Settings

Make = Callable[..., Settings]


@pytest.fixture
def config(config_module: ModuleType, tmp_path: Path) -> ModuleType:
    config_module.__dict__.update(defaults(tmp_path))
    return config_module


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", rising(10, 8), (Visit(2.0, 2.0),))


def run(config: ModuleType, *arguments: object) -> int:
    return record(lambda: config, [str(argument) for argument in arguments])


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pynvr: ")
    return line


# ---- what comes out


def test_recordings_are_named_at_the_end(
    config: ModuleType, clip: Path, archive_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "--cam", clip) == 0
    (path,) = videos(archive_path)
    assert capsys.readouterr().out.splitlines() == ["1 recording:", f"  {path}"]


def test_a_recording_that_was_removed_at_once_is_not_named(
    config: ModuleType, clip: Path, capsys: pytest.CaptureFixture[str], logged_errors: list[str]
) -> None:
    config.__dict__["ARCHIVE_MIN_FREE_GB"] = 1e9
    assert run(config, "--cam", clip) == 0
    assert "0 recordings" in capsys.readouterr().out
    assert "ARCHIVE_MIN_FREE_GB" in logged_errors[0]


def test_still_file_gives_no_recording(
    config: ModuleType, tmp_path: Path, archive_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "--cam", make_clip(tmp_path / "still.mp4", rising(10, 2), ())) == 0
    assert "0 recordings" in capsys.readouterr().out
    assert remains(archive_path) == []


def test_path_for_video_starts_where_the_user_is(
    config: ModuleType, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(config, "--cam", "clip.mp4", "--path-for-video", "mit Ümlaut/hier") == 0
    assert len(videos(tmp_path / "mit Ümlaut" / "hier")) == 1


def test_what_a_crash_left_is_closed_at_the_start(config: ModuleType, clip: Path, archive_path: Path) -> None:
    archive_path.mkdir()
    (archive_path / "video_2017-04-02T132017.part.jsonl").touch()
    assert run(config, "--cam", clip) == 0
    assert not any(".part" in name for name in remains(archive_path))


@pytest.mark.usefixtures("logged_errors")
def test_what_a_crash_left_is_closed_before_the_camera_is_opened(
    config: ModuleType, archive_path: Path
) -> None:
    archive_path.mkdir()
    (archive_path / "video_2017-04-02T132017.part.jsonl").touch()
    assert run(config, "--cam", "missing.avi") == 1
    assert remains(archive_path) == []


@pytest.mark.parametrize("arguments", [["--cam"], ["--nonsense"], ["stray"]])
def test_wrong_arguments(config: ModuleType, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(config, *arguments)
    assert caught.value.code == 2


def test_wrong_settings(config: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    config.__dict__["PIXEL_TRESHOLD"] = 5
    assert run(config) == 78
    assert "did you mean PIXEL_THRESHOLD?" in capsys.readouterr().err


@pytest.mark.usefixtures("logged_errors")
def test_weather_that_there_is_not(config: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "--cam", "demo:hail") == 78
    assert "no such weather: hail; there are water" in complaint(capsys)


def test_config_that_cannot_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> ModuleType:
        raise NameError("name 'ture' is not defined")

    assert record(broken, []) == 78
    assert "machine_specific_configuration.py: NameError" in complaint(capsys)


@pytest.mark.usefixtures("logged_errors")
def test_missing_file(config: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "--cam", "missing.avi") == 1
    assert "missing.avi" in complaint(capsys)


def test_log_that_cannot_be_written(
    config: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").touch()
    assert run(config) == 78
    assert "LOG_FILE_PATH" in complaint(capsys)


@pytest.mark.usefixtures("logged_errors")
def test_archive_that_refuses_while_running(
    config: ModuleType, clip: Path, archive_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_path.mkdir()
    (archive_path / "day").touch()
    config.__dict__["subFolderNameGeneratorFunc"] = lambda utc: "day"
    assert run(config, "--cam", clip) == 1
    assert "day" in complaint(capsys)
    assert remains(archive_path) == ["day"]


@pytest.mark.usefixtures("logged_errors")
def test_password_does_not_reach_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> ModuleType:
        raise ValueError("rtsp://user:secret@host/")

    assert record(load, []) == 78
    assert "rtsp://user:***@host/" in complaint(capsys)


@pytest.mark.parametrize("folders", [None, lambda utc: f"{utc:%Y-%m-%d}", lambda utc: f"{utc:%Y/%m}"])
def test_check_leaves_nothing(
    config: ModuleType, clip: Path, archive_path: Path, folders: Callable[[datetime], str] | None
) -> None:
    config.__dict__["subFolderNameGeneratorFunc"] = folders
    assert run(config, "--cam", clip, "--check") == 0
    assert [path.name for path in archive_path.rglob("*")] == [".pynvr.lock"]


def test_check_foretells_whether_the_pre_alarm_is_raw(
    config: ModuleType, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.__dict__["PRE_ALARM_MEMORY_LIMIT_MB"] = 1
    assert run(config, "--cam", clip, "--check") == 0
    assert "kept as JPEG" in capsys.readouterr().out


# ---- signals


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_closes_the_open_recording(
    config: ModuleType, archive_path: Path, number: signal.Signals
) -> None:
    def interrupted(_: datetime) -> str:
        signal.raise_signal(number)
        return "."

    config.__dict__["subFolderNameGeneratorFunc"] = interrupted
    before = signal.getsignal(number)
    assert run(config) == 0
    assert signal.getsignal(number) is before
    (entry,) = read_index(archive_path)
    assert entry["last_frame_s"] < 15  # where it would have gone on to 19.85
    numbers = play(archive_path / entry["file"]).numbers
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + entry["frames"]))
    assert len(remains(archive_path)) == 2


THREADS = {
    "writer": (open_recording.OpenRecording, "write"),
    "part": (part_file.PipedFile, "_write"),
    "health": (ReplacedFile, "write"),
}
"""A thread of the recorder, and something that it calls."""


@pytest.mark.slow
@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(0), MemoryError()])
@pytest.mark.parametrize("thread", THREADS)
def test_whatever_ends_a_thread_ends_the_run_with_exit_code_1(
    config: ModuleType,
    tmp_path: Path,
    archive_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[str],
    capsys: pytest.CaptureFixture[str],
    thread: str,
    error: BaseException,
) -> None:
    place, name = THREADS[thread]
    really, main = getattr(place, name), threading.current_thread()

    def fail(*arguments: object) -> object:
        # in the second recording, so that there is a first one to be kept
        if threading.current_thread() is main or len(read_index(archive_path)) == 0:
            return really(*arguments)
        raise error

    monkeypatch.setattr(place, name, fail)
    monkeypatch.setattr(health, "INTERVAL_S", 0.01)
    config.__dict__["STATUS_FILE_PATH"] = str(archive_path.parent / "status.json")
    cam = "demo"  # which takes long enough for the thread to come by
    if thread != "health":
        cam = str(make_clip(tmp_path / "two.mp4", rising(10, 30), (Visit(2.0, 2.0), Visit(22.0, 2.0))))
    assert run(config, "--cam", cam) == 1
    assert complaint(capsys)
    assert logged_errors
    assert len(read_index(archive_path)) >= 1
    assert json.loads((archive_path.parent / "status.json").read_text())["state"] == "failed"


# ---- the log


def test_log_file_tells_the_story_without_passwords(make_settings: Make) -> None:
    settings = make_settings()
    logs.start(settings)
    try:
        log = logging.getLogger("pynvr.test")
        log.info("opening %s", "rtsp://user:secret@host/")
        try:
            raise ValueError("rtsp://user:secret@host/")
        except ValueError:
            log.warning("failed", exc_info=True)
    finally:
        logs.stop()
    text = settings.LOG_FILE_PATH.read_text()
    assert "INFO - opening rtsp://user:***@host/" in text
    assert "ValueError: rtsp://user:***@host/" in text
    assert "secret" not in text


def test_log_rolls_over(make_settings: Make) -> None:
    settings = make_settings(MAIN_LOG_FILE_MAX_SIZE=1000, LOG_BACKUPS_COUNT=2)
    logs.start(settings)
    for number in range(200):
        logging.getLogger("pynvr.test").info("line %d", number)
    logs.stop()
    files = sorted(path.name for path in settings.LOG_FILE_PATH.parent.iterdir())
    assert files == ["pynvr.log", "pynvr.log.1", "pynvr.log.2"]
    assert all(path.stat().st_size <= 1000 for path in settings.LOG_FILE_PATH.parent.iterdir())


@pytest.mark.parametrize("what", ["moved", "removed", "folder removed"])
def test_a_log_that_somebody_takes_away_is_begun_anew(make_settings: Make, what: str) -> None:
    path = make_settings().LOG_FILE_PATH
    logs.start(make_settings())
    logging.getLogger("pynvr.test").info("before")
    if what == "moved":
        path.rename(path.with_suffix(".old"))
    else:
        path.unlink()
    if what == "folder removed":
        path.parent.rmdir()
    logging.getLogger("pynvr.test").info("after")
    logs.stop()
    assert "after" in path.read_text()
    assert "before" not in path.read_text()


def test_a_full_disk_of_the_log_is_said_once(
    make_settings: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Not with a traceback and the password for each line, nor by ending the recorder."""
    link = tmp_path / "pynvr.log"
    link.symlink_to("/dev/full")
    logs.start(make_settings(LOG_FILE_PATH=str(link), LOG_TO_CONSOLE=False))
    log = logging.getLogger("pynvr.test")
    for number in range(3):
        log.info("%d: opening %s", number, "rtsp://user:secret@host/")
    link.unlink()
    log.info("room again")
    logs.stop()
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("pynvr: LOG_FILE_PATH: ") and "No space left" in said
    assert "room again" in link.read_text()


def test_a_console_that_is_gone_does_not_end_the_watch(
    make_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(line: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(console, "write_line", gone)
    settings = make_settings()
    logs.start(settings)
    logging.getLogger("pynvr").info("still here")
    logs.stop()
    assert "still here" in settings.LOG_FILE_PATH.read_text()


@pytest.mark.parametrize("console", [False, True])
def test_console_gets_a_copy_if_asked(
    make_settings: Make, console: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start(make_settings(LOG_TO_CONSOLE=console, LOG_FORMAT="%(message)s"))
    logging.getLogger("pynvr.test").info("hello")
    logging.getLogger("pynvr.test").debug("too much")
    logs.stop()
    assert capsys.readouterr().err.split() == ["hello"] * console


def test_folder_in_the_logs_way(make_settings: Make) -> None:
    settings = make_settings()
    settings.LOG_FILE_PATH.mkdir(parents=True)
    with pytest.raises(SettingsError, match="LOG_FILE_PATH"):
        logs.start(settings)


def test_a_pipe_as_the_log_is_refused_instead_of_waiting_for_its_reader(make_settings: Make) -> None:
    settings = make_settings()
    settings.LOG_FILE_PATH.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(settings.LOG_FILE_PATH)
    with pytest.raises(SettingsError, match=r"LOG_FILE_PATH = .* is a pipe"):
        logs.start(settings)


@pytest.mark.parametrize("odd", ["CAMERA_NAME", "file name"])
def test_a_name_that_is_no_text_ends_nothing(
    config: ModuleType, clip: Path, tmp_path: Path, odd: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if odd == "CAMERA_NAME":
        config.__dict__["CAMERA_NAME"] = "gate \udcff"
    else:
        clip = clip.rename(tmp_path / "gate \udcff.mp4")
    metrics = tmp_path / "gate.prom"
    config.__dict__.update(METRICS_FILE_PATH=str(metrics), ARCHIVE_PAGE=True)
    assert run(config, "--cam", clip) == 0
    assert r"gate \\udcff" in metrics.read_text()
    assert "Traceback" not in capsys.readouterr().err


def test_progress_bar_is_for_people_only(
    config: ModuleType, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, "--cam", clip) == 0
    assert capsys.readouterr().err == ""
