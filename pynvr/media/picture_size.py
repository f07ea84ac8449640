"""The size of a key picture, found out by decoding it with PyAV.

OpenCV tells the size that a stream has when it is opened, and never that it has changed.
Imported only where parameter sets change, because PyAV costs 17 MB.
"""

from __future__ import annotations

from typing import cast

import av
import av.error
import av.logging

from pynvr.media.codecs import CopyCodec

av.logging.set_level(av.logging.ERROR)  # what is damaged is told by the return value


def size_of(codec: CopyCodec, data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of a key packet with its parameter sets; None if any of it is damaged."""
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec.ffmpeg_name, "r"))
    decoder.options = {"err_detect": "explode"}
    decoder.thread_count = 1
    try:
        decoder.decode(av.Packet(data))
        decoder.decode(None)
    except av.error.FFmpegError:
        return None
    return (decoder.width, decoder.height) if decoder.width else None
