"""The undecoded packets of video files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from pynvr.errors import CameraError, SettingsError
from pynvr.media import codecs
from pynvr.media.frame import TIME_TOLERANCE_S, Gap
from pynvr.media.packet import Stream, TimedPacket
from pynvr.sources.stoppable import Ahead, unless_stopped

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

    from pynvr.sources.demux import Step

USUAL_SUFFIX = ".mp4"
FLEXIBLE = (".mp4", ".ts")
"""The default, and settings meant for H.264: other codecs get their own container instead."""


class FilePackets:
    """The packets of a video file, read when they are asked for, with the times of its pictures."""

    live = False
    lag_s = 0.0

    def __init__(
        self, place: Path | str, stop: Event, suffix: str = USUAL_SUFFIX, with_sound: bool = False
    ) -> None:
        """Open the file, to be copied into containers of this `suffix`.

        Raises CameraError if it cannot be read, SettingsError if it cannot be copied so, and StoppedError.
        """
        from pynvr.sources.demux import Demuxer  # brings 17 MB, which no camera needs

        self._demuxer = unless_stopped(stop, lambda: Demuxer(place))
        self.name = self._demuxer.name
        try:
            self._codec = copyable(self._demuxer.codec, self.name, suffix)
            self._sound: AudioStream | None = None
            if with_sound:
                from pynvr.media.sound_container import writable

                self._sound = writable(self._demuxer.listen(), self._codec, self.name)
            self._started = datetime.now(timezone.utc)
            self._stream: Stream | None = None
            packets = self._read()
            # a file of this machine is read at once, and handing it over from a thread costs as much again
            self._ahead = Ahead(packets, stop) if isinstance(place, str) else None
            self._next = self._ahead.take if self._ahead else lambda: next(packets, None)
            self._waiting = self._next()
        except BaseException:
            self._demuxer.close()
            raise

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """As `PacketSource` has it."""
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

    def status(self) -> None:
        """None: a file waits for its reader."""

    def close(self) -> None:
        """Close the file."""
        if self._ahead is None:
            self._demuxer.close()
        else:
            self._ahead.close(self._demuxer.close)

    def _read(self) -> Iterator[TimedPacket]:
        """The packets from the first key packet on."""
        for step in self._demuxer.annex_b() if self._codec.parameter_sets else self._demuxer:
            key, data = step.packet.is_keyframe, np.frombuffer(bytes(step.packet), np.uint8)[None]
            if self._stream is None and not key:
                continue
            if self._stream is None and step.shown is None:
                raise SettingsError(
                    f'RECORDING_MODE = "copy": {self.name} does not say when its pictures are shown; put it '
                    'into an .mp4 file first, or set "encode"'
                )
            if self._stream is None:
                self._stream = self._stream_from(step)
            # a packet whose time is damaged is shown as long after its decoding as the first one
            shown = step.decoded + self._stream.reorder_s if step.shown is None else step.shown
            utc = self._started + timedelta(seconds=shown)
            yield TimedPacket(data, key, shown, utc, self._stream, sound=step.sound)

    def _stream_from(self, first: Step) -> Stream:
        demuxer, codec = self._demuxer, self._codec
        context = demuxer.stream.codec_context
        told = bytes(context.extradata or b"")
        sets = codecs.parameter_sets(codec, bytes(first.packet))
        if not sets and codecs.is_annex_b(told):
            sets = codecs.parameter_sets(codec, told)
        delay = max(0.0, (first.shown or 0.0) - first.decoded)
        shape = demuxer.shape()
        return Stream(codec, context.width, context.height, demuxer.fps, sets, delay, shape, self._sound)


def copyable(sent: str, name: str, suffix: str) -> codecs.CopyCodec:
    """The codec that FFmpeg calls `sent`; raises SettingsError if a file of this suffix cannot hold it."""
    codec = codecs.CODECS.get(sent.lower())
    if codec is None:
        raise SettingsError(
            f'RECORDING_MODE = "copy": {name} sends {sent}; only H.264, H.265 and MJPEG can be copied: '
            'let the camera send one of these, or set "encode"'
        )
    if suffix not in (*codec.fourcc, *FLEXIBLE):
        raise SettingsError(
            f'OUTPUT_FILES_EXTENSION = "{suffix}": {name} sends {codec.name}, which can be copied into '
            f"{' or '.join(codec.fourcc)} only; set one of these or None"
        )
    return codec
