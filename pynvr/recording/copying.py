"""Writes packets into a file that survives a crash; `encoding.py` does that for encode mode."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from pynvr.media import codecs
from pynvr.media.container import TICKS_PER_SECOND, PacketWriter
from pynvr.media.packet import AS_CODED, Packet, TimedPacket
from pynvr.recording.orders import Write
from pynvr.recording.part_file import PipedFile

if TYPE_CHECKING:
    from pynvr.media.sound_container import SoundPartWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """Copy mode's `RecordingFormat`: files in the camera's own codec."""

    suffix: str
    """From OUTPUT_FILES_EXTENSION. A codec that does not fit into this container gets its usual one."""

    def facts(self, first: TimedPacket) -> dict[str, object]:
        """The facts that the journal needs about a recording that begins with this packet."""
        stream = first.stream
        codec = stream.codec
        suffix = suffix_for(codec, self.suffix)
        shape = stream.shape
        if shape != AS_CODED and suffix != ".mp4":
            log.warning("a %s file cannot say that its pictures are turned or stretched; .mp4 can", suffix)
            shape = AS_CODED
        shown = (stream.height, stream.width) if shape.turn % 180 else (stream.width, stream.height)
        return {
            "part_suffix": codec.part_suffix,
            "suffix": suffix,
            "fourcc": codec.fourcc[suffix],
            "width": shown[0],
            "height": shown[1],
            **({"sound": True} if stream.sound is not None else {}),
            **({"shape": [shape.turn, shape.pixel_width, shape.pixel_height]} if shape != AS_CODED else {}),
            "copied": True,
            # closing removes delimiters that the part has added; those that the camera sent have to stay
            "delimiter": "" if first.data[0, :5].tobytes() == codec.delimiter[:5] else codec.delimiter.hex(),
        }

    def open(self, path: Path, first: TimedPacket, fps: float) -> PacketPart:
        """Create the part for a recording that begins with this packet; raises RecordingError."""
        codec = first.stream.codec
        return PacketPart(path, codec.fourcc[suffix_for(codec, self.suffix)], first)


def suffix_for(codec: codecs.CopyCodec, wanted: str) -> str:
    """The container for a codec: `wanted` if it can hold the codec, else the codec's usual one."""
    return wanted if wanted in codec.fourcc else next(iter(codec.fourcc))


class PacketPart:
    """The part of a recording of one stream's packets."""

    def __init__(self, path: Path, fourcc: str, first: TimedPacket) -> None:
        stream = first.stream
        self._first = first
        self._part = PipedFile(path)
        rate = stream.nominal_fps if path.suffix == ".avi" else None
        try:
            self._writer = self._open(fourcc, rate)
        except BaseException:
            self._part.close()
            path.unlink()
            raise
        self._part.start()
        self._reorder_ms = round(stream.reorder_s * TICKS_PER_SECOND)
        self._latest_ms = self._decode_ms = 0

    def _open(self, fourcc: str, rate: float | None) -> PacketWriter | SoundPartWriter:
        stream = self._first.stream
        if stream.sound is None:
            return PacketWriter(self._part.pipe, fourcc, (stream.width, stream.height), rate)
        from pynvr.media.sound_container import SoundPartWriter  # brings 17 MB

        return SoundPartWriter(self._part.pipe, stream, stream.sound)

    def write(self, order: Write) -> int:
        """Add a packet; return its size in bytes. Raises RecordingError.

        The first packet gets the stream's parameter sets, unless it brings the same.
        """
        packet = cast(TimedPacket, order.frame)
        data, sets = packet.data, packet.stream.parameter_sets
        if packet is self._first and codecs.parameter_sets(packet.stream.codec, data.tobytes()) != sets:
            data = np.concatenate([np.frombuffer(sets, np.uint8)[None], data], axis=1)
        time_ms = round((packet.time - self._first.time) * TICKS_PER_SECOND)
        self._latest_ms = max(self._latest_ms, time_ms)
        self._decode_ms = max(self._decode_ms + 1, self._latest_ms - self._reorder_ms)
        # these times matter only if no final container can be made; the journal has the exact ones
        copied = Packet(data, packet.key, sound=packet.sound)
        self._writer.write(copied, max(time_ms, self._decode_ms), self._decode_ms)
        self._part.check()
        return data.size

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError if the disk refuses."""
        try:
            self._writer.close()
        finally:
            self._part.close()
