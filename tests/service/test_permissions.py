"""Strangers read nothing that a recorder writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("group_readable", "file_mode", "folder_mode"), [(None, 0o600, 0o700), (True, 0o640, 0o750)]
)
def test_files_are_the_owners_alone_unless_a_setting_says_otherwise(
    run_script: Run,
    tmp_path: Path,
    archive_path: Path,
    group_readable: bool | None,
    file_mode: int,
    folder_mode: int,
) -> None:
    log, status = tmp_path / "logs" / "pynvr.log", tmp_path / "status" / "status.json"
    config: dict[str, object] = {"STATUS_FILE_PATH": str(status), "scaleFrameTo": (160, 120)}
    if group_readable is not None:
        config["ARCHIVE_GROUP_READABLE"] = group_readable
    # of earlier runs, by everybody's umask: both are written on
    index = archive_path / "recordings.jsonl"
    for older in (log, index):
        older.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode)
        older.touch()
        older.chmod(0o644)
    previous = os.umask(0o022)
    try:
        result = run_script("motion_driven_recorder.py", config=config)
    finally:
        os.umask(previous)
    assert result.returncode == 0, result.stderr
    recordings = list(archive_path.glob("*/video_*"))
    assert recordings
    for path in (*recordings, index, log, status):
        assert stat.S_IMODE(path.stat().st_mode) == file_mode, path
    for path in (recordings[0].parent, status.parent):
        assert stat.S_IMODE(path.stat().st_mode) == folder_mode, path
