"""Packets as they come, undecoded, as a source beside that of the frames; and files as such a source.

Nobody iterates over them: the detector's frames set the pace, and the recorder asks
for all packets `until` a frame's time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from pynvr.errors import CameraError, SettingsError
from pynvr.media import codecs
from pynvr.media.frame import TIME_TOLERANCE_S, Gap
from pynvr.media.packet import Stream, TimedPacket
from pynvr.sources.base import SourceStatus
from pynvr.sources.file import check_file, claimed_fps

RAW = (cv2.CAP_PROP_FORMAT, -1)
"""Has OpenCV hand out packets as they come."""
FAR_BELOW_MS = -1e12
"""OpenCV 4 makes such times of none."""
USUAL_SUFFIX = ".mp4"
FLEXIBLE = (".mp4", ".ts")
"""Asked for by default or for H.264's sake: other codecs get a container of their own instead."""


class PacketSource(Protocol):
    """Where the packets of a recording come from."""

    name: str
    """For logs and messages, without any password."""
    live: bool
    """As `Source` has it."""
    lag_s: float
    """How long after its own time a packet arrives at the earliest; 0 for a file."""

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """Every packet that is there and lies before or at `time`, in the order of decoding.

        A packet of a later time holds up those behind it: with B-frames they need it.
        """

    def first(self, timeout_s: float) -> TimedPacket:
        """Wait for a packet, which stays where it is; raises CameraError or SettingsError."""

    def status(self) -> SourceStatus | None:
        """As `Source` has it."""

    def close(self) -> None:
        """Let go of the camera or file."""


class FilePackets:
    """The packets of a video file, read when they are asked for; with the file's own times."""

    live = False
    lag_s = 0.0

    def __init__(self, path: Path, suffix: str = USUAL_SUFFIX) -> None:
        """Open the file, to be copied into containers of this `suffix`.

        Raises CameraError where it cannot be read, SettingsError for what cannot be copied so.
        """
        self.name = str(path)
        check_file(path)
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, RAW)
        if not self._capture.isOpened():
            raise CameraError(f"{path}: is not a video that OpenCV can read")
        self._stream = stream_of(self._capture, self.name, suffix)
        self._started = datetime.now(timezone.utc)
        packets = self._read()
        first = list(itertools.islice(packets, 2))
        self._refuse_without_times(first)
        self._packets = itertools.chain(first, packets)
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

    def status(self) -> None:
        """None: it waits for its reader."""

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _refuse_without_times(self, first: Sequence[TimedPacket]) -> None:
        """Raise SettingsError for an elementary stream (.h264, .h265): its packets have no times."""
        if len(first) > 1 and first[0].time == first[1].time:
            raise SettingsError(
                f'RECORDING_MODE = "copy": {self.name} does not say when its pictures are shown; put it '
                'into an .mp4 file first, or set "encode"'
            )

    def _read(self) -> Iterator[TimedPacket]:
        while (got := self._capture.read())[0]:
            key = self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
            time = max(
                0.0, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            )  # far below 0 where there is none
            utc = self._started + timedelta(seconds=time)
            yield TimedPacket(np.asarray(got[1], np.uint8), key, time, utc, self._stream)


def stream_of(capture: cv2.VideoCapture, name: str, suffix: str) -> Stream:
    """What OpenCV says about a stream; raises SettingsError where it cannot be copied into such a file."""
    number = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    codec = codecs.codec_of(number)
    if codec is None:
        fourcc = number.to_bytes(4, "little").decode("ascii", "backslashreplace")
        raise SettingsError(
            f'RECORDING_MODE = "copy": {name} sends {fourcc}; only H.264, H.265 and MJPEG can be copied: '
            'let the camera send one of these, or set "encode"'
        )
    if suffix not in (*codec.fourcc, *FLEXIBLE):
        raise SettingsError(
            f'OUTPUT_FILES_EXTENSION = "{suffix}": {name} sends {codec.name}, which can be copied into '
            f"{' or '.join(codec.fourcc)} only; set one of these or None"
        )
    _, extra = capture.retrieve(None, int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX)))
    told = b"" if extra is None else np.asarray(extra, np.uint8).tobytes()
    return Stream(
        codec,
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        claimed_fps(capture),
        codecs.parameter_sets(codec, told) if codecs.is_annex_b(told) else b"",
        max(0.0, capture.get(cv2.CAP_PROP_DTS_DELAY)) / claimed_fps(capture),
    )
