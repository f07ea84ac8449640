"""The status file tells the truth, and the watchdog is fed by a recorder that lives, and by no other."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import frame

from pynvr.demo.camera import DemoCamera
from pynvr.media.frame import Frame, Gap
from pynvr.service import health, systemd
from pynvr.service.health import Health
from pynvr.sources.base import SourceStatus


class State:
    recorded = 3
    recording: str | None = None
    failing = False
    allowance_s = 0.0


class Writer:
    """Stands in for RecordingWriter: what Health looks at."""

    dropped = 0
    busy_since: float | None = None

    def __init__(self) -> None:
        self.state = State()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager that listens."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "INTERVAL_S", 0.02)


def said(manager: socket.socket, what: str) -> None:
    """Listen until the manager has heard `what`."""
    while what not in manager.recv(4096).decode():
        pass


def watch(tmp_path: Path, writer: Writer) -> Health:
    return Health(DemoCamera(), writer, tmp_path, tmp_path / "status.json")  # type: ignore[arg-type]


def status(tmp_path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((tmp_path / "status.json").read_text())
    return facts


def handle_one(watched: Health) -> None:
    frames: list[Frame | Gap] = [frame(0), Gap("lost")]
    assert list(watched.counted(iter(frames))) == frames


def test_the_manager_hears_of_start_life_and_end(tmp_path: Path, manager: socket.socket) -> None:
    with watch(tmp_path, Writer()) as watched:
        said(manager, "READY=1")
        handle_one(watched)
        said(manager, "WATCHDOG=1")
    said(manager, "STOPPING=1")
    assert status(tmp_path)["state"] == "stopped"


@pytest.mark.usefixtures("logged_errors")
def test_the_status_says_how_the_recorder_is(tmp_path: Path, manager: socket.socket) -> None:
    writer = Writer()
    writer.state.recording = "2017-04-02/video"
    with watch(tmp_path, writer) as watched:
        handle_one(watched)
        logging.getLogger("pynvr").error("lost rtsp://me:s3cret@cam/")
        for _ in range(3):
            said(manager, "STATUS=recording")
        facts = status(tmp_path)
    assert facts["state"] == "recording"
    assert facts["recording"] == "2017-04-02/video"
    assert facts["frames_received"] == 1
    assert facts["frames_recorded"] == 3
    assert facts["free_bytes"] > 0
    assert facts["last_error"] == "lost rtsp://me:***@cam/"


def test_an_archive_that_goes_away_is_said_while_nothing_moves(
    tmp_path: Path, manager: socket.socket, logged_errors: list[str]
) -> None:
    archive, moved = tmp_path / "video", tmp_path / "moved"
    archive.mkdir()
    source, writer = DemoCamera(), Writer()
    with Health(source, writer, archive, tmp_path / "status.json") as watched:  # type: ignore[arg-type]
        handle_one(watched)
        said(manager, "STATUS=watching")
        archive.rename(moved)
        said(manager, "STATUS=cannot record")
        said(manager, "STATUS=cannot record")
        facts = status(tmp_path)
        moved.rename(archive)
        said(manager, "STATUS=watching")
    (error,) = logged_errors
    assert error.startswith(f"PATH_FOR_VIDEO = {str(archive)!r}: is gone")
    assert facts["last_error"] == error


def test_a_disk_that_refuses_is_no_watch(tmp_path: Path, manager: socket.socket) -> None:
    writer = Writer()
    writer.state.failing = True
    with watch(tmp_path, writer) as watched:
        handle_one(watched)
        said(manager, "STATUS=cannot record")


@pytest.mark.parametrize("part", ["loop", "writer"])
def test_a_recorder_that_hangs_is_stuck_and_does_not_feed_the_watchdog(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    writer = Writer()
    if part == "loop":
        monkeypatch.setattr(health, "HANG_S", -1.0)
    else:
        writer.busy_since = -3600.0
    with watch(tmp_path, writer) as watched:
        handle_one(watched)
        said(manager, "READY=1")
        facts = status(tmp_path)
        manager.settimeout(0.3)
        with pytest.raises(TimeoutError):
            said(manager, "WATCHDOG=1")
    assert facts["state"] == "stuck"


def test_pictures_in_which_there_is_nothing_are_no_watch(
    tmp_path: Path, manager: socket.socket, logged_errors: list[str]
) -> None:
    nothing = [frame(number, float(number), np.zeros((9, 9, 3), np.uint8)) for number in range(12)]
    with watch(tmp_path, Writer()) as watched:
        list(watched.counted(iter(nothing)))
        for _ in range(3):
            said(manager, "STATUS=no picture")
        assert status(tmp_path)["pictures"] == "black"
        handle_one(watched)
        for _ in range(2):
            said(manager, "STATUS=watching")
    assert len(logged_errors) == 1
    assert "black for 10 s" in logged_errors[0]


def test_once_stuck_the_status_is_left_to_grow_stale(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HANG_S", -1.0)
    with watch(tmp_path, Writer()):
        said(manager, "READY=1")
        first = (tmp_path / "status.json").stat().st_mtime_ns
        manager.settimeout(0.3)
        with pytest.raises(TimeoutError):
            said(manager, "never")
        assert (tmp_path / "status.json").stat().st_mtime_ns == first


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    systemd.notify("READY=1")


def test_a_status_that_cannot_be_written_is_said_once_and_does_not_stop_the_recorder(
    tmp_path: Path, manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "status.json").mkdir()
    with watch(tmp_path, Writer()) as watched:
        handle_one(watched)
        for _ in range(3):
            said(manager, "WATCHDOG=1")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "STATUS_FILE_PATH" in caplog.text


@pytest.mark.parametrize(
    ("connected", "overdue_s", "state"),
    [(True, -30.0, "watching"), (False, -30.0, "connecting"), (True, 6.0, "stuck"), (False, 6.0, "stuck")],
)
def test_a_live_source_is_judged_by_its_own_status(
    tmp_path: Path, manager: socket.socket, connected: bool, overdue_s: float, state: str
) -> None:
    class Camera(DemoCamera):
        live = True

        def status(self) -> SourceStatus:  # type: ignore[override]
            return SourceStatus(connected, time.monotonic(), 3, 70, 5, 2, 5.0, overdue_s)

    with Health(Camera(), Writer(), tmp_path, tmp_path / "status.json"):  # type: ignore[arg-type]
        said(manager, "READY=1")
        facts = status(tmp_path)
    assert facts["state"] == state
    assert (facts["frames_received"], facts["frames_dropped"], facts["reconnects"]) == (70, 5, 2)
    assert facts["undecodable"] == 2
