"""Video files as sources of frames, up to their real end. What cannot be decoded is counted and logged."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TypeAlias, cast

import av.error
import cv2
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from pynvr.errors import CameraError
from pynvr.media.ffmpeg import complaints
from pynvr.media.frame import SMALLEST_STEP_S, TIME_TOLERANCE_S, Frame, Gap, Image
from pynvr.media.opencv import as_bgr
from pynvr.sources.films.demux import TICKS_PER_S, Demuxer
from pynvr.sources.films.losses import Losses, Stretches
from pynvr.sources.stoppable import Ahead

log = logging.getLogger(__name__)

TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
"""Degrees counter-clockwise -> how OpenCV turns a picture by them."""
ONE_PICTURE_EACH = ("h264", "hevc")
"""Codecs with a picture in each packet. Others have packets that are never shown."""

Picture: TypeAlias = tuple[VideoFrame, float, int]
"""As the decoder has it; its time in seconds, strictly increasing; how many pictures before it were lost."""


class FileSource(Demuxer):
    """A video file, read at full speed; the same frames with the same times every time."""

    def __init__(self, place: Path | str, stop: Event, fit_inside: tuple[int, int] | None = None) -> None:
        """Open the file; raises CameraError if there is no video in it, and StoppedError."""
        super().__init__(place, stop)
        self._fit_inside = fit_inside
        self._reformatter = VideoReformatter()
        self._losses = Losses(self._codec_name in ONE_PICTURE_EACH)
        self._damaged = Stretches()
        if self._opened_with_complaints:
            self._damaged.add(0.0)
        self._lost_at_end = 0
        """How many pictures at the end could not be decoded; known when all are read."""
        self._count = 0
        self._last_picture_s = -SMALLEST_STEP_S
        self._interlaced = False
        self._delay: int | None = None
        self._pictures = Ahead(self._decoded(), stop)

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield every frame while the next one is decoded.

        Decoding takes by far the longest and runs in a thread of its own. The calling thread converts
        the pictures to BGR, so that they are in its caches when it looks at them.
        All frames have one size: if it changes within a file, they are scaled to the first one.

        Raises CameraError at the end if no frame came, or much less than the file promises.
        """
        size: tuple[int, int] | None = None
        index = 0
        while (picture := self._pictures.take()) is not None:
            decoded, time, lost = picture
            image = as_bgr(self._upright(decoded), self._fit_inside)
            size = size or (image.shape[1], image.shape[0])
            if size != (image.shape[1], image.shape[0]):
                image = cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
            yield Frame(image, time, self._started + timedelta(seconds=time), index, lost)
            index += 1
        if not self._stop.is_set():
            if lost := self._lost_at_end:
                yield Gap(f"{self.name}: the last {lost} pictures could not be decoded", lost)
            self._check_end()

    def close(self) -> None:
        self._pictures.close(self._opened.close)

    def _decoded(self) -> Iterator[Picture]:
        at_last = (None,)  # has the decoder give the pictures that it still holds
        packets = chain((packet for packet, _ in self._packets()), at_last)
        with complaints() as said:
            for packet in packets:
                moment = max(0.0, self._last_picture_s)
                if packet is not None:
                    moment = ((packet.dts or 0) if packet.pts is None else packet.pts) / TICKS_PER_S
                    if packet.pts is not None and not packet.is_discard:
                        self._losses.sent(moment)
                torn = packet is not None and packet.is_corrupt
                try:
                    frames = self._stream.codec_context.decode(packet)
                except av.error.FFmpegError:
                    self._losses.refused()
                    frames = []
                else:
                    if said or torn or any(frame.is_corrupt for frame in frames):
                        self._damaged.add(moment)
                said.clear()
                yield from map(self._dated_picture, frames)
        self._lost_at_end = self._losses.rest(self._interlaced)

    def _dated_picture(self, frame: VideoFrame) -> Picture:
        told, lost = frame.pts, 0
        if told is not None:
            time = told / TICKS_PER_S
            lost = self._losses.shown(time, frame.interlaced_frame)
        elif frame.dts is not None and self._dated:  # B-frames in .avi: decoded in time, shown later
            self._delay = frame.dts if self._delay is None else self._delay
            time = (frame.dts - self._delay) / TICKS_PER_S
        else:
            time = self._last_picture_s + 1 / self.nominal_fps if self._count else 0.0
        if time <= self._last_picture_s + TIME_TOLERANCE_S:
            time = self._last_picture_s + SMALLEST_STEP_S
        self._last_picture_s = time
        self._count += 1
        # before the first key frame there is nothing to see; after damage a smeared picture beats none
        self._stream.codec_context.flags |= Flags.output_corrupt
        if frame.interlaced_frame and not self._interlaced:
            self._interlaced = True
            log.info("%s: is interlaced: each picture holds two moments", self.name)
        return frame, time, lost

    def _upright(self, frame: VideoFrame) -> Image:
        """The picture as BGR, upright, with square pixels; it never has fewer lines than were decoded."""
        image = cast(Image, self._reformatter.reformat(frame, format="bgr24", threads=1).to_ndarray())
        # a pixel's width divided by its height
        ratio = float(self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio or 1)
        if ratio != 1:
            height, width = image.shape[:2]
            size = (_even(width * ratio), height) if ratio > 1 else (width, _even(height / ratio))
            image = cast(Image, cv2.resize(image, size))
        turn = TURNS.get(frame.rotation % 360)
        return image if turn is None else cast(Image, cv2.rotate(image, turn))

    def _check_end(self) -> None:
        """Log what was lost; raises CameraError if no picture came, or much less than promised."""
        if self._count == 0:
            raise CameraError(f"cam = {self.name!r}: no picture in it can be decoded")
        if self._losses.lost.count:
            log.warning("%s: %s could not be decoded", self.name, self._losses.lost)
        if self._damaged.count:
            log.warning("%s: %s may be damaged", self.name, self._damaged)
        for moment in self._timeline.laid_anew[:1]:
            times = len(self._timeline.laid_anew)
            log.warning(
                "%s: its times begin anew or leap %d times, first at %.1f s: they are laid end to end",
                self.name, times, moment,
            )  # fmt: skip
        super()._check_end()


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)  # of an odd size encoders would leave out the last column or row
