"""What C libraries print is in the log, also when it is the last that the process says."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from running import RecorderProcess, until

from pynvr.errors import SettingsError
from pynvr.media.codecs import H264
from pynvr.media.ffmpeg import decoder_of, size_of
from pynvr.service import logs, native_output
from pynvr.service.native_output import native_output_logged
from pynvr.settings import Settings

Make = Callable[..., Settings]

CRASH = """
import ctypes, importlib, os, sys
from pynvr import pipeline
from pynvr.cli import record

def crash(*_):
    os.write(2, b"free(): invalid pointer of rtsp://me:s3cret@host/\\n")
    ctypes.string_at(0)

pipeline.run = crash
sys.exit(record(lambda: importlib.import_module("config")))
"""


@pytest.fixture
def settings(make_settings: Make) -> Iterator[Settings]:
    chosen = make_settings(APP_LOG_LEVEL=logging.DEBUG)
    logs.start(chosen)
    yield chosen
    logs.stop()


def beside_log(settings: Settings) -> list[Path]:
    return [path for path in settings.LOG_FILE_PATH.parent.iterdir() if path != settings.LOG_FILE_PATH]


def test_it_becomes_log_lines_and_leaves_nothing(settings: Settings) -> None:
    stderr = sys.stderr
    with native_output_logged(settings.LOG_FILE_PATH):
        os.write(2, b"[mpeg4 @ 0x1] damaged\n[mpeg4 @ 0x1] dam")
        assert len(beside_log(settings)) == 1
        os.write(2, b"aged again")
    assert sys.stderr is stderr
    text = settings.LOG_FILE_PATH.read_text()
    assert "DEBUG - [mpeg4 @ 0x1] damaged\n" in text
    assert "DEBUG - [mpeg4 @ 0x1] damaged again\n" in text
    assert beside_log(settings) == []


def test_a_folder_that_takes_no_other_file_is_a_wrong_setting(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"LOG_FILE_PATH = .*pynvr\.log.*its folder: "),
        native_output_logged(tmp_path / "missing" / "pynvr.log"),
    ):
        pass


def test_the_file_is_kept_short_and_without_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_output, "INTERVAL_S", 0.005)
    monkeypatch.setattr(native_output, "KEPT_BYTES", 1000)
    with native_output_logged(settings.LOG_FILE_PATH):
        (file,) = beside_log(settings)
        assert file.stat().st_mode & 0o777 == 0o600
        for number in range(50):
            os.write(2, b"%03d" % number + 97 * b"." + b"\n")
        until(lambda: file.stat().st_size == 0, 10, "the file to begin anew")
        os.write(2, b"rtsp://me:s3cret@host/\n")
        until(lambda: file.stat().st_size == 0, 10, "the secret to be removed")
    text = settings.LOG_FILE_PATH.read_text()
    assert [text.count(f"{number:03d}..") for number in range(50)] == [1] * 50
    assert "s3cret" not in text


def test_what_a_process_that_still_runs_prints_is_its_own(settings: Settings) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        theirs = settings.LOG_FILE_PATH.with_name(f"{settings.LOG_FILE_PATH.name}.{other.pid}.native")
        theirs.write_text("still alive\n")
        with native_output_logged(settings.LOG_FILE_PATH):
            pass
        assert theirs.exists()
        other.kill()
    with native_output_logged(settings.LOG_FILE_PATH):
        pass
    assert not theirs.exists()
    assert "still alive" in settings.LOG_FILE_PATH.read_text()


@pytest.mark.slow
def test_the_last_words_of_a_native_crash_reach_the_log(tmp_path: Path) -> None:
    crashing = RecorderProcess(tmp_path, script=CRASH, cam="demo")
    with crashing:
        assert crashing.wait() == -11
    log = crashing.log_path.read_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "in crash" in log
    again = RecorderProcess(tmp_path, cam="missing.avi")
    with again:
        assert again.wait() == 1
    log = crashing.log_path.read_text()
    assert "it last said: free(): invalid pointer of rtsp://me:***@host/" in log


def test_what_pyav_says_is_counted_with_it(settings: Settings) -> None:
    before = native_output.lines_printed()
    with native_output_logged(settings.LOG_FILE_PATH):
        assert size_of(H264, b"\0\0\1\x67\x42") is None  # which nobody wants to hear of
        with pytest.raises(av.FFmpegError):
            decoder_of(H264).decode(av.Packet(b"\0\0\1\x65" + b"\xff" * 50))
    assert native_output.lines_printed() > before
    assert "DEBUG - no frame!" in settings.LOG_FILE_PATH.read_text()
