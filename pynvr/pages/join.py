"""Joins recordings into one `.mp4`: their packets of pictures and sound, end to end, nothing encoded anew."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

import av
import av.error
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet as AvPacket
from av.stream import Stream as AvStream

from pynvr.errors import RecordingError
from pynvr.media.container import TICKS_PER_SECOND, decode_times, survey
from pynvr.media.muxer import Muxer, usual_step_ms
from pynvr.media.sound_part import is_copied

log = logging.getLogger(__name__)

FILTERS = {
    "h264": ("h264_mp4toannexb", "h264"),
    "hevc": ("hevc_mp4toannexb", "hevc"),
    "mpeg4": ("null", "m4v"),
}
"""Codecs that can be joined -> FFmpeg's filter that puts a recording's own parameter sets before its key
pictures, since they may differ from the first one's; and FFmpeg's name of what comes out as a format."""

Sound: TypeAlias = tuple[str, int, int]
"""Codec, samples per second and channels."""


@dataclass(frozen=True, slots=True)
class Film:
    """A recording to join. Times are seconds of the file, and milliseconds after its first picture."""

    path: Path
    codec: str
    size: tuple[int, int]
    sound: Sound | None
    begins_s: float
    times_ms: list[int]
    """When each picture is shown, in the order of decoding."""

    @property
    def length_ms(self) -> int:
        last_ms = max(self.times_ms)
        return last_ms + usual_step_ms(last_ms, len(self.times_ms) - 1)


def join(paths: Sequence[Path], target: Path) -> list[float]:
    """Join recordings and return the time in `target` at which each begins, seconds.

    Sound that is not like the first one's is left out, and the log says so. Raises RecordingError if a
    recording cannot be read, has another codec or size than the first one, or cannot be written.
    """
    films = [_look_at(path) for path in paths]
    _check(films)
    heard = _sound_to_keep(films)
    begins_ms = [0, *accumulate(film.length_ms for film in films)][:-1]
    shown_ms = [at + time for at, film in zip(begins_ms, films, strict=True) for time in film.times_ms]
    due = zip(shown_ms, decode_times(shown_ms), strict=True)
    out = Muxer(target)
    pictures, sound = _tracks(out, films, heard)
    for film, begin_ms in zip(films, begins_ms, strict=True):
        for packet, time_s, is_sound in _packets(film, with_sound=sound is not None and film.sound == heard):
            if not is_sound:
                out.write_picture(pictures, bytes(packet), *next(due), packet.is_keyframe)
            elif sound is not None and time_s < film.length_ms / TICKS_PER_SECOND:
                out.write_sound(sound, bytes(packet), begin_ms / TICKS_PER_SECOND + time_s)
    out.close()
    if survey(target).count != len(shown_ms):
        raise RecordingError(f"{target}: came out incomplete; is the disk full?")
    return [begin_ms / TICKS_PER_SECOND for begin_ms in begins_ms]


def _check(films: Sequence[Film]) -> None:
    """Raise RecordingError unless all can be joined."""
    first = films[0]
    for film in films:
        if film.codec not in FILTERS:
            raise RecordingError(f"{film.path}: {film.codec} cannot be copied into .mp4; export a .zip")
        if (film.codec, film.size) != (first.codec, first.size):
            wanted = f"{first.size[0]}x{first.size[1]} {first.codec}"
            raise RecordingError(f"{film.path}: is not {wanted} as the first one is; export a .zip")


def _sound_to_keep(films: Sequence[Film]) -> Sound | None:
    """The first recording's sound that an `.mp4` can have; the log names the recordings that lose theirs."""
    heard = next((film.sound for film in films if film.sound and is_copied(*film.sound[:2])), None)
    for film in films:
        if film.sound not in (None, heard):
            log.warning("%s: its sound cannot be joined and is left out; a .zip has it", film.path.name)
    return heard


def _look_at(path: Path) -> Film:
    """What has to be known before recordings are joined; raises RecordingError."""
    with _opened(path) as container:
        if not container.streams.video:
            raise RecordingError(f"{path}: holds no picture")
        stream = container.streams.video[0]
        sound = next((one.codec_context for one in container.streams.audio), None)
        codec = stream.codec_context.codec.canonical_name
        size = stream.codec_context.width, stream.codec_context.height
        times = [_time_s(packet) for packet in container.demux(stream) if packet.size]
        if not times:
            raise RecordingError(f"{path}: holds no picture")
        begins_s = min(times)
        return Film(
            path,
            codec,
            size,
            None if sound is None else (sound.codec.canonical_name, sound.sample_rate, sound.channels),
            begins_s,
            [round((time - begins_s) * TICKS_PER_SECOND) for time in times],
        )


def _packets(film: Film, with_sound: bool) -> Iterator[tuple[AvPacket[Any], float, bool]]:
    """A recording's packets, when each is shown or heard after its first picture, and whether it is sound."""
    with _opened(film.path) as container:
        pictures = container.streams.video[0]
        bring_sets = BitStreamFilterContext(FILTERS[film.codec][0], pictures)
        for packet in container.demux(pictures, *container.streams.audio[: int(with_sound)]):
            if packet.size:
                time_s, is_sound = _time_s(packet) - film.begins_s, packet.stream_index != pictures.index
                for ready in [packet] if is_sound else bring_sets.filter(packet):
                    yield ready, time_s, is_sound


def _tracks(out: Muxer, films: Sequence[Film], heard: Sound | None) -> tuple[AvStream, AvStream | None]:
    """Streams for pictures and sound; the first picture, with its parameter sets, describes all pictures."""
    first = bytes(next(packet for packet, _, _ in _packets(films[0], with_sound=False)))
    with av.open(io.BytesIO(first), format=FILTERS[films[0].codec][1]) as bare:
        pictures = out.add(bare.streams.video[0])
    if heard is None:
        return pictures, None
    with _opened(next(film.path for film in films if film.sound == heard)) as container:
        return pictures, out.add(container.streams.audio[0])


def _time_s(packet: AvPacket[Any]) -> float:
    ticks = packet.dts if packet.pts is None else packet.pts  # an .avi tells only the order of decoding
    return float((ticks or 0) * packet.time_base)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path.absolute()), metadata_errors="replace") as container:
            yield container
    except av.error.FFmpegError as error:
        raise RecordingError(f"{path}: cannot be read as video: {error.strerror}") from None
