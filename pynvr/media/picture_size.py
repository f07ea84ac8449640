"""Finds the size of a key picture by decoding it with PyAV.

OpenCV tells the size that a stream has when it is opened, and never that it has changed. Imported only when
parameter sets change, because PyAV costs 17 MB.
"""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import av
import av.error
import av.logging

from pynvr.media.codecs import START_CODE, CopyCodec


def size_of(codec: CopyCodec, data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of a key packet with its parameter sets; None if it is damaged."""
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec.ffmpeg_name, "r"))
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    # not SEI: some cameras write it wrongly, and no decoder needs it
    needed = (*codec.parameter_sets, *codec.first_picture)
    units = [unit for unit in data.split(START_CODE) if unit and codec.unit_type(unit[0]) in needed]
    with av.logging.Capture(), suppress(av.error.FFmpegError):  # it may be damaged
        decoder.decode(av.Packet(b"".join(START_CODE + unit for unit in units)))
        decoder.decode(None)
        return (decoder.width, decoder.height) if decoder.width else None
    return None
