"""The test camera tells the truth: what it sends is the file, live, and only what is asked for is harmed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rtsp import RtspServer, encode, needs_rtsp
from wire import Harm, Wire

pytestmark = [needs_rtsp, pytest.mark.slow]

BITS = 8  # of the frame number, as black and white columns
Image = np.ndarray[Any, Any]


def drawn(first: int, count: int, scale: int = 1) -> Iterator[Image]:
    """Frames numbered first, first + 1, … [BGR uint8, 128x96 times scale]."""
    for number in range(first, first + count):
        columns = np.array([number >> bit & 1 for bit in range(BITS)], np.uint8) * 200
        yield np.repeat(np.tile(columns.repeat(16 * scale), (96 * scale, 1))[:, :, None], 3, axis=2)


def number_of(image: Image) -> int:
    return sum((column.mean() > 100) << bit for bit, column in enumerate(np.split(image, BITS, axis=1)))


@dataclass
class Read:
    """One read frame or packet: its number or bytes, the stream's time, and whether it is a key packet."""

    what: Any
    time_ms: float
    is_key: bool


def read(url: str | Path, count: int = 1000, raw: bool = False) -> list[Read]:
    """At most `count` decoded frames' numbers, or raw packets, until the first read that fails."""
    parameters = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000]
    capture = cv2.VideoCapture(str(url), cv2.CAP_FFMPEG, parameters + [cv2.CAP_PROP_FORMAT, -1] * raw)
    found: list[Read] = []
    while len(found) < count:
        ok, image = capture.read()
        if not ok:
            break
        is_key = bool(capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME))
        what = image.tobytes() if raw else number_of(image)
        found.append(Read(what, capture.get(cv2.CAP_PROP_POS_MSEC), is_key))
    capture.release()
    return found


def coded(packet: bytes, codec: str) -> list[bytes]:
    """The NAL units of an Annex B packet that hold pictures: readers differ in where they put the others."""
    units = [unit.rstrip(b"\0") for unit in packet.split(b"\0\0\1")[1:]]
    return [unit for unit in units if ((unit[0] & 31) < 6 if codec == "h264" else (unit[0] >> 1 & 63) < 32)]


@pytest.mark.parametrize(("codec", "bframes"), [("h264", 2), ("h265", 0)])
def test_packets_are_the_files_own_loop_after_loop(tmp_path: Path, codec: str, bframes: int) -> None:
    path = encode(tmp_path / "a.mp4", drawn(0, 20), fps=50, codec=codec, gop=10, bframes=bframes)
    stored = [coded(packet.what, codec) for packet in read(path, raw=True)]
    with RtspServer({"main": path}, from_start=True) as server:
        sent = read(server.url("main"), 50, raw=True)
    assert len(stored) == 20
    assert [coded(packet.what, codec) for packet in sent] == (stored * 3)[:50]
    assert [n for n, packet in enumerate(sent) if packet.is_key] == [0, 10, 20, 30, 40]
    times = sorted(packet.time_ms for packet in sent[10:40])
    assert np.diff(times) == pytest.approx(20, abs=0.1)


def test_frames_come_at_the_files_own_times_until_its_end(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum([0.0, *rng.choice([0.02, 0.033, 0.071, 0.1], 39)]).tolist()
    path = encode(tmp_path / "a.mp4", drawn(0, 40), times=times, bframes=2)
    with RtspServer({"main": path}, from_start=True, once=True) as server:
        sent = read(server.url("main"))
    for frames in (read(path), sent):
        assert [frame.what for frame in frames] == list(range(40))
        # FFmpeg does not know the time of the first frames of a stream
        assert np.diff([frame.time_ms for frame in frames[4:]]) == pytest.approx(
            1000 * np.diff(times[4:]), abs=0.1
        )


def test_live_clients_join_at_a_key_frame_with_the_password(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", drawn(0, 200), fps=50, gop=5)
    with RtspServer({"main": path}, user="joe", password="p@ss/w:rd") as server:
        first, second = read(server.url("main"), 20), read(server.url("main"), 20)
        assert not read(server.url("main", password="wrong"))
    for frames in (first, second):
        assert [frame.what for frame in frames] == list(range(frames[0].what, frames[0].what + 20))
        assert frames[0].what % 5 == 0
    assert second[0].what >= first[-1].what


def test_pause_switch_and_restart_on_the_same_port(tmp_path: Path) -> None:
    small = encode(tmp_path / "small.mp4", drawn(0, 100), fps=50, gop=5)
    other = encode(tmp_path / "other.mp4", drawn(100, 100), fps=50, gop=5)
    with RtspServer({"main": small}, from_start=True) as server:
        capture = cv2.VideoCapture(server.url("main"), cv2.CAP_FFMPEG, [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000])
        numbers = [number_of(capture.read()[1]) for _ in range(20)]
        server.command("pause 0.5")
        numbers += [number_of(capture.read()[1]) for _ in range(20)]
        server.command(f"switch main {other}")
        numbers += [number_of(capture.read()[1]) for _ in range(20)]
        port, _ = server.port, server.kill()
        assert not all(capture.read()[0] for _ in range(400))  # after what it has received already
        capture.release()
        server.start()
        assert server.port == port
        assert [frame.what for frame in read(server.url("main"), 3)] == [0, 1, 2]
    (pause, _), (switch, first_other) = [(b - a, b) for a, b in itertools.pairwise(numbers) if b != a + 1]
    assert 25 <= pause <= 25 + 5 + 1
    assert first_other == 100
    assert switch > 0


def test_wire_drops_flips_and_refuses(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", drawn(0, 40), fps=50, gop=5)
    with RtspServer({"main": path}, from_start=True, once=True) as server, Wire(server.port, seed=3) as wire:
        url = wire.url(server.url("main"))
        whole = [packet.what for packet in read(url, raw=True)]
        wire.harm = Harm(drop=0.2)
        thinned = [packet.what for packet in read(url, raw=True)]
        wire.harm = Harm(flip=0.05)
        garbled = [packet.what for packet in read(url, raw=True)]
        wire.refuse()
        assert not read(url)
        wire.harm = Harm()
        wire.accept()
        assert read(url, 3)
    assert len(whole) == 40
    assert 25 <= len(thinned) < 40
    assert set(thinned) <= set(whole)
    assert not set(garbled) <= set(whole)
