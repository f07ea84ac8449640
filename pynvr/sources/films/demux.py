"""The packets of a film, with plausible times, up to where the file really ends."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias, cast

import av.error
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream

from pynvr.errors import CameraError
from pynvr.media.packet import SoundPacket
from pynvr.sources.films.film import Film
from pynvr.sources.films.losses import promise_of
from pynvr.sources.films.timeline import Timeline
from pynvr.sources.sound.interleave import Interleaver
from pynvr.sources.sound.kind import SoundKind, first_known

log = logging.getLogger(__name__)

TIMES_MAY_BEGIN_ANEW = 0x0200
"""AVFMT_TS_DISCONT of FFmpeg: transport streams and their like, which can be joined with `cat`."""
READ_ERRORS = 1000
"""In a row; after more there is nothing left to read."""
LATER_THAN_PROMISED_S = 2.0
"""A leap to further behind the promised end is a damaged time."""
MOST_UNREAD = 0.1
"""Of a joined file, whose second part may use other streams."""
SOUND_STEP_S = 2.0
LATEST_SOUND_S = 3.0
"""How far apart sound and its pictures may lie in a file."""
TICKS_PER_S = 1_000_000
"""The unit of the packets' times here."""

SoundedPacket: TypeAlias = "tuple[AvPacket[VideoStream], tuple[SoundPacket, ...]]"
"""A packet and the sound up to it, of which there is none unless `_listen` was called."""


class Demuxer(Film):
    """A film whose packets are read."""

    def __init__(self, place: Path | str, stop: Event) -> None:
        super().__init__(place, stop)
        self._base = self._stream.time_base or Fraction(1, 90000)
        start = self._stream.start_time
        self._zero = 0.0 if start is None else float(start * self._base)
        self._promise = promise_of(self._container, self._stream, self._zero)
        pictures, seconds = self._promise.pictures, self._promise.seconds
        guess = None if seconds is None else round(seconds * self.nominal_fps)
        # it has one time for each packet, that of decoding; FFmpeg guesses when it is shown
        self._dated_only = self._container.format.name == "avi"
        self.frame_count: int | None = guess if pictures is None or self._dated_only else pictures
        """How many pictures the container promises; None if it does not say."""
        self._joinable = bool(int(self._container.format.flags) & TIMES_MAY_BEGIN_ANEW)
        self._sound: tuple[float, float] | None = None
        """From when to when other streams, mostly sound, have gone on without a leap."""
        self._interleaver: Interleaver | None = None
        self._timeline = Timeline(1 / self.nominal_fps, self._believes)
        self._packet_count = self._position = 0
        """Packets of the film so far, and where in the file the latest packet of any stream lies."""
        self._last_s = 0.0
        self._dated = False
        """Whether the packets say when they are decoded; a bare stream without a container does not."""

    def _listen(self) -> AudioStream | None:
        """Hand out the file's first sound with its pictures; return it, or None if there is none."""
        sound = first_known(self._container.streams.audio)
        if sound is not None:
            self._interleaver = Interleaver(LATEST_SOUND_S)
            self._kind = SoundKind(self.name, sound.codec_context.name)
        return sound

    def _annex_b(self) -> Iterator[SoundedPacket]:
        """The packets of H.264 or H.265 as a transport stream has them: units behind start codes."""
        convert = BitStreamFilterContext(f"{self._codec_name}_mp4toannexb", self._stream)
        for packet, sound in self._packets():
            with suppress(av.error.FFmpegError):  # damaged: nobody could decode it
                yield from ((one, sound) for one in convert.filter(packet) if one.size)

    def _packets(self) -> Iterator[SoundedPacket]:
        """Yield the stream's packets, in the order of decoding, up to where the file really ends.

        Their times count from the beginning of the stream. In a file without times `pts` is None.
        """
        disordered = self._dated_only and self._stream.codec_context.has_b_frames
        for packet in self._read() if self._interleaver is None else self._read_with_sound(self._interleaver):
            decoded, shown = self._seconds(packet.dts), self._seconds(packet.pts)
            sound: tuple[SoundPacket, ...] = ()
            if self._interleaver is not None and shown is not None:
                sound = self._interleaver.sound_for(shown)
            self._dated |= decoded is not None
            if decoded is None and not self._stream.codec_context.has_b_frames:
                decoded = shown
            elif self._dated_only and not disordered and shown is not None:
                shown = decoded
            decoded, shown = self._timeline.place(decoded, shown)
            self._packet_count += 1
            self._last_s = max(self._last_s, decoded if shown is None else shown)
            packet.dts = round(decoded * TICKS_PER_S)
            packet.pts = None if disordered or shown is None else round(shown * TICKS_PER_S)
            yield packet, sound

    def _check_end(self) -> None:
        """At the end: raise CameraError if much less came than the container promises."""
        promise = replace(self._promise, seconds=None) if self._joinable else self._promise
        end = self._last_s + 1 / self.nominal_fps
        unread = 1 - self._position / max(1, self._container.size)
        if self._joinable and self._position and unread > MOST_UNREAD:
            log.warning(
                "%s: %.0f %% of it come after %.1f s in other streams, which are not read", self.name,
                unread * 100, end,
            )  # fmt: skip
        # FFmpeg skips the empty packets of .avi, which let a picture stay for longer and are promised, too
        fps = float(1 / self._base) if self._dated_only else self.nominal_fps
        stays = round(end * fps) if self._dated_only else 0
        promise.check(self.name, max(self._packet_count, stays), end, fps)

    def _read(self) -> Iterator[AvPacket[VideoStream]]:
        """All packets of the stream. It goes on after damage, until nothing comes any more."""
        everything = self._joinable or self._interleaver is not None
        streams = list(self._container.streams) if everything else [self._stream]
        errors = 0
        while True:
            try:
                for packet in self._container.demux(streams):
                    errors = 0
                    self._position = max(self._position, packet.pos or 0)
                    if packet.size and packet.stream_index == self._stream.index:
                        yield cast("AvPacket[VideoStream]", packet)
                    elif packet.dts is not None and packet.stream_index != self._stream.index:
                        self._note_other(packet, float(packet.dts * packet.time_base) - self._zero)
                return
            except IndexError:  # PyAV's, at the end, if there are streams now that were not there at first
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
        most = LATEST_SOUND_S * self.nominal_fps
        for packet in self._read():
            held.append(packet)
            while held and (len(held) > most or (self._seconds(held[0].pts) or 0.0) <= interleaver.until_s):
                yield held.popleft()
        yield from held

    def _note_other(self, packet: AvPacket[Any], time: float) -> None:
        if self._interleaver is not None and packet.stream_index == self._container.streams.audio[0].index:
            data = bytes(packet)
            if self._kind.fits(data):
                self._interleaver.add_sound(time, data)
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
