"""What is removed, in which order, what never is, and when the clock is not believed."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pynvr.archive.archive import Archive
from pynvr.archive.retention import TRUST_AFTER_S, ClockGuard, Limits, Retention

NOW = datetime.now(timezone.utc)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "video", None)


def add(archive: Archive, name: str, days_old: float, megabytes: float = 1) -> Path:
    path = archive.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(round(megabytes * 1e6))
    last = NOW - timedelta(days=days_old)
    archive.add(path, {"last_frame_utc": last.isoformat(timespec="milliseconds")})
    return path


def names(archive: Archive) -> list[object]:
    return [entry["file"] for entry in archive.index.entries()]


def test_what_is_too_old_goes_and_its_empty_folder_too(archive: Archive) -> None:
    old = add(archive, "2017-04-02/a.avi", 11)
    young = add(archive, "2017-04-04/b.avi", 9)
    Retention(archive, Limits(10, None, None)).sweep()
    assert not old.parent.exists()
    assert young.exists()
    assert names(archive) == ["2017-04-04/b.avi"]


def test_the_oldest_go_first_until_the_size_fits(archive: Archive) -> None:
    for number in range(5):
        add(archive, f"{number}.avi", 5 - number, megabytes=10)
    Retention(archive, Limits(None, 0.025, None)).sweep()
    assert names(archive) == ["3.avi", "4.avi"]
    assert sorted(path.name for path in archive.root.glob("*.avi")) == ["3.avi", "4.avi"]


def test_room_is_made_until_enough_is_free(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        add(archive, f"{number}.avi", 5 - number, megabytes=10)

    class Usage:
        free = 75e6

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    Retention(archive, Limits(None, None, 0.1)).sweep()
    assert names(archive) == ["3.avi", "4.avi"]


def test_one_that_cannot_be_removed_keeps_no_other(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    held = add(archive, "held.avi", 100)
    add(archive, "old.avi", 90)
    add(archive, "new.avi", 0)
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path == held:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    Retention(archive, Limits(1, None, None)).sweep()
    assert names(archive) == ["held.avi", "new.avi"]
    assert logged_errors == ["held.avi cannot be removed: Operation not permitted"]


def test_what_pynvr_did_not_write_stays(archive: Archive) -> None:
    add(archive, "ours.avi", 100)
    root = archive.root
    others = [root / "holiday.avi", root / "open.part.ts", root.parent / "outside.avi"]
    for path in others:
        path.write_bytes(b"precious")
    archive.add(archive.root / "torn.avi", {"last_frame_utc": "nonsense"})
    with archive.index.path.open("a") as index:
        entry = {"file": "../outside.avi", "last_frame_utc": "2001-01-01T00:00:00+00:00"}
        index.write(json.dumps(entry) + "\nnull\n")
    Retention(archive, Limits(1, 1e-9, 1e9)).sweep()
    assert [path.read_bytes() for path in others] == [b"precious"] * 3
    assert "ours.avi" not in names(archive)


def test_without_limits_nothing_goes(archive: Archive) -> None:
    path = add(archive, "a.avi", 10_000)
    Retention(archive, Limits(None, None, None)).sweep()
    assert path.exists()


def test_recordings_from_the_future_stop_every_removal(archive: Archive) -> None:
    old = add(archive, "old.avi", 100)
    add(archive, "future.avi", -1)
    Retention(archive, Limits(1, None, None)).sweep()
    assert old.exists()


HOUR = timedelta(hours=1)
Guarded = list[tuple[float, timedelta, bool]]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([(0, timedelta(), True), (60, timedelta(), True)], id="steady"),
        pytest.param([(0, timedelta(), True), (60, HOUR, False), (120, HOUR, False)], id="an hour forward"),
        pytest.param([(0, timedelta(), True), (60, -HOUR, False)], id="an hour back"),
        pytest.param(
            [(0, timedelta(), True), (60, HOUR, False), (61 + TRUST_AFTER_S, HOUR, True)], id="trusted again"
        ),
        pytest.param([(0, -20_000 * 24 * HOUR, False), (60, timedelta(), False)], id="1970, then set"),
        pytest.param([(0, timedelta(), True), (60, timedelta(seconds=2), True)], id="a small correction"),
    ],
)
def test_a_clock_that_was_set_is_not_believed_for_an_hour(steps: Guarded) -> None:
    guard = ClockGuard()
    for monotonic_s, off, trusted in steps:
        now = NOW + timedelta(seconds=monotonic_s) + off
        assert guard.trusts(now, monotonic_s, newest_file=NOW - timedelta(minutes=5)) is trusted, monotonic_s


def test_an_index_is_replaced_whole(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    add(archive, "a.avi", 100)
    add(archive, "b.avi", 0)
    before = archive.index.path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("no room")

    rename: Callable[..., object] = refuse
    monkeypatch.setattr("pynvr.archive.fsync.move", rename)
    with pytest.raises(OSError, match="no room"):
        archive.remove({"a.avi"})
    assert archive.index.path.read_bytes() == before
