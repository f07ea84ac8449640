"""A disk that goes away, comes back or gives its place to another: what it left open is closed meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from recordings import begins, frame, play, read_index, remains
from running import until
from test_closing import COUNT, Open

from pynvr.archive.archive import MARKER_NAME, Archive
from pynvr.archive.lock import LOCK_NAME
from pynvr.recording import retry, writer
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.orders import Write
from pynvr.recording.writer import RecordingWriter

FRAMES = [frame(index) for index in range(30)]


class Recorder:
    """A live recorder's writer, and the disk under it: a folder that can be renamed away and back."""

    def __init__(self, disk: Path, require_marker: bool = False) -> None:
        self.disk, self.elsewhere = disk, disk.with_name("elsewhere")
        disk.mkdir()
        (disk / MARKER_NAME).touch()
        self.archive = Archive(disk, None, require_marker)
        self.archive.open()
        self.writer = RecordingWriter(
            self.archive, partial(EncodedPart, "DIVX", ".mp4", None), 2**26, live=True
        )

    def write(self, first: int, end: int) -> None:
        """Write these frames; wait until that is done."""
        done = self.writer.state.recorded + self.writer.dropped + end - first
        for each in FRAMES[first:end]:
            self.writer.write(Write(each, motion=True))
        see(lambda: self.writer.state.recorded + self.writer.dropped == done)

    def begin(self, first: int, end: int) -> None:
        """Begin a recording with these frames."""
        self.writer.begin(begins(FRAMES[first]))
        self.write(first, end)

    def take_disk_off(self, name: str = "elsewhere") -> None:
        self.disk.rename(self.disk.with_name(name))

    def give_disk_back(self) -> None:
        if self.disk.exists():
            self.disk.rename(self.disk.with_name("between"))
        self.elsewhere.rename(self.disk)

    def close(self) -> None:
        self.writer.close()
        self.archive.close()


def see(what: Callable[[], object]) -> None:
    """Wait until this is true."""
    until(what, 10, "what the recorder does by itself", every_s=0.01)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in ((retry, "RETRY_S"), (writer, "RETRY_S"), (writer, "HOUSEKEEPING_S")):
        monkeypatch.setattr(place, name, 0.02)


@pytest.fixture
def make_recorder(archive_path: Path) -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def make(require_marker: bool = False) -> Recorder:
        made.append(Recorder(archive_path, require_marker))
        return made[-1]

    yield make
    for each in made:
        each.close()


def opened(folder: Path) -> Archive:
    """Another archive, of another day."""
    archive = Archive(folder, None)
    archive.open()
    os.utime(folder / LOCK_NAME, (0, 0))
    return archive


def numbers(archive: Path) -> list[list[int | None]]:
    """Frame numbers of the recordings, in the index's order."""
    return [play(archive / str(entry["file"])).numbers for entry in read_index(archive)]


def is_settled(archive: Path) -> bool:
    return archive.exists() and not any(".part" in name for name in remains(archive))


@pytest.mark.parametrize("between", ["nothing", "mount point", "another disk"])
@pytest.mark.parametrize("require_marker", [False, True], ids=["", "marker"])
def test_what_was_open_when_the_disk_went_is_closed_when_it_is_back(
    make_recorder: Callable[..., Recorder],
    between: str,
    require_marker: bool,
    logged_errors: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = make_recorder(require_marker)
    recorder.begin(0, 20)
    recorder.take_disk_off()
    if between != "nothing":
        recorder.disk.mkdir()
    if between == "another disk":
        (recorder.disk / MARKER_NAME).touch()
    recorder.writer.end()
    see(lambda: recorder.writer.state.failing)
    recorder.give_disk_back()
    see(lambda: not recorder.writer.state.failing)
    see(lambda: is_settled(recorder.disk))
    assert numbers(recorder.disk) == [list(range(20))]
    assert read_index(recorder.disk)[0]["recovered"] is True
    assert len(logged_errors) == 1, "said once"
    assert "gone while it was recorded" in logged_errors[0]
    assert "recording again" in caplog.text


def test_it_goes_on_within_the_event_and_closes_what_came_before(
    make_recorder: Callable[..., Recorder], logged_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynvr.archive.fsync.SYNC_INTERVAL_S", 0.0)  # looks whether the part is still there
    recorder = make_recorder(require_marker=True)
    recorder.begin(0, 10)
    recorder.take_disk_off()
    see(lambda: recorder.write(10, 11) or recorder.writer.state.failing)
    recorder.give_disk_back()
    see(lambda: recorder.write(20, 21) or not recorder.writer.state.failing)
    recorder.write(25, 30)
    recorder.writer.end()
    see(lambda: len(read_index(recorder.disk)) == 2)
    see(lambda: is_settled(recorder.disk))
    first, second = numbers(recorder.disk)
    assert first[:10] == list(range(10))
    assert second[-5:] == list(range(25, 30))
    assert len([error for error in logged_errors if "cannot record" in error]) == 1


def test_another_disk_is_searched_too(make_recorder: Callable[..., Recorder]) -> None:
    recorder = make_recorder()
    other = opened(recorder.elsewhere)
    Open(other)
    other.close()
    recorder.take_disk_off("first")
    recorder.elsewhere.rename(recorder.disk)
    recorder.begin(0, 20)
    recorder.writer.end()
    see(lambda: len(read_index(recorder.disk)) == 2)
    assert numbers(recorder.disk) == [list(range(COUNT)), list(range(20))]
    see(lambda: is_settled(recorder.disk))


def test_what_is_written_now_is_never_touched(make_recorder: Callable[..., Recorder]) -> None:
    """The archive is searched anew in the middle of a recording."""
    recorder = make_recorder()
    recorder.begin(0, 10)
    stray = opened(recorder.elsewhere)
    left = Open(stray)
    stray.close()
    for path in (left.journal, left.part):
        path.rename(recorder.disk / f"video_2016-01-01T000000{path.name[len(left.stem.name) :]}")
    (recorder.disk / LOCK_NAME).unlink()
    recorder.write(10, 20)
    see(lambda: len(read_index(recorder.disk)) == 1)
    recorder.write(20, 30)
    recorder.writer.end()
    see(lambda: len(read_index(recorder.disk)) == 2)
    see(lambda: is_settled(recorder.disk))
    assert numbers(recorder.disk) == [list(range(COUNT)), list(range(30))]


def test_a_disk_on_which_another_recorder_writes_is_left_to_it(
    make_recorder: Callable[..., Recorder], logged_errors: list[str]
) -> None:
    recorder = make_recorder()
    other = opened(recorder.elsewhere)
    Open(other)
    before = remains(recorder.elsewhere)
    recorder.take_disk_off("first")
    recorder.give_disk_back()
    recorder.writer.begin(begins(FRAMES[0]))
    recorder.write(0, 20)
    see(lambda: recorder.writer.state.failing)
    assert remains(recorder.disk) == before
    assert "another recorder writes there" in logged_errors[0]
    recorder.writer.end()
    other.close()
    see(lambda: len(read_index(recorder.disk)) == 1)
    assert numbers(recorder.disk) == [list(range(COUNT))]


def test_a_recording_that_could_be_closed_only_later_comes_before_its_successors(
    make_recorder: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    """There was no room even for its line in the index."""
    recorder = make_recorder()
    full = True
    append = recorder.archive.index.append

    def refuse(entry: dict[str, object]) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device", str(recorder.archive.index.path))
        append(entry)

    monkeypatch.setattr(recorder.archive.index, "append", refuse)
    recorder.begin(0, 10)
    recorder.writer.end()
    see(lambda: recorder.writer.state.failing)
    recorder.begin(10, 20)  # there is room for this one, and then for all
    full = False
    recorder.writer.end()
    see(lambda: len(read_index(recorder.disk)) == 2)
    assert numbers(recorder.disk) == [list(range(10)), list(range(10, 20))]
    see(lambda: is_settled(recorder.disk))
    assert len(logged_errors) == 1
