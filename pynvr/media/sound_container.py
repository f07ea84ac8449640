"""Copies a part with sound, or with a `Shape` for its pictures, into its final container through PyAV.

OpenCV knows neither. `container.py` does the same for pictures alone. Imported late, since PyAV costs 17 MB.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
from av.video.stream import VideoStream

from pynvr.errors import RecordingError
from pynvr.media.container import TICKS_PER_SECOND, decode_times
from pynvr.media.muxer import Muxer
from pynvr.media.packet import AS_CODED, Shape

PROBED_BYTES, MOST_PROBED_BYTES = 1 << 20, 64 << 20
"""How much of a part FFmpeg may read to learn what its sound is: after the first piece of it, and in all."""


def copy(
    part: Path,
    target: Path,
    times_ms: Sequence[int],
    delimiter: bytes = b"",
    earliest_s: float = 0.0,
    shape: Shape = AS_CODED,
) -> None:
    """Copy a part into its final container, as `container.copy` does.

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
            out = Muxer(target)
            tracks = {one.index: out.add(one) for one in (pictures, *sounds)}
            if shape != AS_CODED:
                film = cast(VideoStream, tracks[pictures.index])
                film.set_display_rotation(shape.turn)
                film.codec_context.sample_aspect_ratio = Fraction(shape.pixel_width, shape.pixel_height)
            # from here on times are seconds after the file's first sound or picture
            shift_s = max(0.0, -max(earliest_s, first_sound_s - first_picture_s))
            zero_s = first_picture_s - times_ms[0] / TICKS_PER_SECOND - shift_s
            waiting = zip(times_ms, decode_times(times_ms), strict=True)
            for packet in source.demux(pictures, *sounds):
                track = tracks[packet.stream_index]
                if packet.stream_index != pictures.index:
                    time = float((packet.pts or 0) * packet.time_base) - zero_s
                    if packet.size and not packet.is_corrupt:
                        out.write_sound(track, bytes(packet), time)
                elif packet.size and (due := next(waiting, None)) is not None:
                    shown, decoded = (time_ms + round(shift_s * TICKS_PER_SECOND) for time_ms in due)
                    data = bytes(packet).removeprefix(delimiter)
                    out.write_picture(track, data, shown, decoded, packet.is_keyframe)
            out.close()
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
