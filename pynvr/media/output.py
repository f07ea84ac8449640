"""Containers that PyAV writes, whose files never make another thread wait.

Imported only where it is needed, because PyAV costs 17 MB.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
from av.codec.codec import UnknownCodecError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pynvr.errors import RecordingError
from pynvr.media.frame import I420


class _WholeWrites(io.FileIO):
    """A file without a buffer that never writes only a part."""

    def write(self, data: Any) -> int:
        """All of it; raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        return len(data)


class Output:
    """A container to write to, each stream of which goes only forward."""

    def __init__(self, path: Path, kind: str, options: dict[str, str] | None = None) -> None:
        """Open the file; `kind` is FFmpeg's name of the container."""
        self._path = path
        # PyAV holds the GIL while it ends a file by itself: until a disk answers, or for ever where the pipe
        # that is full is emptied by another thread
        self._file = _WholeWrites(path, "wb")
        self.container = av.open(self._file, "w", format=kind, container_options=options or {})
        self._latest: dict[int, int] = {}

    def begin(self) -> None:
        """Open the file, and write what comes before the first packet; raises RecordingError."""
        with self._explaining():
            self.container.start_encoding()

    def write(self, packet: Packet[Any], stream: Stream, is_sound: bool = False) -> None:
        """Add a packet, unless it would go back in time; raises RecordingError. Damaged sound is left out."""
        decoded = packet.dts or 0
        if decoded <= self._latest.get(stream.index, -1 if is_sound else decoded - 1):
            return
        self._latest[stream.index] = decoded
        packet.stream = stream
        with self._explaining(), suppress(*((av.error.InvalidDataError,) if is_sound else ())):
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


class VideoOutput:
    """A container of pictures that it encodes."""

    def __init__(
        self, path: Path, kind: str, encoder: str, options: dict[str, str], size: tuple[int, int], fps: int
    ) -> None:
        """Open the file for pictures of `size` (width, height), both even; raises RecordingError.

        `encoder` and its `options` are as FFmpeg names them.
        """
        self._out = Output(path, kind, {"flush_packets": "1"})
        try:
            self._stream = cast(VideoStream, self._out.container.add_stream(encoder, fps, options))
            self._stream.width, self._stream.height = size
            self._stream.pix_fmt = options.get("pixel_format", "yuv420p")
            self._stream.codec_context.thread_count = 1
            self._stream.codec_context.open()
        except (av.error.FFmpegError, UnknownCodecError) as error:
            self._out.close()
            raise RecordingError(f"{encoder}: {error}") from None
        self._tick = Fraction(1, fps)
        self._count = 0

    def begin(self) -> None:
        """As `Output` has it."""
        self._out.begin()

    def write(self, picture: I420) -> None:
        """Add a picture; raises RecordingError."""
        frame = VideoFrame.from_numpy_buffer(picture, "yuv420p")
        if self._stream.pix_fmt != "yuv420p":
            frame = frame.reformat(format=self._stream.pix_fmt)
        frame.pts, frame.time_base = self._count, self._tick
        self._count += 1
        self._encode(frame)

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError."""
        self._encode(None)
        self._out.close()

    def _encode(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._out.write(packet, self._stream)
