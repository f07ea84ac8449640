"""Decodes a camera's packets with PyAV. Imported only where that is done, because it costs 17 MB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import av
import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter

from pynvr.media.ffmpeg import decoder_of
from pynvr.media.frame import Gray, Image
from pynvr.media.opencv import fitted, fitted_size
from pynvr.media.packet import Stream, TimedPacket

STRETCHED = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""Brightness of most video, where 16 is black and 235 white -> as OpenCV has it, from 0 to 255."""


class PictureDecoder:
    """Decodes the packets of one connection, from a key packet on."""

    def __init__(self, stream: Stream) -> None:
        self._context = decoder_of(stream.codec)
        self._context.copy_opaque = True
        if stream.parameter_sets:
            self._context.extradata = stream.parameter_sets
        self._reformatter = VideoReformatter()

    def decode(self, packet: TimedPacket | None) -> list[DecodedPicture] | None:
        """Put a packet in, or None at the end; return the pictures that come out. None: it is damaged."""
        given = None
        if packet is not None:
            given = av.Packet(packet.data.tobytes())
            given.opaque = packet
        try:
            frames = self._context.decode(given)
        except av.error.FFmpegError:
            return None
        return [DecodedPicture(frame, cast(TimedPacket, frame.opaque), self._reformatter) for frame in frames]


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """A picture, still as the decoder has it. `fit_inside` is a (width, height) that it must not exceed."""

    _frame: VideoFrame
    packet: TimedPacket
    """The packet that it came in."""
    _reformatter: VideoReformatter

    def shape(self, fit_inside: tuple[int, int] | None) -> tuple[int, int]:
        """Height and width."""
        width, height = fitted_size((self._frame.width, self._frame.height), fit_inside)
        return height, width

    def bgr(self, fit_inside: tuple[int, int] | None) -> Image:
        """The whole picture."""
        frame = self._reformatter.reformat(self._frame, format="bgr24", threads=1)
        return fitted(cast(Image, frame.to_ndarray()), fit_inside)

    def gray(self, reduce: Callable[[Gray], Gray], fit_inside: tuple[int, int] | None) -> Gray:
        """What `reduce` makes of its brightness, which is used as it lies in the decoder's memory."""
        frame, kind = self._frame, self._frame.format
        stretched = kind.name.startswith(("yuvj", "gray")) or frame.color_range == ColorRange.JPEG
        if kind.is_rgb or kind.components[0].bits != 8:
            frame, stretched = self._reformatter.reformat(frame, format="gray", threads=1), True
        plane = frame.planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        small = reduce(fitted(lines[: frame.height, : frame.width], fit_inside))
        return small if stretched else cast(Gray, cv2.LUT(small, STRETCHED))
