"""Metrics in Prometheus' text format."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pynvr.archive.replaced_file import ReplacedFile
from pynvr.notify.metrics import as_text

FACTS = {
    "state": "watching", "fps": 25.0, "last_frame_age_s": None,
    "frames_received": 10, "frames_dropped": 0, "frames_recorded": 3, "reconnects": 1, "recording": "x",
    "free_bytes": 5, "events": {"mqtt": {"pending": 1, "failed": 2, "expired": 3}},
}  # fmt: skip
LINE = re.compile(r'[a-z_]+\{([a-z]+="(\\.|[^"\\\n])*",?)+\} \d+(\.\d+)?')


def test_every_line_is_of_the_format() -> None:
    lines = as_text(FACTS, 'Front "door"\\b\nc').splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in samples)
    for line in samples:
        name = line.partition("{")[0]
        assert any(other.startswith(f"# HELP {name} ") for other in lines)
        kind = next(other.split()[-1] for other in lines if other.startswith(f"# TYPE {name} "))
        assert (kind == "counter") == name.endswith("_total")
    assert any(line.startswith("pynvr_events_failed_total") and line.endswith(" 2") for line in samples)
    assert any(line.startswith("pynvr_recording{") and line.endswith(" 1") for line in samples)
    assert not any("last_frame_age" in line for line in samples)


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "textfile" / "pynvr.prom"
    file = ReplacedFile(path, "METRICS_FILE_PATH: %s", 0o644)
    assert file.write(b"first")
    assert file.write(b"second")
    assert path.read_text() == "second"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_refuses_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    file = ReplacedFile(tmp_path / "file" / "pynvr.prom", "METRICS_FILE_PATH: %s")
    assert not file.write(b"first")
    assert not file.write(b"second")
    assert caplog.text.count("METRICS_FILE_PATH") == 1


def test_two_recorders_of_one_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, other = (ReplacedFile(tmp_path / "status.json", "STATUS_FILE_PATH: %s") for _ in range(2))
    one.write(b"1")
    one.write(b"2")
    assert not caplog.messages
    for file in (other, one, other, one):
        file.write(str(file).encode())
    assert [line.split(";")[0] for line in caplog.messages] == [
        "STATUS_FILE_PATH: somebody else writes it too"
    ] * 2


def test_a_disk_that_is_away_gets_no_folder_in_its_place(tmp_path: Path) -> None:
    file = ReplacedFile(tmp_path / "archive" / ".pynvr.cursor.mqtt", "cursor: %s", durable=True)
    assert not file.write(b"x")
    assert list(tmp_path.iterdir()) == []
