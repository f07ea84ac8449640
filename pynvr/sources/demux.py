"""The packets of a film, with plausible times, up to where the file really ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av.error
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream

from pynvr.errors import CameraError
from pynvr.media.packet import SoundPacket
from pynvr.sources.film import Film
from pynvr.sources.interleave import Interleaver
from pynvr.sources.losses import promise_of
from pynvr.sources.timeline import Timeline

TIMES_MAY_BEGIN_ANEW = 0x0200
"""AVFMT_TS_DISCONT of FFmpeg: transport streams and their like, which can be joined with `cat`."""
READ_ERRORS = 1000
"""In a row; after more there is nothing left to read."""
LATER_THAN_PROMISED_S = 2.0
"""A leap to further behind the promised end is a damaged time."""
SOUND_STEP_S = 2.0
LATEST_SOUND_S = 3.0
"""How far apart sound and its pictures may lie in a file."""


@dataclass(frozen=True, slots=True)
class Step:
    """A packet with its times, in seconds from the beginning of the stream."""

    packet: AvPacket[VideoStream]
    decoded: float
    shown: float | None
    """None in a file without times."""
    sound: tuple[SoundPacket, ...] = ()
    """The sound up to it; empty unless `listen` was called."""


class Demuxer(Film):
    """A film whose packets are read."""

    def __init__(self, place: Path | str) -> None:
        """As `Film` has it."""
        super().__init__(place)
        self._base = self.stream.time_base or Fraction(1, 90000)
        start = self.stream.start_time
        self._zero = 0.0 if start is None else float(start * self._base)
        self._promise = promise_of(self.container, self.stream, self._zero)
        # it has one time for each packet, that of decoding; FFmpeg guesses when it is shown
        self._dated_only = self.container.format.name == "avi"
        self._joinable = bool(int(self.container.format.flags) & TIMES_MAY_BEGIN_ANEW)
        self._sound: tuple[float, float] | None = None
        """From when to when other streams, mostly sound, have gone on without a leap."""
        self._interleaver: Interleaver | None = None
        self.timeline = Timeline(1 / self.fps, self._believes)
        self.packets = 0
        """How many have come so far."""
        self._last = 0.0
        self.dated = False
        """Whether the packets say when they are decoded; a bare stream without a container does not."""

    def listen(self) -> AudioStream | None:
        """Hand out the file's first sound with its pictures; return it, or None if there is no sound."""
        sound = next(iter(self.container.streams.audio), None)
        if sound is not None:
            self._interleaver = Interleaver(LATEST_SOUND_S)
        return sound

    def annex_b(self) -> Iterator[Step]:
        """The packets of H.264 or H.265 as a transport stream has them: units behind start codes."""
        convert = BitStreamFilterContext(f"{self.codec}_mp4toannexb", self.stream)
        for step in self:
            with suppress(av.error.FFmpegError):  # damaged: nobody could decode it
                for packet in convert.filter(step.packet):
                    if packet.size:
                        yield Step(packet, step.decoded, step.shown, step.sound)

    @property
    def frame_count(self) -> int | None:
        """How many pictures the container promises; None if it does not say."""
        pictures, seconds = self._promise.pictures, self._promise.seconds
        return round(seconds * self.fps) if pictures is None and seconds is not None else pictures

    def __iter__(self) -> Iterator[Step]:
        """Yield the stream's packets, in the order of decoding, up to where the file really ends."""
        disordered = self._dated_only and self.stream.codec_context.has_b_frames
        for packet in self._read() if self._interleaver is None else self._read_with_sound(self._interleaver):
            decoded, shown = self._seconds(packet.dts), self._seconds(packet.pts)
            sound: tuple[SoundPacket, ...] = ()
            if self._interleaver is not None and shown is not None:
                sound = self._interleaver.sound_for(shown)
            self.dated |= decoded is not None
            if decoded is None and not self.stream.codec_context.has_b_frames:
                decoded = shown
            elif self._dated_only and not disordered and shown is not None:
                shown = decoded
            decoded, shown = self.timeline.place(decoded, shown)
            self.packets += 1
            self._last = max(self._last, decoded if shown is None else shown)
            yield Step(packet, decoded, None if disordered else shown, sound)

    def check_end(self) -> None:
        """At the end: raise CameraError if much less came than the container promises."""
        promise = replace(self._promise, seconds=None) if self._joinable else self._promise
        end = self._last + 1 / self.fps
        # FFmpeg skips the empty packets of .avi, which let a picture stay for longer
        packets = max(self.packets, round(end * self.fps)) if self._dated_only else self.packets
        promise.check(self.name, packets, end, self.fps)

    def _read(self) -> Iterator[AvPacket[VideoStream]]:
        """All packets of the stream. It goes on after damage, until nothing comes any more."""
        everything = self._joinable or self._interleaver is not None
        streams = list(self.container.streams) if everything else [self.stream]
        errors = 0
        while True:
            try:
                for packet in self.container.demux(streams):
                    errors = 0
                    if packet.size and packet.stream_index == self.stream.index:
                        yield cast("AvPacket[VideoStream]", packet)
                    elif packet.dts is not None and packet.stream_index != self.stream.index:
                        self._note_other(packet, float(packet.dts * packet.time_base) - self._zero)
                return
            except av.error.FFmpegError as error:
                errors += 1
                if isinstance(error, OSError):
                    raise CameraError(f"{self.name}: cannot be read any further: {error.strerror}") from None
                if errors > READ_ERRORS:
                    return

    def _read_with_sound(self, interleaver: Interleaver) -> Iterator[AvPacket[VideoStream]]:
        """As `_read`, but each packet only when its sound was read, which in some files lies behind it."""
        held: deque[AvPacket[VideoStream]] = deque()
        most = LATEST_SOUND_S * self.fps
        for packet in self._read():
            held.append(packet)
            while held and (len(held) > most or (self._seconds(held[0].pts) or 0.0) <= interleaver.until_s):
                yield held.popleft()
        yield from held

    def _note_other(self, packet: AvPacket[Any], time: float) -> None:
        if self._interleaver is not None and packet.stream_index == self.container.streams.audio[0].index:
            self._interleaver.add_sound(time, bytes(packet))
        if self._sound is not None and 0 <= time - self._sound[1] <= SOUND_STEP_S:
            self._sound = self._sound[0], time
        elif self._sound is None or abs(time - self._sound[1]) > SOUND_STEP_S:
            self._sound = time, time

    def _believes(self, told: float, time: float) -> bool:
        """Whether a leap is a pause. In a joined stream it is one only if other streams went on meanwhile."""
        if self._joinable:
            sound = self._sound
            return sound is not None and sound[0] <= told + SOUND_STEP_S and time - sound[1] <= SOUND_STEP_S
        seconds = self._promise.seconds
        return seconds is None or time <= seconds + LATER_THAN_PROMISED_S

    def _seconds(self, ticks: int | None) -> float | None:
        return None if ticks is None else float(ticks * self._base) - self._zero
