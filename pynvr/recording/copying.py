"""Writes packets into a file that survives a crash; `encoding.py` does that for encode mode."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from pynvr.media import codecs
from pynvr.media.container import TICKS_PER_SECOND, PacketWriter
from pynvr.media.packet import AS_CODED, Packet, TimedPacket
from pynvr.recording.orders import Write
from pynvr.recording.part_file import PipedFile

if TYPE_CHECKING:
    from pynvr.media.sound_part import SoundPartWriter

log = logging.getLogger(__name__)


class PacketPart:
    """Copy mode's `Part`: the packets of one stream, in the camera's own codec."""

    def __init__(self, suffix: str, first: TimedPacket) -> None:
        """`suffix` is OUTPUT_FILES_EXTENSION. A codec that does not fit into it gets its usual container."""
        self._first, self._first_data = first, _with_parameter_sets(first)
        stream, codec, shape = first.stream, first.stream.codec, first.stream.shape
        able = [one for one in codec.fourcc if stream.sound is None or one != ".avi"]
        suffix = suffix if suffix in able else able[0]
        if shape != AS_CODED and suffix != ".mp4":
            log.warning("a %s file cannot say that its pictures are turned or stretched; .mp4 can", suffix)
            shape = AS_CODED
        part_suffix = codec.part_suffix
        if stream.sound is not None:
            from pynvr.media import sound_part  # brings 17 MB

            part_suffix = sound_part.part_suffix(stream.sound, codec, suffix)
        shown = (stream.height, stream.width) if shape.turn % 180 else (stream.width, stream.height)
        self.facts: dict[str, Any] = {
            "part_suffix": part_suffix,
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
        self._reorder_ms = round(stream.reorder_s * TICKS_PER_SECOND)
        self._latest_ms = self._decode_ms = 0

    def open(self, path: Path, fps: float) -> None:
        self._part = PipedFile(path, self._open_writer)

    def _open_writer(self, pipe: Path) -> PacketWriter | SoundPartWriter:
        stream = self._first.stream
        if stream.sound is None:
            rate = stream.nominal_fps if pipe.suffix == ".avi" else None
            return PacketWriter(pipe, self.facts["fourcc"], (stream.width, stream.height), rate)
        from pynvr.media.sound_part import SoundPartWriter  # brings 17 MB

        return SoundPartWriter(pipe, stream, stream.sound, self._first_data.tobytes())

    def write(self, order: Write) -> int:
        packet = cast(TimedPacket, order.frame)
        data = self._first_data if packet is self._first else packet.data
        time_ms = round((packet.time - self._first.time) * TICKS_PER_SECOND)
        self._latest_ms = max(self._latest_ms, time_ms)
        self._decode_ms = max(self._decode_ms + 1, self._latest_ms - self._reorder_ms)
        # these times matter only if no final container can be made; the journal has the exact ones
        copied = Packet(data, packet.key, sound=packet.sound)
        self._part.writer.write(copied, max(time_ms, self._decode_ms), self._decode_ms)
        self._part.check()
        return data.size

    def close(self) -> None:
        try:
            self._part.writer.close()
        finally:
            self._part.close()


def _with_parameter_sets(first: TimedPacket) -> NDArray[np.uint8]:
    """A first packet's data, with the stream's parameter sets before it unless it brings the same."""
    data, sets = first.data, first.stream.parameter_sets
    if codecs.parameter_sets(first.stream.codec, data.tobytes()) == sets:
        return data
    return np.concatenate([np.frombuffer(sets, np.uint8)[None], data], axis=1)
