"""The progress bar, and that a service is spared its library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pynvr.demo.camera import DemoCamera
from pynvr.demo.scene import DemoScene
from pynvr.service import console

ROOT = Path(__file__).resolve().parents[2]


def test_a_recorder_loads_no_library_for_bars_or_pictures() -> None:
    """Each of them would take some 5 MB of every camera's process."""
    code = "import sys, pynvr.cli; print({'tqdm', 'imutils', 'matplotlib'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_on_a_terminal_a_file_has_a_bar_and_lines_do_not_tear_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    source = DemoCamera(DemoScene((64, 48)))
    frames = console.with_progress(source)
    next(frames)
    console.write_line("a line of the log")
    printed = capsys.readouterr().err
    assert f"/{source.frame_count}" in printed
    assert "\ra line of the log\n" in printed  # on a line of its own, the bar taken away before
    assert sum(1 for _ in frames) == (source.frame_count or 0) - 1


def test_without_a_terminal_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    source = DemoCamera(DemoScene((64, 48)))
    assert sum(1 for _ in console.with_progress(source)) == source.frame_count
    console.write_line("a line of the log")
    assert capsys.readouterr().err == "a line of the log\n"
