"""What is removed, in which order, what never is, and when the clock is not believed."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from pynvr.archive.archive import Archive
from pynvr.archive.clock_guard import TRUST_AFTER_S, ClockGuard
from pynvr.archive.retention import FEWEST_FILES, Limits, Retention

NOW = datetime.now(timezone.utc)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "video", None)


def add(archive: Archive, name: str, days_old: float, megabytes: float = 1, **more: object) -> Path:
    path = archive.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(round(megabytes * 1e6))
    last = NOW - timedelta(days=days_old)
    archive.add(path, {"last_frame_utc": last.isoformat(timespec="milliseconds"), **more})
    return path


def names(archive: Archive) -> list[object]:
    return [entry.file for entry in archive.index.each()]


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


def test_a_disk_that_never_has_enough_free_is_said(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    """Else somebody on a small or full disk would find each recording removed, and nobody would say so."""
    for number in range(5):
        add(archive, f"{number}.avi", 5 - number, megabytes=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=40e6))
    retention = Retention(archive, Limits(None, None, 0.1))
    retention.sweep()
    retention.sweep()
    assert names(archive) == []
    (said,) = logged_errors
    assert "ARCHIVE_MIN_FREE_GB = 0.1" in said


@pytest.fixture
def yard_and_street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Archive, Archive]:
    """Two archives on one disk of 200 MB: a quiet one of 40 days, and a busy one of today."""
    yard, street = (Archive(tmp_path / "video" / name, None) for name in ("yard", "street"))
    for number in range(5):
        add(yard, f"{number}.avi", 40 - 10 * number, megabytes=10)
    for number in range(8):
        add(street, f"{number}.avi", 0.5 - number / 100, megabytes=10)

    def usage(_: Path) -> SimpleNamespace:
        used = sum(path.stat().st_size for path in tmp_path.rglob("*.avi"))
        return SimpleNamespace(free=200e6 - used)

    monkeypatch.setattr("shutil.disk_usage", usage)
    return yard, street


@pytest.mark.parametrize("first", [0, 1], ids=["yard first", "street first"])
def test_the_oldest_of_all_archives_of_a_folder_go_first(
    yard_and_street: tuple[Archive, Archive], first: int
) -> None:
    """Else who sweeps first would pay for all, down to its last recording of today."""
    yard, street = yard_and_street
    order = (yard_and_street[first], yard_and_street[1 - first])
    sweeps = [Retention(archive, Limits(None, None, 0.13)).sweep for archive in order]
    for hour in range(16):
        add(street, f"more_{hour}.avi", 0.3 - hour / 100, megabytes=10)
        for sweep in sweeps:
            sweep()
    assert names(yard) == ["4.avi"]  # of today
    assert names(street) == [f"more_{hour}.avi" for hour in range(10, 16)]


def test_a_neighbour_that_removes_nothing_is_not_waited_for_when_little_is_free(
    yard_and_street: tuple[Archive, Archive],
) -> None:
    """It may be the archive of a camera that was taken down."""
    _, street = yard_and_street
    Retention(street, Limits(None, None, 0.18)).sweep()
    assert names(street) == ["2.avi", "3.avi", "4.avi", "5.avi", "6.avi", "7.avi"]


@pytest.mark.parametrize("mounted", [False, True])
def test_a_disk_that_is_mounted_beside_an_archive_is_not_asked(
    yard_and_street: tuple[Archive, Archive],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mounted: bool,
) -> None:
    """It may be on the network, and never answer."""
    yard, street = yard_and_street
    yard.root.rename(there := yard.root.with_name("back yard"))
    place = str(there).replace(" ", r"\040") if mounted else "/"
    (tmp_path / "mountinfo").write_text(f"42 27 0:39 / {place} rw,relatime - nfs nas:/yard rw\n")
    monkeypatch.setattr("pynvr.archive.neighbours.MOUNTS", tmp_path / "mountinfo")
    Retention(street, Limits(None, None, 0.1)).sweep()
    assert len(names(street)) == (5 if mounted else 8)


def test_a_recording_of_the_future_is_not_younger_than_others(
    yard_and_street: tuple[Archive, Archive],
) -> None:
    """The clock was wrong then: its archive does not wait for others, and they do not make room for it."""
    yard, street = yard_and_street
    ahead = Archive(yard.root.with_name("ahead"), None)
    add(ahead, "0.avi", -3000, megabytes=10)
    add(ahead, "1.avi", 0.1, megabytes=10)
    for archive in (ahead, yard, street):
        Retention(archive, Limits(None, None, 0.06)).sweep()
    assert (len(names(ahead)), len(names(yard)), len(names(street))) == (1, 5, 8)


def test_an_empty_archive_beside_others_says_nothing(
    yard_and_street: tuple[Archive, Archive], logged_errors: list[str]
) -> None:
    _, street = yard_and_street
    new = Archive(street.root.with_name("new"), None)
    new.root.mkdir()
    Retention(new, Limits(None, None, 0.1)).sweep()
    assert logged_errors == []


def statvfs(inodes_left: int) -> Callable[[object], SimpleNamespace]:
    """A disk with room for more bytes than anybody has."""
    room = {"f_frsize": 4096, "f_blocks": 10**12, "f_bfree": 10**12, "f_bavail": 10**12}
    return lambda _: SimpleNamespace(f_favail=inodes_left, **room)


def test_room_is_made_when_inodes_run_out(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk of many small files may take no further one though much is free."""
    for number in range(5):
        add(archive, f"{number}.avi", 5 - number)
    monkeypatch.setattr("os.statvfs", statvfs(FEWEST_FILES - 2))
    Retention(archive, Limits(None, None, 1e-9)).sweep()
    assert names(archive) == ["2.avi", "3.avi", "4.avi"]


@pytest.mark.parametrize(("inodes_left", "min_free_gb"), [(0, 1e-9), (FEWEST_FILES - 2, None)])
def test_inodes_that_a_disk_does_not_count_cost_nothing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, inodes_left: int, min_free_gb: float | None
) -> None:
    add(archive, "0.avi", 1)
    monkeypatch.setattr("os.statvfs", statvfs(inodes_left))
    Retention(archive, Limits(1000, None, min_free_gb)).sweep()
    assert names(archive) == ["0.avi"]


def test_one_that_is_larger_than_the_limit_is_said(archive: Archive, logged_errors: list[str]) -> None:
    add(archive, "small.avi", 2)
    retention = Retention(archive, Limits(None, 0.005, None))
    retention.sweep()
    assert logged_errors == []
    for number in range(2):
        add(archive, f"{number}.avi", 1, megabytes=6)
        retention.sweep()
        assert names(archive) == []
    (said,) = logged_errors
    assert "ARCHIVE_MAX_SIZE_GB = 0.005" in said


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


def test_what_pynvr_did_not_write_stays(archive: Archive, logged_errors: list[str]) -> None:
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
    assert len(logged_errors) == 1  # there is too little room


def test_without_limits_nothing_goes(archive: Archive) -> None:
    path = add(archive, "a.avi", 10_000)
    Retention(archive, Limits(None, None, None)).sweep()
    assert path.exists()


def test_a_recording_from_the_future_stops_only_the_rule_that_needs_a_clock(
    archive: Archive, logged_errors: list[str]
) -> None:
    old = add(archive, "old.avi", 100)
    middle = add(archive, "middle.avi", 50)
    future = add(archive, "future.avi", -1)
    Retention(archive, Limits(1, None, None)).sweep()
    assert old.exists()
    Retention(archive, Limits(1, 0.0025, None)).sweep()
    assert not old.exists()
    assert middle.exists()
    Retention(archive, Limits(1, None, 1e6)).sweep()
    assert len(logged_errors) == 1  # there is too little room
    assert not future.exists()


def test_one_from_the_future_is_passed_over_once_the_clock_agrees_again(archive: Archive) -> None:
    add(archive, "future.avi", -1000)
    add(archive, "old.avi", 100)
    add(archive, "new.avi", 0)
    Retention(archive, Limits(1, None, None)).sweep()
    assert names(archive) == ["future.avi", "new.avi"]


@pytest.mark.parametrize("hours_ahead", [0.1, 3, 11])
def test_recordings_of_a_file_may_lie_ahead(archive: Archive, hours_ahead: float) -> None:
    """Their times are those of the file, begun when it was opened, and it is read faster than it plays."""
    add(archive, "old.avi", 100)
    add(archive, "file.avi", -hours_ahead / 24)
    Retention(archive, Limits(1, None, None)).sweep()
    assert names(archive) == ["file.avi"]


def test_recordings_of_a_long_file_say_when_they_were_closed(archive: Archive) -> None:
    add(archive, "old.avi", 100)
    add(archive, "file.avi", -30, closed_utc=NOW.isoformat())
    Retention(archive, Limits(1, None, None)).sweep()
    assert names(archive) == ["file.avi"]


@pytest.mark.parametrize(("limit", "newest"), [(1, 2), (10, 30), (365, 20), (30, 3000)])
def test_a_clock_far_ahead_of_all_recordings_removes_none_by_age(
    archive: Archive, limit: float, newest: float, caplog: pytest.LogCaptureFixture
) -> None:
    """As after years in a drawer, or when the clock says 2038: nobody can tell."""
    for days in (1000, 400, 0):
        add(archive, f"{days}.avi", days + newest)
    retention = Retention(archive, Limits(limit, None, None))
    retention.sweep()
    retention.sweep()
    assert len(names(archive)) == 3
    assert caplog.text.count("is the clock right?") == 1
    Retention(archive, Limits(limit, 0.0015, None)).sweep()
    assert names(archive) == ["0.avi"]


def test_a_new_recording_does_not_make_a_doubtful_clock_true_at_once(archive: Archive) -> None:
    add(archive, "old.avi", 1000)
    retention = Retention(archive, Limits(10, None, None))
    retention.sweep()
    add(archive, "new.avi", 0)
    retention.sweep()
    assert names(archive) == ["old.avi", "new.avi"]


def test_many_days_at_once_are_told(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    for days in (20, 19.5, 12, 0):
        add(archive, f"{days}.avi", days)
    Retention(archive, Limits(10, None, None)).sweep()
    assert names(archive) == ["0.avi"]
    (said,) = (record.message for record in caplog.records if record.levelname == "WARNING")
    assert "3 recordings of 8.0 days at once" in said
    assert "ARCHIVE_MAX_AGE_DAYS = 10" in said


def test_a_days_worth_is_nothing_to_tell(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    for days in (10.9, 10.1, 0):
        add(archive, f"{days}.avi", days)
    Retention(archive, Limits(10, None, None)).sweep()
    assert names(archive) == ["0.avi"]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


SPOILT = {
    "no zone": b'{"file": "spoilt.avi", "last_frame_utc": "2001-01-01T00:00:00"}',
    "no time": b'{"file": "spoilt.avi"}',
    "a number as time": b'{"file": "spoilt.avi", "last_frame_utc": 978307200}',
    "nonsense as time": b'{"file": "spoilt.avi", "last_frame_utc": "yesterday"}',
    "a list as name": b'{"file": ["spoilt.avi"], "last_frame_utc": "2001-01-01T00:00:00+00:00"}',
    "null as name": b'{"file": null, "last_frame_utc": "2001-01-01T00:00:00+00:00"}',
    "NUL in the name": b'{"file": "a\\u0000b", "last_frame_utc": "2001-01-01T00:00:00+00:00"}',
    "half a surrogate": b'{"file": "a\\ud800b", "last_frame_utc": "2001-01-01T00:00:00+00:00"}',
    "year 0": b'{"file": "spoilt.avi", "last_frame_utc": "0000-01-01T00:00:00+00:00"}',
    "not JSON": b"{file: spoilt.avi}",
    "not an object": b'["spoilt.avi"]',
    "not UTF-8": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
    "torn": b'{"file": "spoilt.avi", "last_fr',
    "text as number": b'{"file": "spoilt.avi", "last_frame_utc": "2001-01-01T00:00:00+00:00", "frames": "x"}',
    "year 1": b'{"file": "spoilt.avi", "last_frame_utc": "0001-01-01T00:00:00+05:00"}',
    "year 9999": b'{"file": "spoilt.avi", "last_frame_utc": "9999-12-31T23:59:59-05:00"}',
}


@pytest.mark.parametrize("line", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_line_is_said_once_and_the_rest_goes_on(
    archive: Archive, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    add(archive, "old.avi", 100)
    (archive.root / "spoilt.avi").touch()
    with archive.index.path.open("ab") as index:
        index.write(line + b"\n")
    add(archive, "older.avi", 90)
    add(archive, "new.avi", 0)
    retention = Retention(archive, Limits(1, 1, 1e-9))
    for _ in range(3):
        retention.sweep()
    assert [name for name in names(archive) if str(name).endswith(".avi")][-1] == "new.avi"
    assert not (archive.root / "old.avi").exists()
    assert not (archive.root / "older.avi").exists()
    assert (archive.root / "spoilt.avi").exists()
    assert line in archive.index.path.read_bytes()
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 2  # 10 days at once


@pytest.mark.parametrize("name", ["", ".", "..", "/etc/hostname", "a/../../outside.avi", "recordings.jsonl"])
def test_what_is_no_recording_is_never_removed(archive: Archive, name: str, logged_errors: list[str]) -> None:
    outside = archive.root.parent / "outside.avi"
    outside.write_text("precious")
    add(archive, "old.avi", 100)
    with archive.index.path.open("a") as index:
        index.write(json.dumps({"file": name, "last_frame_utc": "2001-01-01T00:00:00+00:00"}) + "\n")
    retention = Retention(archive, Limits(1, 1e-9, 1e9))
    retention.sweep()
    retention.sweep()
    assert outside.read_text() == "precious"
    assert archive.index.path.exists()
    assert len(logged_errors) <= 2  # one is that there is too little room


# ---- what belongs to a recording


def test_companions_go_and_count_with_their_recording(archive: Archive) -> None:
    path = add(archive, "2017/video_1.mp4", 3)
    for suffix in (".jpg", ".strip.jpg"):
        path.with_name(f"video_1{suffix}").write_bytes(bytes(1_000_000))
    other = add(archive, "2017/video_12.mp4", 2)
    other.with_suffix(".jpg").touch()
    Retention(archive, Limits(None, 0.0045, None)).sweep()
    assert path.exists()
    Retention(archive, Limits(None, 0.0035, None)).sweep()
    assert sorted(file.name for file in other.parent.iterdir()) == ["video_12.jpg", "video_12.mp4"]


def test_what_is_kept_stays_and_counts(archive: Archive, logged_errors: list[str]) -> None:
    kept = [add(archive, f"video_{number}.mp4", 50 - number) for number in range(3)]
    for path in kept:
        path.with_suffix(".keep").touch()
    add(archive, "video_8.mp4", 2)
    add(archive, "video_9.mp4", 1)
    retention = Retention(archive, Limits(30, 0.0045, None))
    retention.sweep()
    assert names(archive) == ["video_0.mp4", "video_1.mp4", "video_2.mp4", "video_9.mp4"]
    assert logged_errors == []
    alone = Retention(archive, Limits(None, 0.0025, None))
    alone.sweep()
    alone.sweep()
    assert names(archive) == ["video_0.mp4", "video_1.mp4", "video_2.mp4"]
    (said,) = logged_errors
    assert ".keep" in said
    assert "ARCHIVE_MAX_SIZE_GB = 0.0025" in said
    kept[1].with_suffix(".keep").unlink()
    retention.sweep()
    assert names(archive) == ["video_0.mp4", "video_2.mp4"]


# ---- the list is kept true


def test_what_is_added_between_sweeps_counts(archive: Archive) -> None:
    retention = Retention(archive, Limits(None, 0.0035, None))
    for number in range(20):
        add(archive, f"{number}.avi", 20 - number)
        retention.sweep()
        assert names(archive) == [f"{n}.avi" for n in range(max(0, number - 2), number + 1)]


@pytest.mark.parametrize("soon_after_the_count", [False, True])
def test_what_somebody_else_removed_costs_no_other(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, soon_after_the_count: bool
) -> None:
    """Unless all was counted a moment ago, so that it can be counted anew only at a later sweep."""
    retention = Retention(archive, Limits(None, 0.0035, None))
    for number in range(3):
        add(archive, f"{number}.avi", 20 - number)
    assert not retention.sweep()
    for path in archive.root.glob("*.avi"):
        path.unlink()
    if soon_after_the_count:
        monkeypatch.setattr("pynvr.archive.retention.RECOUNT_SHARE", 1e-9)
        add(archive, "gone.avi", 17)
        retention.sweep()
    monkeypatch.setattr("pynvr.archive.retention.RECOUNT_SHARE", float("inf"))
    for number in range(3, 6):
        add(archive, f"{number}.avi", 17 - number)
        while retention.sweep():
            pass
    assert sorted(path.name for path in archive.root.glob("?.avi")) == ["3.avi", "4.avi", "5.avi"]
    add(archive, "6.avi", 1)
    while retention.sweep():
        pass
    assert names(archive) == ["4.avi", "5.avi", "6.avi"]


def test_an_index_that_is_mended_is_read_again(archive: Archive) -> None:
    retention = Retention(archive, Limits(None, 0.0035, None))
    for number in range(3):
        add(archive, f"{number}.avi", 20 - number)
    retention.sweep()
    lines = archive.index.path.read_text().splitlines(keepends=True)
    archive.index.path.write_text("".join(reversed(lines)))
    add(archive, "3.avi", 1)
    retention.sweep()
    assert names(archive) == ["1.avi", "0.avi", "3.avi"]
    archive.index.path.unlink()
    retention.sweep()
    add(archive, "4.avi", 0)
    retention.sweep()
    assert names(archive) == ["4.avi"]


@pytest.fixture
def lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small index is treated as a large one."""
    monkeypatch.setattr("pynvr.archive.index.SMALL_BYTES", 0)
    monkeypatch.setattr("pynvr.archive.index.BYTES_PER_REMOVAL", 400)


def on_disk(archive: Archive) -> list[str]:
    return [json.loads(line)["file"] for line in archive.index.path.read_text().splitlines()]


@pytest.mark.usefixtures("lazy")
def test_a_large_index_is_not_written_anew_for_each_removal(archive: Archive) -> None:
    retention = Retention(archive, Limits(None, 0.0205, None))
    written: set[tuple[int, int]] = set()
    for number in range(60):
        add(archive, f"{number:02}.avi", 60 - number)
        retention.sweep()
        assert names(archive) == [f"{n:02}.avi" for n in range(max(0, number - 19), number + 1)]
        assert set(names(archive)) <= set(on_disk(archive))
        written.add((archive.index.path.stat().st_ino, len(on_disk(archive)) > number))
    assert 20 <= len(on_disk(archive)) < 40
    assert len(written) < 20


@pytest.mark.usefixtures("lazy")
def test_a_crash_before_the_lines_were_taken_out_costs_nothing(archive: Archive) -> None:
    retention = Retention(archive, Limits(None, 0.0205, None))
    for number in range(22):
        add(archive, f"{number:02}.avi", 60 - number)
        retention.sweep()
    assert on_disk(archive)[0] == "00.avi"
    again = Archive(archive.root, None)
    retention = Retention(again, Limits(None, 0.0205, None))
    for number in range(22, 50):
        add(again, f"{number:02}.avi", 60 - number)
        retention.sweep()
        there = sorted(path.name for path in again.root.glob("*.avi"))
        assert there == [f"{n:02}.avi" for n in range(number - 19, number + 1)]
    assert names(again) == there


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EIO, errno.EROFS, errno.ESTALE, errno.EISDIR])
def test_whatever_keeps_one_from_being_removed_is_said_once(
    archive: Archive, number: int, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    held = [add(archive, f"held{n}.avi", 100) for n in range(2)]
    add(archive, "old.avi", 90)
    add(archive, "new.avi", 0)
    unlink = Path.unlink

    def refusing(path: Path, missing_ok: bool = False) -> None:
        if path in held:
            raise OSError(number, "no")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    retention = Retention(archive, Limits(1, 0.0015, None))
    for _ in range(3):
        retention.sweep()
    assert names(archive) == ["held0.avi", "held1.avi"]
    assert logged_errors == ["held0.avi cannot be removed: no", "held1.avi cannot be removed: no"]


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


def test_many_recordings_are_counted_in_slices(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile what needs no total is removed, and nothing by age: the newest one is unknown."""
    monkeypatch.setattr("pynvr.archive.retention.SLICE_S", 0.0)
    monkeypatch.setattr("pynvr.archive.retention.SLICE_LINES", 3)
    for number in range(10):
        add(archive, f"{number}.avi", 10 - number)
    before = names(archive)
    retention = Retention(archive, Limits(5.5, None, None))
    for _ in range(3):
        assert retention.sweep()
        assert names(archive) == before
    assert not retention.sweep()
    assert names(archive) == before[5:]
    add(archive, "new.avi", 0)
    assert not retention.sweep()


@pytest.mark.parametrize("keep", [2, 5, 9])
def test_the_size_fits_after_the_last_slice(
    archive: Archive, keep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynvr.archive.retention.SLICE_S", 0.0)
    monkeypatch.setattr("pynvr.archive.retention.SLICE_LINES", 3)
    for number in range(10):
        add(archive, f"{number}.avi", 10 - number)
    size = (archive.root / "0.avi").stat().st_size
    before = names(archive)
    retention = Retention(archive, Limits(None, keep * size / 1e9, None))
    for _ in range(20):
        if not retention.sweep():
            break
    assert names(archive) == before[-keep:]


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
