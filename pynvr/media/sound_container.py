"""Containers with sound, or with a `Shape` for their pictures, through PyAV.

OpenCV knows neither. `container.py` does the same for pictures alone. Imported late, since PyAV costs 17 MB.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet as AvPacket
from av.stream import Stream as AvStream
from av.video.stream import VideoStream

from pynvr.errors import RecordingError
from pynvr.media.codecs import CopyCodec
from pynvr.media.container import TICKS_PER_SECOND, decode_times
from pynvr.media.packet import AS_CODED, Packet, Shape, Stream

log = logging.getLogger(__name__)

COPIED = ("aac", "opus", "mp3")
"""Codecs that browsers play in .mp4. Sound in any other, for example G.711, is made AAC."""
BITS_PER_SAMPLE, MOST_BITS_PER_S = 3, 64_000
"""Of AAC that is made, for each channel."""
USUAL_RATE = 48_000
"""Samples per second of AAC that is made from a rate which AAC does not know."""
TICK = Fraction(1, round(TICKS_PER_SECOND))
SOUND_TICK = Fraction(1, 90_000)
"""Units of the times of pictures and of sound, seconds."""
START_MS = 10_000
"""The first picture's time in a part: sound may come before it, and no time may be negative."""
PART_OPTIONS = {
    "flush_packets": "1",
    "pes_payload_size": "0",  # each piece of sound at once, and with its own time
    "max_interleave_delta": "1",  # no picture waits for sound that may never come
}
PROBED_BYTES, MOST_PROBED_BYTES = 1 << 20, 64 << 20
"""How much of a part FFmpeg may read to learn what its sound is: after the first piece of it, and in all."""


def writable(stream: AudioStream | None, codec: CopyCodec, name: str) -> AudioStream | None:
    """What a writer needs to know of a stream's sound; it outlives the stream's container.

    None if it has none that can be recorded beside pictures of this codec; the log says so, with `name`.
    """
    if stream is None or not stream.codec_context.sample_rate:
        log.warning("%s: has no sound that could be recorded (RECORD_SOUND)", name)
        return None
    if codec.part_suffix != ".ts":
        log.warning("%s: sound cannot be recorded beside %s (RECORD_SOUND)", name, codec.name)
        return None
    nowhere = av.open("/dev/null", "w", format="null")  # this format takes any codec
    return nowhere.add_stream_from_template(stream, opaque=True)


class SoundPartWriter:
    """Writes a transport stream of pictures and sound; used like a `PacketWriter`."""

    def __init__(self, path: Path, stream: Stream, sound: AudioStream) -> None:
        """Open `path` for writing; `sound` is as `writable` returns it. Raises RecordingError."""
        self._out = _Output(path, "mpegts", PART_OPTIONS)
        size = {"width": stream.width, "height": stream.height}
        self._pictures = self._out.container.add_mux_stream(stream.codec.ffmpeg_name, time_base=TICK, **size)
        context = sound.codec_context
        self._decoder: AudioCodecContext | None = None
        if context.codec.canonical_name in COPIED:
            self._sound = self._out.container.add_stream_from_template(sound, opaque=True)
        else:
            self._decoder = _decoder(context)
            rates = av.Codec("aac", "w").audio_rates or []
            rate = context.sample_rate if context.sample_rate in rates else USUAL_RATE
            self._sound = self._out.container.add_stream("aac", rate)
            self._sound.codec_context.layout = "mono" if context.channels == 1 else "stereo"
            bits = min(MOST_BITS_PER_S, rate * BITS_PER_SAMPLE)
            self._sound.codec_context.bit_rate = bits * self._sound.codec_context.channels
        self._out.begin()

    def write(self, packet: Packet, time_ms: int, decode_ms: int) -> None:
        """Add a packet and the sound before it; damaged sound is left out. Raises RecordingError."""
        for piece in packet.sound:
            self._write_sound(piece.data, (START_MS + time_ms) / TICKS_PER_SECOND + piece.after_s)
        picture = _packet(packet.data.tobytes(), START_MS + time_ms, START_MS + decode_ms, TICK)
        picture.is_keyframe = packet.key
        self._out.write(picture, self._pictures)

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError."""
        if self._decoder is not None:
            self._encode(None)
        self._out.close()

    def _write_sound(self, data: bytes, time: float) -> None:
        if self._decoder is None:
            ticks = round(time / SOUND_TICK)
            self._out.write(_packet(data, ticks, ticks, SOUND_TICK), self._sound, is_sound=True)
            return
        with suppress(av.error.InvalidDataError):
            for frame in self._decoder.decode(AvPacket(data)):
                frame.pts, frame.time_base = round(time * frame.sample_rate), Fraction(1, frame.sample_rate)
                time += frame.samples / frame.sample_rate
                self._encode(frame)

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._sound.encode(frame):
            self._out.write(packet, self._sound)


def copy(
    part: Path,
    target: Path,
    times_ms: Sequence[int],
    delimiter: bytes = b"",
    earliest_s: float = 0.0,
    shape: Shape = AS_CODED,
) -> int:
    """Copy a part into its final container, as `container.copy` does; return how many pictures there were.

    Sound from before `earliest_s`, seconds after the first picture, is left out. If that is negative, the
    file may begin with sound, and shows its first picture up to so much later. Only an .mp4 can say its
    `shape`. Raises RecordingError.
    """
    try:
        first_picture_s, first_sound_s, needed_bytes = _look_at(part)
        probing = {"probesize": str(needed_bytes), "analyzeduration": "2000000000"}
        with av.open(str(part), container_options=probing) as source:
            pictures = source.streams.video[0]
            sounds = [one for one in source.streams.audio if one.codec_context.sample_rate]
            is_mp4 = target.suffix == ".mp4"
            out = _Output(target, "mp4") if is_mp4 else _Output(target, "mpegts", PART_OPTIONS)
            add = out.container.add_stream_from_template
            tracks = {one.index: add(one, opaque=True) for one in (pictures, *sounds)}
            if shape != AS_CODED:
                film = cast(VideoStream, tracks[pictures.index])
                film.set_display_rotation(shape.turn)
                film.codec_context.sample_aspect_ratio = Fraction(shape.pixel_width, shape.pixel_height)
            out.begin()
            # from here on times are seconds after the file's first sound or picture
            shift_s = max(0.0, -max(earliest_s, first_sound_s - first_picture_s))
            zero_s = first_picture_s - times_ms[0] / TICKS_PER_SECOND - shift_s
            waiting = zip(times_ms, decode_times(times_ms), strict=True)
            copied = 0
            for packet in source.demux(pictures, *sounds):
                track = tracks[packet.stream_index]
                if packet.stream_index != pictures.index:
                    time = float((packet.pts or 0) * packet.time_base) - zero_s
                    if packet.size and not packet.is_corrupt and time >= 0:
                        ticks = round(time / SOUND_TICK)
                        out.write(_packet(bytes(packet), ticks, ticks, SOUND_TICK), track, is_sound=True)
                elif packet.size and (due := next(waiting, None)) is not None:
                    shown, decoded = (time_ms + round(shift_s * TICKS_PER_SECOND) for time_ms in due)
                    picture = _packet(bytes(packet).removeprefix(delimiter), shown, decoded, TICK)
                    picture.is_keyframe = packet.is_keyframe
                    out.write(picture, track)
                    copied += 1
            out.close()
        return copied
    except (av.error.FFmpegError, KeyError, IndexError) as error:
        raise RecordingError(f"{part}: cannot be copied: {error}") from None


def _look_at(part: Path) -> tuple[float, float, int]:
    """Times of a part's first picture and first sound, seconds, and how many bytes to read to know both."""
    first: dict[str, tuple[float, int]] = {}
    with av.open(str(part)) as source:
        kinds = {stream.type for stream in source.streams}
        for packet in source.demux():
            if packet.size and packet.pts is not None:
                time = float(packet.pts * packet.time_base)
                first.setdefault(packet.stream.type, (time, packet.pos or 0))
                if len(first) == len(kinds):
                    break
    picture_s, _ = first["video"]
    sound_s, position = first.get("audio", (picture_s, 0))
    return picture_s, sound_s, min(max(0, position) + PROBED_BYTES, MOST_PROBED_BYTES)


class _WholeWrites(io.FileIO):
    """An unbuffered file that writes everything it is given."""

    def write(self, data: Any) -> int:
        """Write all of the data; raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[super().write(rest) :]
        return len(data)


class _Output:
    """A container to write to. Within each stream times only increase."""

    def __init__(self, path: Path, kind: str, options: dict[str, str] | None = None) -> None:
        self._path = path
        # PyAV holds the GIL while it ends a file of its own: until the disk answers, or for ever if the file
        # is a full pipe that another thread has to empty
        self._file = _WholeWrites(path, "wb")
        self.container = av.open(self._file, "w", format=kind, container_options=options or {})
        self._latest: dict[int, int] = {}

    def begin(self) -> None:
        """Open the file, and write what comes before the first packet; raises RecordingError."""
        with self._explaining():
            self.container.start_encoding()

    def write(self, packet: AvPacket[Any], stream: AvStream, is_sound: bool = False) -> None:
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


def _decoder(told: AudioCodecContext) -> AudioCodecContext:
    """A decoder for sound of this description."""
    decoder = cast(AudioCodecContext, AudioCodecContext.create(told.name, "r"))
    layout = {1: "mono", 2: "stereo"}.get(told.channels, told.layout)  # some containers only count channels
    decoder.sample_rate, decoder.layout, decoder.extradata = told.sample_rate, layout, told.extradata
    return decoder


def _packet(data: bytes, shown: int, decoded: int, tick: Fraction) -> AvPacket[Any]:
    packet = AvPacket(data)
    packet.pts, packet.dts, packet.time_base = shown, decoded, tick
    return packet
