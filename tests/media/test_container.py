"""Packets come out of a file as they went in, and into another one with their times."""

from __future__ import annotations

from pathlib import Path

import pytest
from recordings import numbered, play, rising, wandering

from pynvr.errors import RecordingError
from pynvr.media import container
from pynvr.media.container import PacketReader, PacketWriter
from pynvr.recording.encoding import Encoder

COUNT = 30


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "stream.ts"
    encoder = Encoder(path, "DIVX", 20, (160, 120))
    for number in range(COUNT):
        encoder.write(numbered(number))
    encoder.close()
    return path


def milliseconds(times: list[float]) -> list[int]:
    return [round(time * 1000) for time in times]


def test_count(stream: Path) -> None:
    assert container.survey(stream).count == COUNT


def test_reader_tells_size_and_key_packets(stream: Path) -> None:
    with PacketReader(stream) as reader:
        assert (reader.width, reader.height) == (160, 120)
        keys = [packet.key for packet in reader]
    assert len(keys) == COUNT
    assert keys[0]
    assert not all(keys)


@pytest.mark.parametrize("times", [rising(20, COUNT / 20), rising(1, COUNT), wandering(1.6)[:COUNT]])
def test_mp4_gets_every_time(stream: Path, tmp_path: Path, times: list[float]) -> None:
    target = tmp_path / "copy.mp4"
    count = len(times)
    container.copy(stream, target, "mp4v", milliseconds(times))
    played = play(target)
    assert played.numbers == list(range(count))
    assert played.times == pytest.approx(times, abs=0.0011)


@pytest.mark.parametrize("rate", [1.0, 7.0, 12.345, 29.97, 240.0])
def test_avi_gets_the_rate(stream: Path, tmp_path: Path, rate: float) -> None:
    target = tmp_path / "copy.avi"
    container.copy(stream, target, "DIVX", [0] * COUNT, rate)
    played = play(target)
    assert played.numbers == list(range(COUNT))
    assert played.fps == pytest.approx(rate, rel=0.001)


def test_packets_beyond_the_times_are_left_out(stream: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    container.copy(stream, target, "mp4v", list(range(0, 400, 40)))
    assert container.survey(target).count == 10


def test_key_packets_stay_what_they_are(stream: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    container.copy(stream, target, "mp4v", milliseconds(rising(20, COUNT / 20)))
    with PacketReader(stream) as before, PacketReader(target) as after:
        assert [packet.key for packet in before] == [packet.key for packet in after]


@pytest.mark.parametrize("content", [None, b"", b"text" * 500], ids=["missing", "empty", "text"])
def test_what_is_no_video(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "no.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"no\.avi"):
        container.survey(path)


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written"):
        PacketWriter(tmp_path / "missing" / "copy.mp4", "mp4v", (160, 120))
