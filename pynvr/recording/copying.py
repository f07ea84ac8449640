"""Packets into a file that a crash cannot take back: copy mode's twin of `encoder.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from pynvr.media import codecs
from pynvr.media.container import TICKS_PER_SECOND, PacketWriter
from pynvr.media.packet import Packet, TimedPacket
from pynvr.recording.orders import Write
from pynvr.recording.part_file import PipedFile


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """How packets become files: in the camera's own codec."""

    suffix: str
    """As the setting has it; a codec that cannot be in such a container gets its usual one."""

    def facts(self, first: TimedPacket) -> dict[str, object]:
        """What the journal has to know of a recording that begins with this packet."""
        stream = first.stream
        codec = stream.codec
        suffix = suffix_for(codec, self.suffix)
        return {
            "part_suffix": codec.part_suffix,
            "suffix": suffix,
            "fourcc": codec.fourcc[suffix],
            "width": stream.width,
            "height": stream.height,
            "copied": True,
            # the part's own; a camera's would have to stay
            "delimiter": "" if first.data[0, :5].tobytes() == codec.delimiter[:5] else codec.delimiter.hex(),
        }

    def open(self, path: Path, first: TimedPacket, fps: float) -> PacketPart:
        """Create the part for a recording that begins with this packet; raises RecordingError."""
        return PacketPart(path, str(self.facts(first)["fourcc"]), first)


def suffix_for(codec: codecs.CopyCodec, wanted: str) -> str:
    """The container that a codec gets where `wanted` is asked for."""
    return wanted if wanted in codec.fourcc else next(iter(codec.fourcc))


class PacketPart:
    """One open file of one stream."""

    def __init__(self, path: Path, fourcc: str, first: TimedPacket) -> None:
        stream = first.stream
        self._first = first
        self._part = PipedFile(path)
        rate = stream.nominal_fps if path.suffix == ".avi" else None
        try:
            self._writer = PacketWriter(self._part.pipe, fourcc, (stream.width, stream.height), rate)
        except BaseException:
            self._part.close()
            path.unlink()
            raise
        self._part.start()
        self._reorder_ms = round(stream.reorder_s * TICKS_PER_SECOND)
        self._latest_ms = self._decode_ms = 0

    def write(self, order: Write) -> int:
        """Add a packet, with the parameter sets where it is the first and has none; return its size."""
        packet = cast(TimedPacket, order.frame)
        data = packet.data
        if packet is self._first and not codecs.parameter_sets(packet.stream.codec, data.tobytes()):
            sets = np.frombuffer(packet.stream.parameter_sets, np.uint8)
            data = np.concatenate([sets[None], data], axis=1)
        time_ms = round((packet.time - self._first.time) * TICKS_PER_SECOND)
        self._latest_ms = max(self._latest_ms, time_ms)
        self._decode_ms = max(self._decode_ms + 1, self._latest_ms - self._reorder_ms)
        # these times only matter where no final container can be made; the journal has the true ones
        self._writer.write(Packet(data, packet.key), max(time_ms, self._decode_ms), self._decode_ms)
        self._part.check()
        return data.size

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError where the disk refuses."""
        self._writer.close()
        self._part.close()
