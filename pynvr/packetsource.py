"""Packets as they come, undecoded, as a source beside that of the frames; and files as such a source.

Nobody iterates over them: the detector's frames set the pace, and the recorder asks
for all packets `until` a frame's time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from pynvr import bitstream
from pynvr.errors import CameraError, SettingsError
from pynvr.frame import TIME_TOLERANCE_S, Gap
from pynvr.packet import Stream, TimedPacket
from pynvr.source import check_file, claimed_fps

RAW = (cv2.CAP_PROP_FORMAT, -1)
"""Has OpenCV hand out packets as they come."""


class PacketSource(Protocol):
    """Where the packets of a recording come from."""

    name: str
    """For logs and messages, without any password."""
    lag_s: float
    """How long after its own time a packet arrives at the earliest; 0 for a file."""

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """Every packet that is there and lies before or at `time`, in the order of decoding.

        A packet of a later time holds up those behind it: with B-frames they need it.
        """

    def close(self) -> None:
        """Let go of the camera or file."""


class FilePackets:
    """The packets of a video file, read when they are asked for; with the file's own times."""

    lag_s = 0.0
    connected = True

    def __init__(self, path: Path) -> None:
        """Open the file; raises CameraError where it cannot be read, SettingsError for its codec."""
        self.name = str(path)
        check_file(path)
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, RAW)
        if not self._capture.isOpened():
            raise CameraError(f"{path}: is not a video that OpenCV can read")
        self._stream = stream_of(self._capture, self.name)
        self._started = datetime.now(timezone.utc)
        self._packets = self._read()
        self._waiting = next(self._packets, None)

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """As `PacketSource` has it."""
        while (packet := self._waiting) is not None and packet.time <= time + TIME_TOLERANCE_S:
            self._waiting = next(self._packets, None)
            yield packet

    def first(self, timeout_s: float) -> TimedPacket:
        """The next packet; raises CameraError where there is none."""
        if self._waiting is None:
            raise CameraError(f"{self.name}: holds no packet")
        return self._waiting

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _read(self) -> Iterator[TimedPacket]:
        while (got := self._capture.read())[0]:
            key = self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
            time = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            utc = self._started + timedelta(seconds=time)
            yield TimedPacket(np.asarray(got[1], np.uint8), key, time, utc, self._stream)


def stream_of(capture: cv2.VideoCapture, name: str) -> Stream:
    """What OpenCV says about a stream; raises SettingsError where it cannot be copied."""
    codec = bitstream.codec_of(int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF)
    if codec is None:
        number = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        raise SettingsError(
            f'RECORDING_MODE = "copy": {name} sends {number.to_bytes(4, "little")!r}; '
            "only H.264, H.265 and MJPEG can be copied"
        )
    _, extra = capture.retrieve(None, int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX)))
    told = b"" if extra is None else np.asarray(extra, np.uint8).tobytes()
    return Stream(
        codec,
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        claimed_fps(capture),
        bitstream.parameter_sets(codec, told) if bitstream.is_annex_b(told) else b"",
        max(0.0, capture.get(cv2.CAP_PROP_DTS_DELAY)) / claimed_fps(capture),
    )
