"""A network camera's undecoded packets with its sound, through PyAV, over one connection.

Imported only where it is needed, because it costs 17 MB.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

import av
import av.error
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.packet import Packet as AvPacket

from pynvr.errors import CameraError
from pynvr.media import codecs
from pynvr.media.opencv import plausible_fps
from pynvr.media.packet import Packet, SoundPacket, Stream
from pynvr.media.sound_part import writable
from pynvr.sources.address import is_rtsp
from pynvr.sources.opening import Opener
from pynvr.sources.sound.beginning import Beginning
from pynvr.sources.sound.drift import Drift
from pynvr.sources.sound.interleave import Interleaver
from pynvr.sources.sound.kind import SoundKind, first_known

log = logging.getLogger(__name__)

PROBED_US = 1_000_000
"""Microseconds. FFmpeg would wait longer, to learn about sound that may never come."""


class SoundCapture:
    """Does what `RawCapture` does, with sound."""

    def __init__(self, opener: Opener, with_sound: bool = True) -> None:
        """Open the camera; raises CameraError. Without sound it does what `RawCapture` cannot."""
        self._name, self._timeouts = opener.name, opener.timeouts
        self._rtsp = is_rtsp(opener.cam)
        self._container = opener.open_container(analyzeduration=str(PROBED_US))
        self._picture = self._container.streams.video[0]
        if self._picture.codec_context is None:
            self._container.close()
            raise CameraError(
                f"camera {self._name}: sends a codec that FFmpeg does not know; let it send H.264, H.265 or "
                "MJPEG"
            )
        self._sound = first_known(self._container.streams.audio) if with_sound else None
        self._streams = [one for one in (self._picture, self._sound) if one is not None]
        self._packets = self._container.demux(self._streams)
        waits = self._picture.codec_context.name in ("h264", "hevc")
        beginning = Beginning(waits) if self._rtsp else None
        self._with_sound = with_sound
        self._interleaver = Interleaver(drift=Drift(), beginning=beginning)
        self._unreported = set(self._streams)
        """The streams of whose clocks the camera has not yet told how they compare (RTCP)."""
        self._kind = SoundKind(
            f"camera {self._name}", "" if self._sound is None else self._sound.codec_context.name
        )
        self._heard_s: float | None = None
        """Where the next piece of sound begins."""
        self._to_annex_b: BitStreamFilterContext | None = None
        self.stream_s: float | None = None
        """As `RawCapture` has it."""

    def stream(self, suffix: str) -> Stream:
        context = self._picture.codec_context
        codec = codecs.copyable(context.codec.canonical_name, self._name, suffix)
        sets = bytes(context.extradata or b"")
        if codec.parameter_sets and sets and not codecs.is_annex_b(sets):
            self._to_annex_b = BitStreamFilterContext(f"{codec.ffmpeg_name}_mp4toannexb", self._picture)
            sets = b""
        fps = plausible_fps(float(self._picture.guessed_rate or self._picture.average_rate or 0))
        told = codecs.parameter_sets(codec, sets)
        reorder_s = context.has_b_frames / fps
        sound = writable(self._sound, suffix, f"camera {self._name}") if self._with_sound else None
        return Stream(codec, context.width, context.height, fps, told, reorder_s, sound=sound)

    def read(self) -> Packet | None:
        """As `RawCapture` has it. However much sound comes, a picture has to come in time."""
        deadline = monotonic() + self._timeouts.read_s
        try:
            while monotonic() < deadline:
                packet = next(self._packets)
                if self._unreported and packet.has_sidedata("prft"):
                    self._unreported.discard(packet.stream)
                    if not self._unreported:
                        self._interleaver.believe()
                if packet.stream_index != self._picture.index:
                    self._hear(packet)
                elif (picture := self._annex_b(packet)) is not None:
                    return self._beside_sound(picture)
        except (StopIteration, IndexError, av.error.FFmpegError) as error:  # PyAV does not know new streams
            log.debug("camera %s: %r", self._name, error)
            self._packets = self._container.demux(self._streams)
        return None

    def release(self) -> None:
        self._container.close()

    def _hear(self, packet: AvPacket[Any]) -> None:
        if packet.size and not packet.is_corrupt:
            if packet.pts is not None:
                self._heard_s = float(packet.pts * packet.time_base)
            if self._heard_s is None:  # RTSP does not always tell the time of the first one
                return
            data, now_s = bytes(packet), monotonic()
            length_s = float((packet.duration or 0) * packet.time_base)
            if self._kind.fits(data) and self._kind.goes_with(self._heard_s, self.stream_s, now_s):
                self._interleaver.add_sound(self._heard_s, data, now_s, length_s)
            self._heard_s += length_s

    def _annex_b(self, packet: AvPacket[Any]) -> AvPacket[Any] | None:
        """A picture with start codes; None if the packet holds none. It has nothing left afterwards."""
        filtered = [packet] if self._to_annex_b is None else self._to_annex_b.filter(packet)
        return next((one for one in filtered if one.size), None)

    def _beside_sound(self, packet: AvPacket[Any]) -> Packet:
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is not None:
            self.stream_s = float(ticks * packet.time_base)
        elif self.stream_s is None and self._rtsp:
            self.stream_s = 0.0  # RTSP does not always tell that of the first one
        self._kind.note_picture(monotonic())
        sound: tuple[SoundPacket, ...] = ()
        if self.stream_s is not None and ticks is not None:
            sound = self._interleaver.sound_for(self.stream_s, monotonic())
        return Packet(np.frombuffer(bytes(packet), np.uint8)[None], packet.is_keyframe, sound=sound)
