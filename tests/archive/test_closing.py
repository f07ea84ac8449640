"""Closing, and the same again after a crash at any moment: nothing readable is lost or done twice."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recordings import MOMENT, RECORD_FOREVER, frame, play, read_index, remains, wandering
from running import ROOT

from pynvr.archive import closing, journal
from pynvr.archive.archive import Archive
from pynvr.archive.closing import close_recording, recover
from pynvr.errors import RecordingError
from pynvr.media import container
from pynvr.recording.encoding import CODECS, Encoder

TIMES = wandering(2.5)
COUNT = len(TIMES)
FRAME_S = TIMES[-1] / (COUNT - 1)


class Open:
    """An open recording, left in the archive as the writer leaves it when the power goes."""

    def __init__(
        self,
        archive: Archive,
        *,
        suffix: str = ".mp4",
        fourcc: str = "DIVX",
        times: list[float] = TIMES,
        output_rate: float | None = None,
        pictures: bool = True,
    ) -> None:
        codec = CODECS[fourcc]
        self.archive = archive
        self.stem = archive.new_stem(MOMENT)
        self.journal = self.stem.with_name(self.stem.name + ".part.jsonl")
        self.part = self.stem.with_name(f"{self.stem.name}.part{codec.part_suffix}")
        self.final = self.stem.with_name(self.stem.name + suffix)
        notes = journal.JournalWriter(self.journal)
        if pictures:
            notes.note_facts(
                part_suffix=codec.part_suffix, suffix=suffix, fourcc=codec.fourcc[suffix],
                output_rate=output_rate, nominal_fps=20.0, trigger_s=times[0] + 1,
                trigger_utc=journal.iso(MOMENT), continues=False, width=160, height=120,
            )  # fmt: skip
            encoder = Encoder(self.part, fourcc, 20, (160, 120))
            for index, time in enumerate(times):
                picture = frame(index, 100 + time)
                encoder.write(picture.image)
                notes.note_frame(picture, 100 * index, index in (3, 5))
            encoder.close()
        notes.close()

    def close(self) -> Path | None:
        return close_recording(self.archive, self.stem)


def name(path: Path, archive: Archive) -> str:
    return path.relative_to(archive.root).as_posix()


# ---- a regular end


def test_closed_recording_has_its_name_its_index_line_and_nothing_beside(archive: Archive) -> None:
    recording = Open(archive)
    assert recording.close() == recording.final
    assert remains(archive.root) == ["2017/video_2017-04-02T132017.mp4", "recordings.jsonl"]
    (entry,) = read_index(archive.root)
    assert entry == {
        "file": "2017/video_2017-04-02T132017.mp4",
        "id": entry["id"],
        "trigger_utc": "2017-04-02T13:20:17.000+00:00",
        "first_frame_utc": "2017-04-02T13:21:57.000+00:00",
        "last_frame_utc": journal.iso(frame(0, 100 + TIMES[-1]).utc),
        "first_frame_s": 100.0,
        "trigger_s": 1.0,
        "last_motion_s": 100 + TIMES[5],
        "last_frame_s": 100 + TIMES[-1],
        "frames": COUNT,
        "fps": round(1 / FRAME_S, 3),
        "width": 160,
        "height": 120,
        "peak_changed_px": 100 * (COUNT - 1),
    }


def test_mp4_keeps_every_time_to_the_millisecond(archive: Archive) -> None:
    recording = Open(archive)
    recording.close()
    played = play(recording.final)
    assert played.numbers == list(range(COUNT))
    assert played.times == pytest.approx(TIMES, abs=0.001)


@pytest.mark.parametrize("fourcc", list(CODECS))
def test_avi_plays_at_frames_over_real_duration(archive: Archive, fourcc: str) -> None:
    recording = Open(archive, suffix=".avi", fourcc=fourcc)
    recording.close()
    played = play(recording.final)
    assert played.numbers == list(range(COUNT))
    assert played.fps == pytest.approx(1 / FRAME_S, rel=0.001)
    assert played.span_s == pytest.approx(TIMES[-1], abs=0.01)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_output_rate_overrides_the_times(archive: Archive, suffix: str) -> None:
    recording = Open(archive, suffix=suffix, output_rate=50.0)
    recording.close()
    played = play(recording.final)
    assert played.fps == pytest.approx(50)
    assert played.span_s == pytest.approx((COUNT - 1) / 50, abs=0.002)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_recording_of_a_single_frame(archive: Archive, suffix: str) -> None:
    recording = Open(archive, suffix=suffix, times=[0.0])
    recording.close()
    assert play(recording.final).numbers == [0]
    assert read_index(archive.root)[0]["fps"] == 20


def test_times_that_share_a_millisecond_are_set_apart(archive: Archive) -> None:
    times = [0.0, 0.0002, 0.0004, 0.1]
    recording = Open(archive, times=times)
    recording.close()
    assert play(recording.final).times == pytest.approx([0, 0.001, 0.002, 0.1], abs=0.0001)


# ---- recovery after a crash between any two steps


def crash_without_frames(recording: Open) -> None:
    recording.part.unlink()
    recording.journal.write_text("")


def crash_in_the_copy(recording: Open) -> None:
    copied = recording.final.with_name(recording.stem.name + ".closing.part" + recording.final.suffix)
    copied.write_bytes(b"half of it" * 100)


def crash_after_the_copy(recording: Open) -> None:
    """Run closing up to where it would rename."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", interrupted)
        recording.close()


def crash_after_the_rename(recording: Open) -> None:
    kept = recording.part.with_name("kept")
    shutil.copy(recording.part, kept)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Archive, "add", interrupted)
        recording.close()
    kept.rename(recording.part)


def crash_before_the_index(recording: Open) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Archive, "add", interrupted)
        recording.close()


def crash_before_the_journal_is_gone(recording: Open) -> None:
    kept = recording.journal.read_bytes()
    recording.close()
    recording.journal.write_bytes(kept)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
@pytest.mark.parametrize(
    "crash",
    [
        lambda recording: None,
        crash_in_the_copy,
        crash_after_the_copy,
        crash_after_the_rename,
        crash_before_the_index,
        crash_before_the_journal_is_gone,
    ],
    ids=["open", "in the copy", "after the copy", "after the rename", "before the index", "journal left"],
)
def test_recovery_ends_where_closing_would(
    archive: Archive, suffix: str, crash: Callable[[Open], None]
) -> None:
    recording = Open(archive, suffix=suffix)
    crash(recording)
    recover(archive)
    assert remains(archive.root) == [name(recording.final, archive), "recordings.jsonl"]
    assert play(recording.final).numbers == list(range(COUNT))
    (entry,) = read_index(archive.root)
    assert entry["file"] == name(recording.final, archive)
    assert entry["frames"] == COUNT
    content = recording.final.read_bytes()
    recover(archive)  # and once more: there is nothing left to do
    assert recording.final.read_bytes() == content
    assert len(read_index(archive.root)) == 1


def test_recovered_recording_is_marked(archive: Archive) -> None:
    Open(archive)
    recover(archive)
    assert read_index(archive.root)[0]["recovered"] is True


def test_every_open_recording_is_recovered(archive: Archive) -> None:
    recordings = [Open(archive, suffix=suffix) for suffix in (".mp4", ".avi", ".mp4")]
    recover(archive)
    assert [entry["file"] for entry in read_index(archive.root)] == [
        name(recording.final, archive) for recording in recordings
    ]


def test_crash_before_the_first_picture_leaves_nothing(archive: Archive) -> None:
    Open(archive, pictures=False)
    recover(archive)
    assert remains(archive.root) == []


@pytest.mark.parametrize("content", [b"", b"\x47" + bytes(187)], ids=["empty", "a packet without picture"])
def test_part_without_a_picture(archive: Archive, content: bytes, logged_errors: list[str]) -> None:
    recording = Open(archive)
    recording.part.write_bytes(content)
    recover(archive)
    assert read_index(archive.root) == []
    assert not recording.journal.exists()
    assert not recording.part.exists()


def test_unreadable_part_is_kept_for_an_expert(archive: Archive, logged_errors: list[str]) -> None:
    recording = Open(archive)
    recording.part.write_bytes(b"not a video" * 1000)
    recover(archive)
    assert remains(archive.root) == ["2017/video_2017-04-02T132017.damaged"]
    assert recording.final.with_suffix(".damaged").read_bytes() == b"not a video" * 1000
    assert "unreadable" in logged_errors[0]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_part_cut_anywhere_keeps_its_beginning_with_its_times(
    archive: Archive, suffix: str, share: float, logged_errors: list[str]
) -> None:
    recording = Open(archive, suffix=suffix)
    size = recording.part.stat().st_size
    os.truncate(recording.part, int(size * share))
    recover(archive)
    played = play(recording.final)
    count = len(played.numbers)
    assert count > share * COUNT * 0.6
    assert played.numbers[:-1] == list(range(count - 1))
    if suffix == ".mp4":
        assert played.times == pytest.approx(TIMES[:count], abs=0.001)
    (entry,) = read_index(archive.root)
    assert entry["frames"] == count
    assert entry["last_frame_s"] == 100 + TIMES[count - 1]


def test_a_picture_of_which_half_reached_the_disk_is_left_out(
    archive: Archive, logged_errors: list[str]
) -> None:
    recording = Open(archive, suffix=".avi", fourcc="MJPG")
    content = recording.part.read_bytes()
    os.truncate(recording.part, (content.rindex(b"\xff\xd8") + content.rindex(b"\xff\xd9")) // 2)
    recover(archive)
    assert play(recording.final).numbers == list(range(COUNT - 1))
    assert read_index(archive.root)[0]["frames"] == COUNT - 1
    assert "the last 1 pictures did not reach the disk" in logged_errors[0]


def test_journal_cut_in_a_line_is_read_up_to_there(archive: Archive) -> None:
    recording = Open(archive)
    lines = recording.journal.read_text().splitlines(keepends=True)
    recording.journal.write_text("".join(lines[:21]) + lines[21][:10])  # the facts, 20 frames, and a bit
    recover(archive)
    played = play(recording.final)
    assert played.numbers == list(range(len(TIMES))), "the pictures are there, whatever the journal says"
    assert played.times[:20] == pytest.approx(TIMES[:20], abs=0.001)
    assert read_index(archive.root)[0]["frames"] == len(TIMES)


def test_no_room_for_the_copy_keeps_the_transport_stream(
    archive: Archive, logged_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise RecordingError("the disk is full")

    recording = Open(archive)
    monkeypatch.setattr(container, "copy", full)
    assert recording.close() == recording.final.with_suffix(".ts")
    assert remains(archive.root) == ["2017/video_2017-04-02T132017.ts", "recordings.jsonl"]
    assert container.survey(recording.final.with_suffix(".ts")).count == COUNT
    (entry,) = read_index(archive.root)
    assert entry["file"].endswith(".ts")
    assert entry["frames"] == COUNT
    assert "disk is full" in logged_errors[0]


def test_incomplete_copy_is_not_taken(
    archive: Archive, logged_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = container.copy

    def stops_early(source: Path, target: Path, fourcc: str, times_ms: list[int], *more: Any) -> int:
        return copy(source, target, fourcc, times_ms[:-5], *more)

    recording = Open(archive)
    monkeypatch.setattr(container, "copy", stops_early)
    assert recording.close() == recording.final.with_suffix(".ts")
    assert container.survey(recording.final.with_suffix(".ts")).count == COUNT


def test_a_leftover_that_cannot_be_closed_keeps_no_other_from_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    held, free = Open(archive), Open(archive, suffix=".avi")
    move = closing.fsync.move

    def refusing(source: Path, target: Path) -> None:
        if target == held.final:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        move(source, target)

    monkeypatch.setattr(closing.fsync, "move", refusing)
    recover(archive)
    assert free.final.exists()
    assert held.part.exists()
    assert len(logged_errors) == 1
    assert held.stem.name in logged_errors[0]
    monkeypatch.undo()
    recover(archive)
    assert held.final.exists()


def test_recovery_does_not_touch_other_recordings(archive: Archive) -> None:
    first = Open(archive)
    first.close()
    content = first.final.read_bytes()
    second = Open(archive)
    assert second.stem.name == first.stem.name + "_2"
    recover(archive)
    assert first.final.read_bytes() == content
    assert second.final.exists()


# ---- a real process, really killed


@pytest.mark.slow
@pytest.mark.parametrize(("fourcc", "suffix"), [("DIVX", ".mp4"), ("DIVX", ".avi"), ("MJPG", ".avi")])
def test_killed_process_loses_only_the_last_moments(
    fourcc: str, suffix: str, archive_path: Path, logged_errors: list[str]
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    command = [sys.executable, "-c", RECORD_FOREVER, str(archive_path), fourcc, suffix]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"enough\n"
        process.send_signal(signal.SIGKILL)
    archive = Archive(archive_path, None)
    archive.open()
    recover(archive)
    archive.close()
    (entry,) = read_index(archive_path)
    recording = play(archive_path / entry["file"])
    assert recording.numbers[:-1] == list(range(len(recording.numbers) - 1))
    assert len(recording.numbers) >= 350
    assert entry["frames"] == len(recording.numbers)
    assert entry["recovered"] is True
    assert recording.span_s == pytest.approx(entry["last_frame_s"] - entry["first_frame_s"], abs=0.05)
    assert remains(archive_path) == ["recordings.jsonl", entry["file"]]


@pytest.mark.parametrize("journal_text", [None, "", '{"part_su'], ids=["gone", "empty", "torn"])
@pytest.mark.usefixtures("logged_errors")
def test_pictures_survive_the_loss_of_their_journal(archive: Archive, journal_text: str | None) -> None:
    recording = Open(archive)
    if journal_text is None:
        recording.journal.unlink()
    else:
        recording.journal.write_text(journal_text)
    recover(archive)
    kept = recording.stem.with_suffix(".ts")
    assert play(kept).numbers == list(range(len(TIMES)))
    assert not recording.part.exists()
    (entry,) = archive.index.each()
    assert entry.file == name(kept, archive)
    assert entry.frames == len(TIMES)
    assert entry.recovered is True
    assert str(entry.trigger_utc).startswith("2017-04-02 13:20:17")


def test_notes_that_a_crash_took_are_made_up_for_the_pictures_that_it_left(archive: Archive) -> None:
    recording = Open(archive)
    lines = recording.journal.read_text().splitlines()
    recording.journal.write_text("\n".join(lines[:-3]) + "\n")
    recover(archive)
    assert play(recording.final).numbers == list(range(len(TIMES)))


def test_a_crash_between_rename_and_removal_does_not_touch_the_closed_file(archive: Archive) -> None:
    recording = Open(archive)
    left = {path: path.read_bytes() for path in (recording.part, recording.journal)}
    recording.close()
    closed = recording.final.stat()
    for path, content in left.items():
        path.write_bytes(content)
    recover(archive)
    assert recording.final.stat().st_mtime_ns == closed.st_mtime_ns
    assert not recording.part.exists()
    assert len(list(archive.index.each())) == 1
