"""A clip is whole or not there, and takes nobody's place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recordings import numbered, play

from pynvr.errors import RecordingError
from pynvr.tuning.clip import Clip

TIMES = [10.0, 10.5, 10.52, 11.0, 13.0]


def write(path: Path, fourcc: str = "DIVX", times: list[float] = TIMES) -> int:
    clip = Clip(path, fourcc, 25)
    for number, time in enumerate(times):
        clip.write(numbered(number), time)
    return clip.close()


def test_mp4_has_every_time(tmp_path: Path) -> None:
    path = tmp_path / "ä clip.mp4"
    assert write(path) == 5
    played = play(path)
    assert played.numbers == list(range(5))
    assert played.times == pytest.approx([time - 10 for time in TIMES], abs=0.001)
    assert list(tmp_path.iterdir()) == [path]


NAMES = [
    b"10:00.avi", b"10:00.mp4", b"pipe:1.avi", b"file:a.avi", b"tee:a.avi|b.avi", b"http:/a.mp4", b"-y.avi",
    b"%d.avi", b"%03d.mp4", b"a b'c\".avi", b"a\nb.mp4", b"T\xc3\xbcr.avi", b"\xff\xfe.avi", b"10:\xff.mp4",
    b"\xff/a.mp4", b"../\xff/a:b.avi",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_that_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    """And of no protocol, pattern or option."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = Path(os.fsdecode(name))
    path.parent.mkdir(exist_ok=True)
    assert write(path) == 5
    link = tmp_path / f"link{path.suffix}"
    link.symlink_to(path.absolute())
    assert play(link).numbers == list(range(5))
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("fourcc", ["DIVX", "MJPG"])
def test_avi_has_the_mean_rate(tmp_path: Path, fourcc: str) -> None:
    path = tmp_path / "clip.avi"
    write(path, fourcc)
    assert play(path).fps == pytest.approx(4 / 3, rel=0.001)
    assert list(tmp_path.iterdir()) == [path]


def test_single_picture_has_the_rate_given(tmp_path: Path) -> None:
    write(tmp_path / "clip.avi", times=[5.0])
    assert play(tmp_path / "clip.avi").fps == pytest.approx(25)


def test_without_pictures_there_is_no_file(tmp_path: Path) -> None:
    assert write(tmp_path / "clip.avi", times=[]) == 0
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="not overwritten"):
        write(path)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "fourcc", "said"), [("clip.mkv", "DIVX", ".avi or .mp4"), ("clip.mp4", "MJPG", ".avi only")]
)
def test_container_that_does_not_take_the_codec(tmp_path: Path, name: str, fourcc: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        write(tmp_path / name, fourcc)
    assert "FOURCC_CODEC" in str(caught.value)


def test_part_of_somebody_else_stays(tmp_path: Path) -> None:
    """Perhaps another run writes it. The message says what named this place."""
    part = tmp_path / "clip.part.ts"
    part.write_text("precious")
    with pytest.raises(RecordingError, match=r"clip\.part\.ts.*--output.*exists"):
        write(tmp_path / "clip.avi")
    assert part.read_text() == "precious"


def test_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="missing"):
        write(tmp_path / "missing" / "clip.avi")
