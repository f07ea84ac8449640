"""The pictures of a video file, up to its real end. What cannot be decoded is counted and logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av.error
import av.logging
import cv2
from av.codec.context import Flags
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pynvr.errors import CameraError
from pynvr.media.frame import TIME_TOLERANCE_S, Image
from pynvr.sources.demux import Demuxer
from pynvr.sources.losses import Losses, Stretches

log = logging.getLogger(__name__)

SMALLEST_STEP_S = 0.001
TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
"""Degrees counter-clockwise -> how OpenCV turns a picture by them."""
ONE_PICTURE_EACH = ("h264", "hevc")
"""Codecs with a picture in each packet. Others have packets that are never shown."""
TICKS_PER_S = 1_000_000
"""The unit of the times that go into the decoder with a packet and come out with its picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, still in the decoder's form."""

    frame: VideoFrame
    time: float
    """Seconds from the beginning of the file, strictly increasing."""
    lost_before: int
    """Pictures since the one before that could not be decoded."""


class Decoder:
    """Iterate over it to get a file's pictures."""

    def __init__(self, place: Path | str) -> None:
        """Open the file; raises CameraError where it has no video."""
        self._demuxer = Demuxer(place)
        self.name = self._demuxer.name
        self.fps = self._demuxer.fps
        self.frame_count = self._demuxer.frame_count
        self._reformatter = VideoReformatter()
        self._losses = Losses(self._demuxer.codec in ONE_PICTURE_EACH)
        self._damaged = Stretches()
        if self._demuxer.opened_with_complaints:
            self._damaged.add(0.0)
        self.lost_at_end = 0
        """How many pictures at the end could not be decoded; known when all are read."""
        self._count = 0
        self._last = -SMALLEST_STEP_S
        self._interlaced = False
        self._delay: int | None = None

    def __iter__(self) -> Iterator[Picture]:
        """Yield every picture that can be decoded."""
        with av.logging.Capture() as complaints:
            for step in self._demuxer:
                packet = step.packet
                moment = step.decoded if step.shown is None else step.shown
                if step.shown is not None and not packet.is_discard:
                    self._losses.sent(_ticks(step.shown) / TICKS_PER_S)
                packet.pts = None if step.shown is None else _ticks(step.shown)
                packet.dts = _ticks(step.decoded)
                yield from self._decode(packet, moment, complaints)
            yield from self._decode(None, max(0.0, self._last), complaints)
        self.lost_at_end = self._losses.rest(self._interlaced)

    def _decode(
        self, packet: Packet[VideoStream] | None, moment: float, complaints: list[tuple[int, str, str]]
    ) -> Iterator[Picture]:
        """Put a packet in, or None at the end; yield the pictures that come out.

        FFmpeg's `complaints` since the previous packet are used and cleared.
        """
        try:
            frames = self._demuxer.stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            self._losses.refused()
            frames = []
        else:
            torn = packet is not None and packet.is_corrupt
            if complaints or torn or any(frame.is_corrupt for frame in frames):
                self._damaged.add(moment)
        complaints.clear()
        for frame in frames:
            yield self._picture(frame)

    def _picture(self, frame: VideoFrame) -> Picture:
        told, lost = frame.pts, 0
        if told is not None:
            time = told / TICKS_PER_S
            lost = self._losses.shown(time, frame.interlaced_frame)
        elif frame.dts is not None and self._demuxer.dated:  # B-frames in .avi: decoded in time, shown later
            self._delay = frame.dts if self._delay is None else self._delay
            time = (frame.dts - self._delay) / TICKS_PER_S
        else:
            time = self._last + 1 / self.fps if self._count else 0.0
        self._last = time = time if time > self._last + TIME_TOLERANCE_S else self._last + SMALLEST_STEP_S
        self._count += 1
        # before the first key frame there is nothing to see; after damage a smeared picture beats none
        self._demuxer.stream.codec_context.flags |= Flags.output_corrupt
        if frame.interlaced_frame and not self._interlaced:
            self._interlaced = True
            log.info("%s: is interlaced: each picture holds two moments", self._demuxer.name)
        return Picture(frame, time, lost)

    def image(self, picture: Picture) -> Image:
        """The picture as BGR, upright, with square pixels; it never has fewer lines than were decoded."""
        frame = picture.frame
        image = cast(Image, self._reformatter.reformat(frame, format="bgr24", threads=1).to_ndarray())
        stream = self._demuxer.stream
        # a pixel's width divided by its height
        ratio = float(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        if ratio > 1:
            image = cast(Image, cv2.resize(image, (_even(image.shape[1] * ratio), image.shape[0])))
        elif ratio < 1:
            image = cast(Image, cv2.resize(image, (image.shape[1], _even(image.shape[0] / ratio))))
        turn = TURNS.get(frame.rotation % 360)
        return image if turn is None else cast(Image, cv2.rotate(image, turn))

    def check_end(self) -> None:
        """Log what was lost; raises CameraError if no picture came, or much less than promised."""
        demuxer = self._demuxer
        if self._count == 0:
            raise CameraError(f"cam = {demuxer.name!r}: no picture in it can be decoded")
        if self._losses.lost.count:
            log.warning("%s: %s could not be decoded", demuxer.name, self._losses.lost)
        if self._damaged.count:
            log.warning("%s: %s may be damaged", demuxer.name, self._damaged)
        for moment in demuxer.timeline.laid_anew[:1]:
            times = len(demuxer.timeline.laid_anew)
            log.warning(
                "%s: its times begin anew or leap %d times, first at %.1f s: they are laid end to end",
                demuxer.name, times, moment,
            )  # fmt: skip
        demuxer.check_end()

    def close(self) -> None:
        """Close the file."""
        self._demuxer.close()


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)  # of an odd size encoders would leave out the last column or row


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_S)
