"""Reads and writes video files packet by packet, without decoding or encoding.

OpenCV's FFmpeg backend can do both, with some care. So a recording is written as a crash-proof transport
stream, and gets its final container with exact times in a few milliseconds when it closes.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pynvr.errors import RecordingError
from pynvr.media.codecs import JPEG_BEGINS, JPEG_ENDS
from pynvr.media.opencv import name_of
from pynvr.media.packet import Packet

TICKS_PER_SECOND = 1000.0
"""Times in a container are milliseconds."""


class PacketReader(AbstractContextManager["PacketReader"]):
    """Iterates over the packets of a video file, in file order; closes with a `with`.

    `delimiter` is removed from every packet that begins with it: a transport stream puts one there.
    Raises RecordingError if the file cannot be opened as video.
    """

    def __init__(self, path: Path, delimiter: bytes = b"") -> None:
        self._delimiter = np.frombuffer(delimiter, np.uint8)
        with name_of(path) as name:
            self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        if not self._capture.isOpened():
            raise RecordingError(f"{path}: cannot be read as video")
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def __iter__(self) -> Iterator[Packet]:
        while True:
            received, data = self._capture.read()
            if not received:
                return
            packet, length = np.asarray(data, np.uint8), self._delimiter.size
            if length and np.array_equal(packet[0, :length], self._delimiter):
                packet = packet[:, length:]
            yield Packet(packet, self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0)

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class PacketWriter(AbstractContextManager["PacketWriter"]):
    """Writes packets into a container; closes with a `with`.

    With `rate`, in frames per second, the packets follow each other at that rate: .avi knows nothing else.
    Without it every packet has its own time. Raises RecordingError if the file cannot be opened.
    """

    def __init__(self, path: Path, fourcc: str, size: tuple[int, int], rate: float | None = None) -> None:
        self._rate = rate
        self._count = 0
        # without the key interval every packet would be flagged as a key frame
        options = [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1, cv2.VIDEOWRITER_PROP_KEY_INTERVAL, 1 << 30]
        code = cv2.VideoWriter.fourcc(*fourcc)
        with name_of(path) as name:
            self._writer = cv2.VideoWriter(
                name, cv2.CAP_FFMPEG, code, rate or TICKS_PER_SECOND, size, options
            )
        if not self._writer.isOpened():
            raise RecordingError(f"{path}: cannot be written")

    def write(self, packet: Packet, time_ms: int, decode_ms: int) -> None:
        """Add a packet that is shown at `time_ms` and decoded at `decode_ms`.

        Decoding times have to increase, and must not be after the time of showing. With a `rate` both times
        are ignored.
        """
        if self._rate is not None:
            time_ms = decode_ms = self._count
        self._writer.set(cv2.VIDEOWRITER_PROP_KEY_FLAG, float(packet.key))
        self._writer.set(cv2.VIDEOWRITER_PROP_PTS, time_ms)
        # OpenCV makes the packet's index minus this delay its decoding time
        self._writer.set(cv2.VIDEOWRITER_PROP_DTS_DELAY, self._count - decode_ms)
        self._writer.write(packet.data)  # it tells nobody if the disk refuses
        self._count += 1

    def close(self) -> None:
        self._writer.release()

    def __exit__(self, *_: object) -> None:
        self.close()


def copy(
    source: Path,
    target: Path,
    fourcc: str,
    times_ms: Sequence[int],
    rate: float | None = None,
    delimiter: bytes = b"",
) -> None:
    """Copy the packets of `source` into a new container.

    `times_ms`: when each packet is shown; packets beyond its end are left out. `delimiter` is as
    `PacketReader` has it. Raises RecordingError.
    """
    decode_ms = decode_times(times_ms)
    with PacketReader(source, delimiter) as reader:
        size = reader.width, reader.height
        with PacketWriter(target, fourcc, size, rate) as writer:
            for packet, shown, decoded in zip(reader, times_ms, decode_ms, strict=False):
                writer.write(packet, shown, decoded)


def decode_times(times_ms: Sequence[int]) -> list[int]:
    """Increasing decoding times for packets that are shown at these times, none after its packet is shown.

    Without B-frames both are the same.
    """
    in_order = sorted(times_ms)
    ahead = max((one - other for one, other in zip(in_order, times_ms, strict=True)), default=0)
    return [time - ahead for time in in_order]


@dataclass(frozen=True, slots=True)
class Contents:
    """What can be read from a video file."""

    count: int
    """Number of packets."""
    last_bytes: int
    """Size of the last packet, which a crash may have cut short."""
    torn: bool
    """Whether the last packet is a JPEG without its end."""
    width: int
    height: int


def survey(path: Path, delimiter: bytes = b"") -> Contents:
    """Read a file from end to end; raises RecordingError if it cannot be opened as video."""
    with PacketReader(path, delimiter) as reader:
        latest = deque(enumerate(reader, 1), maxlen=1)
        number, last = (latest[0][0], latest[0][1].data.tobytes()) if latest else (0, b"")
        torn = last.startswith(JPEG_BEGINS) and not last.endswith(JPEG_ENDS)
        return Contents(number, len(last), torn, reader.width, reader.height)
