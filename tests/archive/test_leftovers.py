"""Whatever a crash, a hand or another program left in an archive stops no start."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from recordings import MOMENT, play, read_index, remains
from test_closing import COUNT, TIMES, Open

from pynvr.archive import closing, leftovers
from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover

STAMP = "2017-04-02T13:20:17.000+00:00"
FRAME = [100.0, STAMP, 0, False]


ODD_LINES: dict[str, object] = {
    "number": 5,
    "null": None,
    "text": "facts",
    "no frame": [],
    "short frame": [1.0, STAMP],
    "long frame": [*FRAME, 1, 2],
    "text as time": ["now", STAMP, 0, False],
    "endless": [1e300, STAMP, 0, False],
    "no zone": [100.0, "2017-04-02T13:20:17", 0, False],
    "no date": [100.0, "yesterday", 0, False],
    "list of lists": [[1], [2], [3], [4]],
    "suffix": {"suffix": 5},
    "suffix of elsewhere": {"suffix": "/../../outside.mp4"},
    "part's suffix": {"part_suffix": ["ts"]},
    "fourcc": {"fourcc": None},
    "long fourcc": {"fourcc": "mp4v " * 9},
    "delimiter": {"delimiter": "xyz"},
    "rate": {"nominal_fps": "twenty"},
    "no rate": {"nominal_fps": 0},
    "negative rate": {"output_rate": -5},
    "trigger": {"trigger_s": [1]},
    "trigger without zone": {"trigger_utc": "2017-04-02T13:20:17"},
    "width": {"width": -1},
}


@pytest.mark.slow
@pytest.mark.parametrize("place", ["first", "in the middle", "alone"])
@pytest.mark.parametrize("odd", ODD_LINES.values(), ids=ODD_LINES)
def test_an_odd_journal_is_set_aside_and_the_pictures_are_kept(
    archive: Archive, odd: object, place: str, logged_errors: list[str]
) -> None:
    recording, after = Open(archive), Open(archive)
    lines = recording.journal.read_text().splitlines()
    at = {"first": 0, "in the middle": 20, "alone": 0}[place]
    lines = [*lines[:at], json.dumps(odd), *([] if place == "alone" else lines[at:])]
    recording.journal.write_text("\n".join(lines) + "\n")
    recover(archive)
    kept = recording.final if place == "in the middle" else recording.final.with_suffix(".ts")
    assert play(kept).numbers == list(range(COUNT))
    if place == "in the middle":
        assert play(kept).times[:19] == pytest.approx(TIMES[:19], abs=0.001)
    assert after.final.exists()
    aside = recording.stem.with_name(f"{recording.stem.name}.journal.damaged")
    assert json.loads(aside.read_text().splitlines()[at]) == odd
    assert [entry["frames"] for entry in read_index(archive.root)] == [COUNT, COUNT]
    assert "kept as .journal.damaged" in logged_errors[-1]
    left = remains(archive.root)
    recover(Archive(archive.root, None))
    assert remains(archive.root) == left
    assert not (archive.root.parent / "outside.mp4").exists()


@pytest.mark.parametrize(
    ("content", "aside"),
    [
        (b"\0" * 5000, False),
        (bytes(range(128, 256)) * 50, True),
        (b"[" * 1_000_000, True),
        (b"{}\n" * 10 + b'{"part_suffix": ".t', False),
        (b"\n\n\n", True),
        ("{\u2028}\n[]\n".encode(), True),
    ],
    ids=["NUL, as after a power cut", "binary", "one long line", "torn", "empty lines", "no JSON"],
)
def test_a_journal_that_is_no_text(
    archive: Archive, content: bytes, aside: bool, logged_errors: list[str]
) -> None:
    recording = Open(archive)
    recording.journal.write_bytes(content)
    recover(archive)
    assert play(recording.final.with_suffix(".ts")).numbers == list(range(COUNT))
    assert recording.stem.with_name(f"{recording.stem.name}.journal.damaged").exists() is aside
    assert len(read_index(archive.root)) == 1


def test_a_huge_journal_takes_no_memory(archive: Archive, logged_errors: list[str]) -> None:
    recording = Open(archive)
    with recording.journal.open("r+b") as file:
        file.truncate(1 << 40)
    recover(archive)
    assert play(recording.final).numbers == list(range(COUNT))


def test_a_fault_of_our_own_sets_aside_and_goes_on(
    archive: Archive, logged_errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, good = Open(archive), Open(archive)
    content = odd.part.read_bytes()

    def survey(path: Path, delimiter: bytes = b"") -> object:
        if path == odd.part:
            raise TypeError("what is this?")
        return real(path, delimiter)

    real = closing.survey
    monkeypatch.setattr(closing, "survey", survey)
    recover(archive)
    assert odd.stem.with_suffix(".damaged").read_bytes() == content
    assert good.final.exists()
    assert "what is this?" in logged_errors[0]
    recover(Archive(archive.root, None))
    assert odd.stem.with_suffix(".damaged").read_bytes() == content


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_is_left_alone(archive: Archive, kind: str) -> None:
    path = archive.root / "2017" / "video_2017-04-02T132017.part.ts"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    recover(archive)
    assert os.path.lexists(path)
    assert read_index(archive.root) == []


def test_trials_are_cleared_and_damaged_ones_counted(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    folder = archive.root / "2017"
    folder.mkdir()
    old = ["trial_2017-04-02T132017.mp4", "trial_2017-04-02T132017_2.part.ts"]
    others = ["trial_run.mp4", "trial_2017-04-02T132018.mp4", "video_1.damaged", "video_2.journal.damaged"]
    for name in (*old, *others):
        (folder / name).touch()
    for name in old:
        os.utime(folder / name, (0, 0))
    with caplog.at_level(logging.INFO):
        recover(archive)
    assert sorted(path.name for path in folder.iterdir()) == sorted(others)
    assert "2 files .damaged" in caplog.text
    assert caplog.text.count("--check") == 2


def test_half_an_index_is_cleared(archive: Archive) -> None:
    archive.index.append({"file": "a.avi"})
    half = archive.root / ".recordings.jsonl.new"
    half.write_text('{"file": "a.a')
    recover(archive)
    assert not half.exists()
    assert [entry.file for entry in archive.index.each()] == ["a.avi"]


def test_a_name_that_came_to_nothing_is_no_leftover(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.new_stem(MOMENT)
    recover(archive)
    assert caplog.records == []


def test_the_archive_is_walked_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk refuses, recording is tried again every five seconds, and what was left before it."""
    first, second = Open(archive), Open(archive)
    recover(archive)
    monkeypatch.setattr(leftovers, "find", None)
    assert archive.leftovers() == []
    third = Open(archive)
    assert archive.leftovers() == [third.stem]
    assert third.close() == third.final
    assert archive.leftovers() == []
    assert first.final.exists()
    assert second.final.exists()


def test_folders_that_cannot_be_read_and_folders_without_end(archive: Archive) -> None:
    recording = Open(archive)
    (archive.root / "loop").symlink_to(archive.root)
    deep = archive.root
    for _ in range(leftovers.DEEPEST + 3):
        deep = deep / "deeper"
    deep.mkdir(parents=True)
    assert archive.leftovers() == [recording.stem]


def test_recordings_without_a_line_are_told(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    ends = ".avi", ".mp4", ".jpg"
    names = [f"2017/video_2017-04-02T13201{second}{end}" for second, end in enumerate(ends)]
    for name in names:
        (archive.root / name).parent.mkdir(exist_ok=True)
        (archive.root / name).touch()
    archive.index.append({"file": names[0]})
    Open(archive)
    recover(archive)
    said = [line for line in caplog.messages if "no line in the index" in line]
    assert len(said) == 1 and said[0].startswith(f"{archive.root}: 1 recordings have no line")
    (archive.root / names[1]).unlink()
    caplog.clear()
    again = Archive(archive.root, None)
    archive.close()
    again.open()
    recover(again)
    again.close()
    assert "no line in the index" not in caplog.text
