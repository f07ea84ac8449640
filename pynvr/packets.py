"""Video files packet by packet: read and written without decoding or encoding anything.

OpenCV's FFmpeg backend can do both, with some care. This is what lets a recording
be written as a crash-proof transport stream and get its final container, with
exact times, in a few milliseconds when it closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.errors import RecordingError

TICKS_PER_SECOND = 1000.0
"""Times in a container are milliseconds."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture."""

    data: NDArray[np.uint8]
    """1 x N bytes, as they lie in the file or came over the network."""
    key: bool
    """Whether it can be decoded without the packets before it."""


class PacketReader:
    """Iterates over the packets of a video file, in file order; closes with a `with`.

    Raises RecordingError where the file cannot be opened as video.
    """

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        if not self._capture.isOpened():
            raise RecordingError(f"{path}: cannot be read as video")
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def __iter__(self) -> Iterator[Packet]:
        while True:
            received, data = self._capture.read()
            if not received:
                return
            key = self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
            yield Packet(np.asarray(data, np.uint8), key)

    def __enter__(self) -> PacketReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._capture.release()


class PacketWriter:
    """Writes packets into a container; closes with a `with`.

    With `rate`, in frames per second, the packets follow each other at that
    rate: all that .avi can express. Without it every packet has its own time.
    Raises RecordingError where the file cannot be opened.
    """

    def __init__(self, path: Path, fourcc: str, size: tuple[int, int], rate: float | None = None) -> None:
        self._rate = rate
        self._path = path
        self._count = 0
        self._writer = cv2.VideoWriter(
            str(path),
            cv2.CAP_FFMPEG,
            cv2.VideoWriter.fourcc(*fourcc),
            rate or TICKS_PER_SECOND,
            size,
            # without the key interval every packet would be flagged as a key frame
            [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1, cv2.VIDEOWRITER_PROP_KEY_INTERVAL, 1 << 30],
        )
        if not self._writer.isOpened():
            raise RecordingError(f"{path}: cannot be written")

    def write(self, packet: Packet, time_ms: int) -> None:
        """Add a packet that is shown at `time_ms`; times have to increase."""
        tick = time_ms if self._rate is None else self._count
        self._writer.set(cv2.VIDEOWRITER_PROP_KEY_FLAG, float(packet.key))
        self._writer.set(cv2.VIDEOWRITER_PROP_PTS, tick)
        # OpenCV takes the packet's index less this delay as its decoding time
        self._writer.set(cv2.VIDEOWRITER_PROP_DTS_DELAY, self._count - tick)
        if self._writer.write(packet.data) is False:  # OpenCV 4 returns None, and never fails
            raise RecordingError(f"{self._path}: cannot be written; is the disk full?")
        self._count += 1

    def __enter__(self) -> PacketWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._writer.release()


def copy(source: Path, target: Path, fourcc: str, times_ms: Sequence[int], rate: float | None = None) -> int:
    """Copy the packets of `source` into a new container and return how many there were.

    `times_ms` has one time for each packet; packets beyond its end are left out.
    """
    copied = 0
    with PacketReader(source) as reader:
        size = reader.width, reader.height
        with PacketWriter(target, fourcc, size, rate) as writer:
            for packet, time_ms in zip(reader, times_ms, strict=False):
                writer.write(packet, time_ms)
                copied += 1
    return copied


def count(path: Path) -> int:
    """Count the packets that can be read from a file."""
    with PacketReader(path) as reader:
        return sum(1 for _ in reader)
