"""FFmpeg through PyAV: its messages, and the size of a picture. Imported late, because PyAV costs 17 MB."""

import logging
from contextlib import suppress
from typing import cast

import av
import av.logging

from pynvr.media.codecs import START_CODE, CopyCodec

# whoever wants to count or read its messages does; the log gets no more than the sum
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False

complaints = av.logging.Capture
"""A context manager: the list of this thread's messages, each with its level and who says it."""


def decoder_of(codec: CopyCodec) -> av.VideoCodecContext:
    """A decoder that works on one thread: two would take as much processor time in all, and 7 MB more."""
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec.ffmpeg_name, "r"))
    decoder.thread_count = 1
    return decoder


def size_of(codec: CopyCodec, data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of a key packet with its parameter sets; None if it is damaged.

    OpenCV tells the size that a stream has when it is opened, and never that it has changed.
    """
    decoder = decoder_of(codec)
    decoder.options = {"err_detect": "explode"}
    # not SEI: some cameras write it wrongly, and no decoder needs it
    needed = (*codec.parameter_sets, *codec.first_picture)
    units = [unit for unit in data.split(START_CODE) if unit and codec.unit_type(unit[0]) in needed]
    with complaints(), suppress(av.FFmpegError):  # it may be damaged
        decoder.decode(av.Packet(b"".join(START_CODE + unit for unit in units)))
        decoder.decode(None)
        return (decoder.width, decoder.height) if decoder.width else None
    return None
