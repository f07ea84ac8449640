"""Truth for copy mode: streams with a known motion, and what of them lies in a recording."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rtsp import encode

from pynvr.demo.frame_number import draw_frame_number, read_frame_number
from pynvr.media.frame import Image

SIZE = (320, 240)
FPS = 25
QUICK: Mapping[str, object] = {
    "RECORDING_MODE": "copy",
    "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1.0,
    "CAMERA_READ_TIMEOUT_SECS": 1.0,
    "MOTION_AREA_THRESHOLD": 3000,
    "MINIMAL_MOTION_DURATION": 1.0,
}
"""Settings with which such a stream makes a recording soon."""


def scene(
    times: Sequence[float],
    moving: tuple[float, float],
    size: tuple[int, int] = SIZE,
    each: Callable[[Image, float], None] = lambda image, time: None,
) -> Iterator[Image]:
    """Numbered pictures with texture, in which a square moves from one of two times to the other.

    `each` may draw more into them.
    """
    rng = np.random.default_rng(1)
    ground = cv2.resize(rng.integers(60, 180, (12, 16, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC)
    for number, time in enumerate(times):
        image = ground.copy()
        if moving[0] <= time < moving[1]:
            x = int((time - moving[0]) * 90 * size[0] / 320) % (size[0] * 3 // 4)
            cv2.rectangle(image, (x, size[1] // 3), (x + size[0] // 5, size[1] * 2 // 3), (30, 30, 230), -1)
        draw_frame_number(image, number)
        each(image, time)
        yield image


def make(path: Path, seconds: float = 8, moving: tuple[float, float] = (4, 5), **options: Any) -> Path:
    """Encode such a scene as a camera would: `options` are those of `encode`, and those of `scene`."""
    each = options.pop("each", lambda image, time: None)
    size = options.pop("scene_size", SIZE)
    times = options.get("times") or [number / FPS for number in range(round(seconds * FPS))]
    return encode(path, scene(times, moving, size, each), FPS, **options)


@dataclass
class Raw:
    """A packet as it lies in a file."""

    data: bytes
    key: bool
    time_ms: int


def packets_of(path: Path) -> list[Raw]:
    """All packets of a file, in the order of decoding."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
    found = []
    while (got := capture.read())[0]:
        key = capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
        found.append(Raw(got[1].tobytes(), key, round(capture.get(cv2.CAP_PROP_POS_MSEC))))
    capture.release()
    return found


def pictures(data: bytes, codec: str) -> list[bytes]:
    """The units of a packet that hold pictures; MJPEG's packet is one.

    Between the units and around them containers put lengths, start codes and parameter sets.
    """
    if codec == "mjpeg":  # RTP leaves out the header, and the receiver makes one
        scan = data[data.index(b"\xff\xda") + 14 :]
        while scan.endswith(b"\xff\xd9"):
            scan = scan[:-2]
        return [scan]
    units = [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]
    return [unit for unit in units if ((unit[0] & 31) < 6 if codec == "h264" else (unit[0] >> 1 & 63) < 32)]


def numbers_of(path: Path) -> list[int | None]:
    """The numbers drawn into the pictures, as a player shows them."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    found = []
    while (got := capture.read())[0]:
        found.append(read_frame_number(got[1]))
    capture.release()
    return found


def complaints(path: Path) -> str:
    """What ffmpeg has to say against a file; nothing, if all is well."""
    command = ["ffmpeg", "-v", "warning", "-i", str(path), "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "1:90000", "-f", "null", "-"]  # the default one would merge near times
    ffprobe = [
        "ffprobe",
        "-v",
        "warning",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        str(path),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    said = re.sub(".*Guessed Channel Layout.*\n", "", said)  # PCM in an .mkv only counts its channels
    return said + subprocess.run(ffprobe, capture_output=True, text=True, check=True).stderr


def same_run(recorded: list[Raw], sent: list[Raw], codec: str) -> int:
    """Assert that a recording is a run of the packets sent, bit by bit; return where it begins."""
    have = [pictures(packet.data, codec) for packet in recorded]
    want = [pictures(packet.data, codec) for packet in sent]
    known = have[0] in want
    assert known, "the first packet was never sent"
    begin = want.index(have[0])
    same = have == want[begin : begin + len(have)]
    assert same, "a packet differs, is missing or in the wrong place"
    assert [p.key for p in recorded] == [p.key for p in sent[begin : begin + len(have)]]
    return begin
