"""A real file system that lacks what a recorder likes: exFAT through FUSE, as on a stick from a shop.

No owners, no permissions, no hard links, times of two seconds, no names with a colon.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from harness import run
from recordings import RECORD_FOREVER, play, read_index, remains

from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover
from pynvr.archive.retention import Limits, Retention

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts file systems")


class Code:
    """What is written into a settings file as it is."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __repr__(self) -> str:
        return self._code


@pytest.fixture
def stick(tmp_path: Path, stack: ExitStack) -> Path:
    """An empty exFAT file system; it is unmounted when the test ends."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.exfat", image)
    device = run("losetup", "--find", "--show", image).strip()
    stack.callback(run, "losetup", "--detach", device)
    run("mount.exfat-fuse", device, disk)
    stack.callback(run, "umount", disk)
    return disk


def test_recorded_onto_exfat(stick: Path, run_script: Callable[..., Any]) -> None:
    """The name has a colon in it: that is said, and it is recorded beside."""
    namer = Code("lambda utc: utc.strftime('%H:%M')")
    config = {
        "PATH_FOR_VIDEO": str(stick / "video"),
        "subFolderNameGeneratorFunc": namer,
        "ARCHIVE_MIN_FREE_GB": None,
        "scaleFrameTo": (160, 120),
    }
    result = run_script("motion_driven_recorder.py", config=config)
    assert result.returncode == 0, result.stderr
    entries = read_index(stick / "video")
    assert len(entries) >= 2
    for entry in entries:
        assert len(play(stick / "video" / entry["file"]).times) == entry["frames"]
    assert remains(stick / "video") == ["recordings.jsonl", *(entry["file"] for entry in entries)]
    log = (stick.parent / "logs" / "pynvr.log").read_text()
    assert re.search(r"subFolderNameGeneratorFunc: '\d\d:\d\d' cannot be a folder's name", log)


def test_recovered_and_removed_on_exfat(stick: Path, logged_errors: list[str]) -> None:
    root = stick / "video"
    with subprocess.Popen(
        [sys.executable, "-c", RECORD_FOREVER, str(root), "DIVX", ".mp4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"enough\n"
        process.send_signal(signal.SIGKILL)
    archive = Archive(root, None)
    archive.open()
    recover(archive)
    (entry,) = read_index(root)
    assert entry["frames"] == len(play(root / entry["file"]).numbers) >= 350
    Retention(archive, Limits(None, 1e-9, None)).sweep()
    archive.close()
    assert remains(root) == ["recordings.jsonl"]
    assert read_index(root) == []
