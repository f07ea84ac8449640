"""Decodes a camera's packets with PyAV. Imported only where that is done, because it costs 17 MB."""

from collections.abc import Callable
from typing import cast

import av
import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter

from pynvr.media.ffmpeg import decoder_of
from pynvr.media.frame import Gray, Image
from pynvr.media.opencv import fitted
from pynvr.media.packet import Stream, TimedPacket

STRETCHED = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""Brightness of most video, where 16 is black and 235 white -> as OpenCV has it, from 0 to 255."""


class PictureDecoder:
    """Decodes the packets of one connection, from a key packet on."""

    def __init__(self, stream: Stream, fit_inside: tuple[int, int] | None = None) -> None:
        """`fit_inside` is a (width, height) that no picture exceeds."""
        self._fit_inside = fit_inside
        self._context = decoder_of(stream.codec)
        self._context.copy_opaque = True
        if stream.parameter_sets:
            self._context.extradata = stream.parameter_sets
        self._reformatter = VideoReformatter()

    def decode(self, packet: TimedPacket | None) -> list[tuple[TimedPacket, VideoFrame]] | None:
        """Put a packet in, or None at the end; return pictures with their packets. None: it is damaged."""
        given = None
        if packet is not None:
            given = av.Packet(packet.data.tobytes())
            given.opaque = packet
        try:
            return [(cast(TimedPacket, frame.opaque), frame) for frame in self._context.decode(given)]
        except av.error.FFmpegError:
            return None

    def bgr(self, frame: VideoFrame) -> Image:
        whole = self._reformatter.reformat(frame, format="bgr24", threads=1)
        return fitted(cast(Image, whole.to_ndarray()), self._fit_inside)

    def gray(self, frame: VideoFrame, reduce: Callable[[Gray], Gray]) -> Gray:
        """What `reduce` makes of its brightness, which is used as it lies in the decoder's memory."""
        kind = frame.format
        stretched = kind.name.startswith(("yuvj", "gray")) or frame.color_range == ColorRange.JPEG
        if kind.is_rgb or kind.components[0].bits != 8:
            frame, stretched = self._reformatter.reformat(frame, format="gray", threads=1), True
        plane = frame.planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        small = reduce(fitted(lines[: frame.height, : frame.width], self._fit_inside))
        return small if stretched else cast(Gray, cv2.LUT(small, STRETCHED))
