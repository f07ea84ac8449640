"""Writes packets of pictures and sound into a container through PyAV.

Imported late, since PyAV costs 17 MB.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.packet import Packet as AvPacket
from av.stream import Stream as AvStream

from pynvr.errors import RecordingError
from pynvr.media.codecs import H265
from pynvr.media.container import TICKS_PER_SECOND

TICK = Fraction(1, round(TICKS_PER_SECOND))
SOUND_TICK = Fraction(1, 90_000)
"""Units of the times of pictures and of sound, seconds."""
LONE_PICTURE_MS = 40
FORMATS = {".mp4": "mp4", ".ts": "mpegts", ".mkv": "matroska"}
"""Suffix -> FFmpeg's name of the container."""
AT_ONCE = {
    "flush_packets": "1",
    "max_interleave_delta": "1",  # no picture waits for sound that may never come
}
OPTIONS_OF_PARTS = {
    ".ts": {**AT_ONCE, "pes_payload_size": "0"},  # each piece of sound has its own time
    ".mkv": {**AT_ONCE, "cluster_time_limit": "0"},
}
"""For an open recording, of which a crash must cost little: everything is written at once."""


class _WholeWrites(io.FileIO):
    """An unbuffered file that writes everything it is given."""

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        return len(data)


def usual_step_ms(span_ms: float, steps: int) -> int:
    """How long a film's last picture is shown: as long as those before it on average."""
    return max(1, round(span_ms / steps)) if steps else LONE_PICTURE_MS


class Muxer:
    """A container to write to. Within each stream times only increase."""

    def __init__(self, path: Path, is_part: bool = False) -> None:
        """`is_part`: it is the part of an open recording."""
        self._path = path
        # PyAV holds the GIL while it ends a file of its own: until the disk answers, or for ever if the file
        # is a full pipe that another thread has to empty
        self._file = _WholeWrites(path, "wb")
        options = OPTIONS_OF_PARTS[path.suffix] if is_part else {}
        self.container = av.open(self._file, "w", format=FORMATS[path.suffix], container_options=options)
        self._latest: dict[int, int] = {}
        self._begin_ms, self._pictures = 0, 0

    def add(self, template: AvStream) -> AvStream:
        """A new stream like this one; H.265 in an .mp4 by the name that Apple's players know."""
        stream = self.container.add_stream_from_template(template, opaque=True)
        if self._path.suffix == ".mp4" and stream.codec_context.name == "hevc":
            stream.codec_context.codec_tag = H265.fourcc[".mp4"]
        return stream

    def write_picture(self, stream: AvStream, data: bytes, shown_ms: int, decoded_ms: int, key: bool) -> None:
        """Add a picture, which is shown as long as those before it on average; raises RecordingError."""
        packet = _timed(data, shown_ms, decoded_ms, TICK)
        packet.is_keyframe = key
        # Only an .mp4's last one counts: without any, PyAV 17 has players leave out the last picture.
        if not self._pictures:
            self._begin_ms = decoded_ms
        packet.duration = usual_step_ms(decoded_ms - self._begin_ms, self._pictures)
        self._pictures += 1
        self.write(stream, packet)

    def write_sound(self, stream: AvStream, data: bytes, time_s: float) -> None:
        """Add a piece of sound, unless it is damaged or of a negative time; raises RecordingError."""
        ticks = round(time_s / SOUND_TICK)
        if ticks >= 0:
            self.write(stream, _timed(data, ticks, ticks, SOUND_TICK), may_be_damaged=True)

    def write(self, stream: AvStream, packet: AvPacket[Any], may_be_damaged: bool = False) -> None:
        """Add a packet that has its times, unless it would go back in time; raises RecordingError."""
        decoded = packet.dts or 0
        if decoded <= self._latest.get(stream.index, decoded - 1):
            return
        self._latest[stream.index] = decoded
        packet.stream = stream
        with self._explaining(), suppress(*((av.error.InvalidDataError,) if may_be_damaged else ())):
            self.container.mux(packet)

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError."""
        with self._explaining(), self._file:
            self.container.close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (av.error.FFmpegError, OSError) as error:
            raise RecordingError(f"{self._path}: cannot be written: {error.strerror}") from None


def _timed(data: bytes, shown: int, decoded: int, tick: Fraction) -> AvPacket[Any]:
    packet = AvPacket(data)
    packet.pts, packet.dts, packet.time_base = shown, decoded, tick
    return packet
