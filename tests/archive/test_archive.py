"""The archive: free names, one recorder at a time, and an index that a crash cannot spoil."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from recordings import MOMENT, read_index
from running import ROOT

from pynvr.archive.archive import MARKER_NAME, Archive
from pynvr.errors import ArchiveError, SettingsError

Namer = Callable[[datetime], str]
Make = Callable[..., Archive]


@pytest.fixture
def make(archive_path: Path) -> Iterator[Make]:
    opened: list[Archive] = []

    def make(namer: Namer | None = None, root: Path = archive_path) -> Archive:
        archive = Archive(root, namer)
        archive.open()
        opened.append(archive)
        return archive

    yield make
    for archive in opened:
        archive.close()


# ---- names


def test_name_is_the_triggers_utc(make: Make, archive_path: Path) -> None:
    assert make().new_stem(MOMENT) == archive_path / "video_2017-04-02T132017"


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".ts", ".part.ts", ".part.jsonl", ".damaged"])
def test_taken_name_gets_a_number_whatever_took_it(make: Make, suffix: str) -> None:
    archive = make()
    names = []
    for _ in range(3):
        stem = archive.new_stem(MOMENT)
        names.append(stem.name)
        stem.with_name(stem.name + suffix).touch()
    assert names == [f"video_2017-04-02T132017{number}" for number in ("", "_2", "_3")]


@pytest.mark.parametrize(
    ("namer", "folder"),
    [
        (None, "."),
        (lambda utc: f"{utc:%Y-%m-%d}", "2017-04-02"),
        (lambda utc: f"{utc:%Y/%m}", "2017/04"),
        (lambda utc: "Haustür, vorn", "Haustür, vorn"),
        (lambda utc: "a/../b", "b"),
        (lambda utc: ".", "."),
    ],
)
def test_subfolder(make: Make, archive_path: Path, namer: Namer | None, folder: str) -> None:
    stem = make(namer).new_stem(MOMENT)
    assert stem.parent == archive_path / folder
    assert stem.parent.is_dir()


def stumble(_: datetime) -> str:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "namer",
    [
        stumble,
        lambda utc: None,
        lambda utc: 2017,
        lambda utc: "..",
        lambda utc: "/tmp",
        lambda utc: "a/../../b",
    ],
    ids=["raises", "None", "number", "above", "absolute", "roundabout"],
)
def test_subfolder_that_cannot_be_is_said_and_the_archive_taken(
    make: Make, archive_path: Path, namer: Namer, logged_errors: list[str]
) -> None:
    assert make(namer).new_stem(MOMENT).parent == archive_path
    assert "subFolderNameGeneratorFunc" in logged_errors[0]


def test_subfolder_of_another_user_is_named(
    make: Make, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the file that tells."""
    archive = make(lambda utc: "root's")

    def refusing(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", refusing)
    with pytest.raises(PermissionError) as caught:
        archive.new_stem(MOMENT)
    assert caught.value.filename == str(archive_path / "root's")


def test_archive_behind_a_link(make: Make, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    archive = make(lambda utc: "day", tmp_path / "link")
    stem = archive.new_stem(MOMENT)
    assert stem == tmp_path / "link" / "day" / "video_2017-04-02T132017"
    assert archive.relative_name(stem) == "day/video_2017-04-02T132017"


# ---- one recorder at a time


def test_folder_is_made_with_its_parents(make: Make, tmp_path: Path) -> None:
    root = tmp_path / "a b" / "ü"
    make(None, root)
    assert root.is_dir()


def test_file_in_the_way(make: Make, archive_path: Path) -> None:
    archive_path.touch()
    with pytest.raises(SettingsError, match=r"PATH_FOR_VIDEO = .*video'"):
        make()


def test_no_marker_no_archive_until_it_is_there(archive_path: Path) -> None:
    """As below the mount point of a disk that comes late: nothing is written there."""
    archive = Archive(archive_path, None, require_marker=True)
    with pytest.raises(ArchiveError, match="is the disk mounted"):
        archive.open()
    assert not archive_path.exists()
    archive_path.mkdir()
    (archive_path / MARKER_NAME).touch()
    archive.open()
    (archive_path / MARKER_NAME).unlink()
    with pytest.raises(ArchiveError, match="is the disk mounted"):
        archive.new_stem(MOMENT)
    archive.close()


def test_a_disk_that_refuses_may_come_back(
    make: Make, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(ArchiveError, match=r"PATH_FOR_VIDEO = .*Read-only"):
        make()


HOLD = """
import sys
from pathlib import Path
from pynvr.archive.archive import Archive
archive = Archive(Path(sys.argv[1]), None)
archive.open()
print("locked", flush=True)
sys.stdin.read()
"""


def test_second_recorder_is_turned_away_until_the_first_is_gone(make: Make, archive_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(archive_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(SettingsError, match="another recorder"):
            make()
        other.kill()
    make()


def test_closed_archive_is_free(make: Make) -> None:
    first = make()
    first.close()
    first.close()
    make()


# ---- the index


def test_index_lines(make: Make, archive_path: Path) -> None:
    archive = make()
    for name in ("one.avi", "Tür/zwei.avi"):
        archive.add(archive_path / name, {"frames": 3})
    found = [(entry["file"], entry["frames"]) for entry in read_index(archive_path)]
    assert found == [("one.avi", 3), ("Tür/zwei.avi", 3)]
    assert archive.index.has(archive.relative_name(archive_path / "Tür" / "zwei.avi"))
    assert not archive.index.has(archive.relative_name(archive_path / "three.avi"))


@pytest.mark.parametrize("torn", ['{"file": "torn.av', "\x00\x00\x00", '{"file": "torn.avi"}'])
def test_line_after_a_torn_one_is_whole(make: Make, archive_path: Path, torn: str) -> None:
    archive = make()
    archive.add(archive_path / "one.avi", {})
    with archive.index.path.open("a") as index:
        index.write(torn)
    archive.add(archive_path / "two.avi", {})
    lines = archive.index.path.read_text().splitlines()
    assert [json.loads(line)["file"] for line in (lines[0], lines[-1])] == ["one.avi", "two.avi"]
    assert archive.index.has(archive.relative_name(archive_path / "one.avi"))
    assert archive.index.has(archive.relative_name(archive_path / "two.avi"))


def test_no_index_yet(make: Make, archive_path: Path) -> None:
    assert list(make().index.each()) == []
