"""What a bad network makes of a copied stream's parameter sets: no recording may be lost to that."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from copies import Raw, complaints, make, numbers_of, packets_of
from recordings import MOMENT, read_index
from rtsp import RtspServer, needs_rtsp
from running import Start
from wire import Harm, Wire

from pynvr.archive.archive import Archive
from pynvr.errors import CameraError
from pynvr.media.codecs import H264, parameter_sets
from pynvr.media.ffmpeg import size_of
from pynvr.media.frame import Gap
from pynvr.media.packet import Packet, TimedPacket
from pynvr.recording.copying import PacketPart
from pynvr.recording.open_recording import OpenRecording
from pynvr.recording.orders import Begin, Write
from pynvr.sources.opening import Opener, Timeouts
from pynvr.sources.packet_camera import PacketConnection
from pynvr.sources.times.burst import Reading

GARBAGE = b"\0\0\0\1\x67" + bytes(range(17, 40)) + b"\0\0\0\1\x68\x0f\xff"
"""Units that flipped bytes have made a sequence parameter set and a picture parameter set."""


@dataclass
class Capture:
    """What OpenCV says of a camera that tells its sets when it is opened."""

    sets: bytes
    size: tuple[int, int] = (320, 240)

    def get(self, prop: int) -> float:
        return {
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"h264")),
            cv2.CAP_PROP_FRAME_WIDTH: float(self.size[0]),
            cv2.CAP_PROP_FRAME_HEIGHT: float(self.size[1]),
            cv2.CAP_PROP_FPS: 25.0,
        }.get(prop, 0.0)

    def retrieve(self, _: None, stream: int) -> tuple[bool, Any]:
        return True, np.frombuffer(self.sets, np.uint8)

    def read(self) -> tuple[bool, Any]:
        raise AssertionError("the test hands over what it has read")

    def release(self) -> None: ...


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Raw]:
    return packets_of(make(tmp_path_factory.mktemp("sent") / "a.ts", seconds=3, moving=(1, 2), gop=25))


@pytest.fixture
def connection(sent: list[Raw]) -> PacketConnection:
    return connected(Capture(parameter_sets(H264, sent[0].data)))


def connected(capture: Capture) -> PacketConnection:
    opener = SimpleNamespace(
        cam="rtsp://camera/main",
        name="rtsp://camera/main",
        timeouts=Timeouts(),
        in_pieces=False,
        among_lines=False,
        pieces_of_mp4=False,
        open=lambda *_: capture,
    )
    return PacketConnection(cast(Opener, opener), threading.Event(), ".mp4")


def bare_of(data: bytes) -> bytes:
    """As many cameras send them: without delimiters, and with the sets only told beforehand."""
    data = data.removeprefix(H264.delimiter)
    sets = parameter_sets(H264, data)
    return data.replace(sets, b"") if sets else data


def received(connection: PacketConnection, packets: list[Raw]) -> list[TimedPacket | Gap]:
    return [
        item
        for index, raw in enumerate([*packets, packets[-1]])  # one is handed over when the next has come
        for item in connection.make(
            Reading(
                Packet(np.frombuffer(raw.data, np.uint8)[None], raw.key),
                len(raw.data),
                raw.time_ms / 1000,
            ),
            raw.time_ms / 1000,
            index,
        )
    ]


@needs_rtsp
@pytest.mark.slow
@pytest.mark.parametrize("harmed", [0, 25])
def test_a_recording_after_damaged_sets_is_whole(
    tmp_path: Path, sent: list[Raw], connection: PacketConnection, harmed: int
) -> None:
    """Both the one that begins with them and the later one, which used to get them as its own."""
    bare = [Raw(bare_of(raw.data), raw.key, raw.time_ms) for raw in sent]
    assert not any(parameter_sets(H264, raw.data) for raw in bare)
    bare[harmed].data = GARBAGE + bare[harmed].data
    assert parameter_sets(H264, bare[harmed].data)
    items = received(connection, bare)
    assert not any(isinstance(item, Gap) for item in items)
    packets = cast("list[TimedPacket]", items)
    archive = Archive(tmp_path, None)
    archive.open()
    for begin in (harmed, 50):
        recording = OpenRecording(
            archive, partial(PacketPart, ".mp4"), Begin(packets[begin].time, MOMENT, 25.0)
        )
        for packet in packets[begin:]:
            recording.write(Write(packet))
        path = recording.close()
        assert path is not None and path.suffix == ".mp4"
        assert numbers_of(path)[-25:] == list(range(50, 75))
        assert read_index(tmp_path)[-1]["frames"] == len(packets) - begin
    archive.close()


@needs_rtsp
@pytest.mark.parametrize("size", [(0, 0), (320, 240)])
def test_what_nobody_can_decode_is_not_recorded(sent: list[Raw], size: tuple[int, int]) -> None:
    """As where what described the stream was damaged."""
    bare = [Raw(bare_of(raw.data), raw.key, raw.time_ms) for raw in sent]
    with pytest.raises(CameraError, match="without parameter sets"):
        received(connected(Capture(b"", size)), bare)
    bare[25].data = parameter_sets(H264, sent[0].data) + bare[25].data
    items = cast("list[TimedPacket]", received(connected(Capture(b"", size)), bare))
    assert [item.data.tobytes() for item in items] == [raw.data for raw in bare[25:]]
    assert {(item.stream.width, item.stream.height) for item in items} == {(320, 240)}


@needs_rtsp
@pytest.mark.slow
def test_hardly_any_damage_makes_sense(sent: list[Raw]) -> None:
    dice = random.Random(1)
    before, sps, after = sent[0].data.partition(parameter_sets(H264, sent[0].data)[:-4])
    damaged = (before + sps[:5] + dice.randbytes(len(sps) - 5) + after for _ in range(1000))
    assert size_of(H264, before + sps + after) == (320, 240)
    assert sum(size_of(H264, data) is not None for data in damaged) <= 5


@needs_rtsp
@pytest.mark.slow
def test_half_a_picture_is_not_recorded(tmp_path: Path, start: Start) -> None:
    """A connection that breaks within a picture gives its first part as a packet."""
    clip = make(tmp_path / "busy.mp4", seconds=20, moving=(1, 20), scene_size=(640, 480))
    with RtspServer({"main": clip}) as server, Wire(server.port) as wire:
        recorder = start(
            cam=server.url("main"),
            RECORDING_CAM=wire.url(server.url("main")),
            RECORDING_MODE="copy",
            INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=1.0,
            MINIMAL_MOTION_DURATION=30,
        )
        recorder.wait_for_status(state="recording")
        wire.harm = Harm(cut=True)
        recorder.wait_for("trying again")
        wire.harm = Harm()
        recorder.wait_for("the event goes on in another file")
        recorder.stop()
    entries = recorder.index()
    assert len(entries) == 2
    for entry in entries:
        assert complaints(recorder.archive / entry["file"]) == ""
