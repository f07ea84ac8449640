"""The undecoded packets of video files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from itertools import islice
from pathlib import Path
from threading import Event

import av.error
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from pynvr.errors import CameraError, SettingsError
from pynvr.media import codecs
from pynvr.media.frame import TIME_TOLERANCE_S, Gap
from pynvr.media.packet import Shape, Stream, TimedPacket
from pynvr.media.sound_part import writable
from pynvr.sources.films.demux import TICKS_PER_S, Demuxer
from pynvr.sources.films.film import PROBED_PACKETS
from pynvr.sources.stoppable import Ahead


class FilePackets(Demuxer):
    """The packets of a video file, read when they are asked for, with the times of its pictures."""

    def __init__(
        self, place: Path | str, stop: Event, suffix: str = codecs.USUAL_SUFFIX, with_sound: bool = False
    ) -> None:
        """Open the file, to be copied into containers of this `suffix`.

        Raises CameraError if it cannot be read, SettingsError if it cannot be copied so, and StoppedError.
        """
        super().__init__(place, stop)
        try:
            self._codec = codecs.copyable(self._codec_name, self.name, suffix)
            self._heard = writable(self._listen(), suffix, self.name) if with_sound else None
            packets = self._timed()
            # a file of this machine is read at once, and handing it over from a thread costs as much again
            self._ahead = Ahead(packets, stop) if isinstance(place, str) else None
            self._next = self._ahead.take if self._ahead else lambda: next(packets, None)
            self._waiting = self._next()
        except BaseException:
            self._opened.close()
            raise

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        while (packet := self._waiting) is not None and packet.time <= time + TIME_TOLERANCE_S:
            self._waiting = self._next()
            yield packet

    def first(self, timeout_s: float) -> TimedPacket:
        """The next packet, which stays the next one; raises CameraError if there is none."""
        if self._waiting is None:
            raise CameraError(f"{self.name}: holds no packet")
        return self._waiting

    def wait_for_gap(self, timeout_s: float) -> None:
        """Nothing to be waited for."""

    def close(self) -> None:
        if self._ahead is None:
            self._opened.close()
        else:
            self._ahead.close(self._opened.close)

    def _timed(self) -> Iterator[TimedPacket]:
        """The packets from the first key packet on."""
        stream: Stream | None = None
        for packet, sound in self._annex_b() if self._codec.parameter_sets else self._packets():
            if stream is None and not packet.is_keyframe:
                continue
            if stream is None and packet.pts is None:
                raise SettingsError(
                    f'RECORDING_MODE = "copy": {self.name} does not say when its pictures are shown; put it '
                    'into an .mp4 file first, or set "encode"'
                )
            decoded_s = (packet.dts or 0) / TICKS_PER_S
            stream = stream or self._described(packet)
            # a packet whose time is damaged is shown as long after its decoding as the first one
            shown_s = decoded_s + stream.reorder_s if packet.pts is None else packet.pts / TICKS_PER_S
            data = np.frombuffer(bytes(packet), np.uint8)[None]
            utc = self._started + timedelta(seconds=shown_s)
            yield TimedPacket(data, packet.is_keyframe, shown_s, utc, stream, sound=sound)

    def _described(self, first: Packet[VideoStream]) -> Stream:
        """What the packets have in common, as their first one and the container tell."""
        codec, context = self._codec, self._stream.codec_context
        told = bytes(context.extradata or b"")
        sets = codecs.parameter_sets(codec, bytes(first))
        if not sets and codecs.is_annex_b(told):
            sets = codecs.parameter_sets(codec, told)
        delay_s = max(0, (first.pts or 0) - (first.dts or 0)) / TICKS_PER_S
        size = context.width, context.height
        return Stream(codec, *size, self.nominal_fps, sets, delay_s, self._shape(), self._heard)

    def _shape(self) -> Shape:
        """How a player shows the pictures. Only a decoded one tells its turn, so the first one is decoded."""
        ratio, turn = self._stream.sample_aspect_ratio or Fraction(1), 0
        with suppress(av.error.FFmpegError), self._open() as other:
            stream = other.streams.video[self._container.streams.video.index(self._stream)]
            stream.codec_context.thread_count = 1
            packets = islice(other.demux(stream), PROBED_PACKETS)
            turn = next((int(frame.rotation) % 360 for packet in packets for frame in packet.decode()), 0)
        return Shape(turn, ratio.numerator, ratio.denominator)
