"""Writes the part of a recording with sound through PyAV, and says what can become of a stream's sound.

Imported late, since PyAV costs 17 MB.
"""

import io
import logging
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet as AvPacket

from pynvr.errors import SettingsError
from pynvr.media.codecs import CopyCodec
from pynvr.media.container import TICKS_PER_SECOND
from pynvr.media.muxer import TICK, Muxer
from pynvr.media.packet import Packet, Stream

log = logging.getLogger(__name__)

COPIED = {"aac": 0, "opus": 0, "mp3": 16_000}
"""Codecs that browsers play in .mp4, and the lowest rate at which FFmpeg writes them there. Other sound, for
example G.711, is made AAC."""
BITS_PER_SAMPLE, MOST_BITS_PER_S = 3, 64_000
"""Of AAC that is made, for each channel."""
USUAL_RATE = 48_000
"""Samples per second of AAC that is made from a rate which AAC does not know."""
START_MS = 10_000
"""The first picture's time in a part: sound may come before it, and no time may be negative."""


def writable(stream: AudioStream | None, suffix: str, name: str) -> AudioStream | None:
    """What a writer needs to know of a stream's sound; it outlives the stream's container.

    None if it has none that can be recorded; the log says so, with `name`. Raises SettingsError if a file of
    this suffix cannot hold it.
    """
    if stream is None or not stream.codec_context.sample_rate:
        log.warning("%s: has no sound that could be recorded (RECORD_SOUND)", name)
        return None
    if suffix == ".avi":  # it knows no times, so each pause and each change of the rate would part them
        raise SettingsError(
            f'OUTPUT_FILES_EXTENSION = ".avi": cannot keep the sound of {name} in step with its pictures; '
            'set ".mkv" or None, or remove RECORD_SOUND'
        )
    return _description(stream)


def part_suffix(sound: AudioStream, codec: CopyCodec, suffix: str) -> str:
    """Container of an open recording with sound that gets this suffix."""
    fits = suffix != ".mkv" or _is_copied(sound)
    return ".ts" if fits and codec.part_suffix == ".ts" else ".mkv"


class SoundPartWriter:
    """Writes pictures and sound into a transport stream or an .mkv; used like a `PacketWriter`."""

    def __init__(self, path: Path, stream: Stream, sound: AudioStream, first: bytes) -> None:
        """Open `path` for writing; `sound` is as `writable` returns it. Raises RecordingError.

        `first`: the first picture, with its parameter sets.
        """
        self._out = Muxer(path, is_part=True)
        container = self._out.container
        if path.suffix == ".mkv" and stream.codec.parameter_sets:  # it has them in its header, too
            with av.open(io.BytesIO(first), format=stream.codec.ffmpeg_name) as bare:
                self._pictures = container.add_stream_from_template(bare.streams.video[0], opaque=True)
        else:
            size = {"width": stream.width, "height": stream.height}
            self._pictures = container.add_mux_stream(stream.codec.ffmpeg_name, time_base=TICK, **size)
        context = sound.codec_context
        self._decoder: AudioCodecContext | None = None
        if _is_copied(sound):
            self._sound = self._out.container.add_stream_from_template(sound, opaque=True)
        else:
            self._decoder = _decoder(sound)
            self._sound = _encoded(container, context, "pcm_s16le" if path.suffix == ".mkv" else "aac")

    def write(self, packet: Packet, time_ms: int, decode_ms: int) -> None:
        """Add a packet and the sound before it; damaged sound is left out. Raises RecordingError."""
        for piece in packet.sound:
            self._write_sound(piece.data, (START_MS + time_ms) / TICKS_PER_SECOND + piece.after_s)
        shown_ms, decoded_ms = START_MS + time_ms, START_MS + decode_ms
        self._out.write_picture(self._pictures, packet.data.tobytes(), shown_ms, decoded_ms, packet.key)

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError."""
        if self._decoder is not None:
            self._encode(None)
        self._out.close()

    def _write_sound(self, data: bytes, time: float) -> None:
        if self._decoder is None:
            self._out.write_sound(self._sound, data, time)
            return
        with suppress(av.error.InvalidDataError):
            for frame in self._decoder.decode(AvPacket(data)):
                frame.pts, frame.time_base = round(time * frame.sample_rate), Fraction(1, frame.sample_rate)
                time += frame.samples / frame.sample_rate
                self._encode(frame)

    def _encode(self, frame: AudioFrame | None) -> None:
        for packet in self._sound.encode(frame):
            self._out.write(self._sound, packet)


def is_copied(codec: str, rate: int) -> bool:
    """Whether sound of this codec and rate goes into an `.mp4` as it is."""
    return codec in COPIED and rate >= COPIED[codec]


def _is_copied(sound: AudioStream) -> bool:
    return is_copied(sound.codec_context.codec.canonical_name, sound.codec_context.sample_rate)


def _description(stream: AudioStream) -> AudioStream:
    """A stream of nothing that is described like this one, with a decoder of its own."""
    nowhere = av.open("/dev/null", "w", format="null")  # this format takes any codec
    return nowhere.add_stream_from_template(stream, opaque=True)


def _decoder(told: AudioStream) -> AudioCodecContext:
    """A new decoder for sound of this description: ADPCM needs more of it than PyAV lets anybody set."""
    decoder = _description(told).codec_context
    layout = {1: "mono", 2: "stereo"}.get(decoder.channels)  # some containers only count channels
    if layout is not None:
        decoder.layout = layout
    return decoder


def _encoded(container: OutputContainer, told: AudioCodecContext, codec: str) -> AudioStream:
    """A stream of the same sound in another codec: samples as they are, or AAC."""
    rates = av.Codec(codec, "w").audio_rates or [told.sample_rate]
    rate = told.sample_rate if told.sample_rate in rates else USUAL_RATE
    stream = cast(AudioStream, container.add_stream(codec, rate))
    stream.codec_context.layout = "mono" if told.channels == 1 else "stereo"
    bits = min(MOST_BITS_PER_S, rate * BITS_PER_SAMPLE)
    stream.codec_context.bit_rate = bits * stream.codec_context.channels  # PCM has its own
    return stream
