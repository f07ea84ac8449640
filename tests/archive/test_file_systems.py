"""File systems as people have them: what one cannot do is said, and it is recorded all the same."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import MOMENT

from pynvr.archive import fsync
from pynvr.archive.archive import Archive
from pynvr.errors import ArchiveError, RecordingError, SettingsError
from pynvr.recording.encoding import Encoder
from pynvr.recording.part_file import PipedFile

Namer = Callable[[datetime], str]


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(fsync, "_said", set())
    caplog.set_level(logging.WARNING)


@pytest.fixture
def opened(archive_path: Path) -> Iterator[Callable[[Namer | None], Archive]]:
    archives: list[Archive] = []

    def make(namer: Namer | None = None) -> Archive:
        archives.append(Archive(archive_path, namer))
        archives[-1].open()
        return archives[-1]

    yield make
    for archive in archives:
        archive.close()


def refusing(number: int) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


# ---- locks


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EIO])
def test_no_locks_is_no_other_recorder(
    number: int,
    opened: Callable[..., Archive],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    opened().add(opened().root / "a.avi", {})
    assert "no other recorder" in caplog.text
    assert os.strerror(number) in caplog.text


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN])
def test_a_lock_that_is_held_is_another_recorder(
    number: int, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    with pytest.raises(SettingsError, match="another recorder"):
        opened()


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, SettingsError), (errno.EROFS, ArchiveError), (errno.EIO, ArchiveError)],
)
def test_a_lock_that_cannot_be_made_is_named(
    number: int, kind: type[Exception], archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive_path / ".pynvr.lock"

    def refuse(self: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(kind, match=f"PATH_FOR_VIDEO = .*{path}: {os.strerror(number)}"):
        Archive(archive_path, None).open()


# ---- synchronising


def folders_refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refusing(number)()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES])
def test_folders_that_cannot_be_synchronised_are_said_once(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folders_refuse(monkeypatch, number)
    for name in ("a", "b"):
        (tmp_path / f"{name}.part").write_text(name)
        fsync.move(tmp_path / f"{name}.part", tmp_path / name)
        assert (tmp_path / name).read_text() == name
    (record,) = caplog.records
    assert str(tmp_path) in record.message
    assert "folder" in record.message


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_ill_is_an_error_with_the_path(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders_refuse(monkeypatch, number)
    (tmp_path / "part").touch()
    with pytest.raises(OSError, match=str(tmp_path)) as caught:
        fsync.move(tmp_path / "part", tmp_path / "final")
    assert caught.value.errno == number


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_files_that_cannot_be_synchronised_are_recorded(
    number: int,
    opened: Callable[..., Archive],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(number))
    archive = opened()
    archive.add(archive.root / "a.avi", {})
    archive.index.remove({"b.avi"})
    assert [entry.file for entry in archive.index.each()] == ["a.avi"]
    assert "file" in caplog.records[0].message


def test_an_index_that_cannot_be_written_is_named(
    opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened()
    monkeypatch.setattr(os, "fsync", refusing(errno.EIO))
    with pytest.raises(OSError, match=r"recordings\.jsonl"):
        archive.add(archive.root / "a.avi", {})
    assert list(archive.index.each()) == []


# ---- names of sub-folders


@pytest.mark.parametrize(
    "name",
    ["x" * 300, "/".join(["y" * 200] * 25), "a/" + "z" * 256, "\udce4", "nul\0", "ab/" * 1350],
    ids=["long", "deep", "long below", "not UTF-8", "NUL", "no room for the file"],
)
def test_a_name_that_cannot_be_is_said_and_the_archive_taken(
    opened: Callable[..., Archive], archive_path: Path, name: str, logged_errors: list[str]
) -> None:
    archive = opened(lambda _: name)
    assert archive.new_stem(MOMENT).parent == archive_path
    assert "subFolderNameGeneratorFunc" in logged_errors[0]
    assert len(logged_errors[0]) < 600


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOENT, errno.EILSEQ])
def test_a_sign_that_the_file_system_does_not_have(
    number: int,
    opened: Callable[..., Archive],
    archive_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[str],
) -> None:
    """As `:` and `?` on exFAT and CIFS."""
    archive, mkdir = opened(lambda utc: f"{utc:%H:%M}"), Path.mkdir

    def refuse(path: Path, *rest: Any, **options: Any) -> None:
        if ":" in str(path):
            refusing(number)()
        mkdir(path, *rest, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert archive.new_stem(MOMENT).parent == archive_path
    assert "subFolderNameGeneratorFunc: '13:20' cannot" in logged_errors[0]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_a_folder_is_not_the_names_fault(
    number: int, opened: Callable[..., Archive], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened(lambda _: "day")
    monkeypatch.setattr(Path, "mkdir", refusing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        archive.new_stem(MOMENT)


# ---- parts


def test_a_file_whose_number_changes_is_still_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on CIFS without the server's numbers; one that is gone, or another one, is seen."""
    part = PipedFile(tmp_path / "a.part.ts", lambda pipe: pipe.open("wb"))
    with part.writer as pipe:
        pipe.write(bytes(1000))
    shutil.copy(part.path, tmp_path / "same")
    for content, there in ((bytes(1000), True), (bytes(999), False)):
        part.path.write_bytes(b"")
        part.path.unlink()
        part.path.write_bytes(content)
        if there:
            part._file.truncate(1000)
            part._check_that_it_is_still_there()
        else:
            with pytest.raises(FileNotFoundError):
                part._check_that_it_is_still_there()
    part.close()


@pytest.mark.parametrize("mode", ["xb", "ab"])
def test_half_a_line_that_fitted_does_not_spoil_the_next_one(tmp_path: Path, mode: str) -> None:
    class Disk(FileIO):
        room = 1000

        def write(self, data: bytes) -> int:  # type: ignore[override]
            if not self.room:
                raise OSError(errno.EFBIG, "too large for FAT32")
            written = super().write(data[: self.room])
            self.room -= written
            return written

    with Disk(str(tmp_path / "journal"), mode) as file:
        fsync.write(file, b"first\n")
        file.room = 3
        with pytest.raises(OSError, match=r"too large for FAT32.*journal"):
            fsync.write(file, b"second\n")
        file.room = 1000
        fsync.write(file, b"third\n")
    assert (tmp_path / "journal").read_bytes() == b"first\nthird\n"


def test_an_open_file_has_no_pipe_that_a_kill_could_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipes = tmp_path / "pipes"
    pipes.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(pipes))
    encoder = Encoder(tmp_path / "a.part.ts", "DIVX", 25.0, (64, 64))
    assert not list(pipes.iterdir())
    encoder.write(np.zeros((64, 64, 3), np.uint8))
    encoder.close()
    assert not list(pipes.iterdir())


@pytest.mark.parametrize("refused", ["mkdtemp", "mkfifo", "open"])
def test_a_pipe_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    really = os.open

    def refuse(*arguments: Any, **more: Any) -> int:
        if refused == "open" and not Path(arguments[0]).is_fifo():
            return really(*arguments, **more)
        raise OSError(errno.EMFILE, "Too many open files")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(tempfile if refused == "mkdtemp" else os, refused, refuse)
    with pytest.raises(RecordingError, match="Too many open files"):
        PipedFile(tmp_path / "a.part.ts", lambda pipe: pipe.open("wb"))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before
