"""A video file opened: the right stream of it, packet by packet, at times that can be.

FFmpeg is used through PyAV here and not through OpenCV, which takes whatever stream comes first, says False
for an error as for the end, and does not tell the time of what it skips.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import IO, cast

import av
import av.error
import av.logging
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pynvr.errors import CameraError
from pynvr.media.packet import Shape
from pynvr.redaction import without_password
from pynvr.sources.kind import check_file
from pynvr.sources.promise import promise_of
from pynvr.sources.timeline import Timeline

log = logging.getLogger(__name__)

# what FFmpeg complains of is counted where it is decoded, and only the sum is said
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False

NETWORK_TIMEOUTS_S = (10.0, 30.0)
"""For a film that lies elsewhere: to open it, and to get more of it."""
DEFAULT_FPS = 25.0
PLAUSIBLE_FPS = (Fraction(1, 3600), Fraction(240))
"""Files claim anything from 0 to 90000."""
TIMES_MAY_BEGIN_ANEW = 0x0200
"""AVFMT_TS_DISCONT of FFmpeg: transport streams and their like, which can be joined with `cat`."""
NO_VIDEO_FORMATS = ("image2", "tty", "lavfi", "ffmetadata")
"""What FFmpeg also makes moving pictures of: pictures, and text as on a terminal."""
ATTACHED = 0x0400 | 0x0800
"""AV_DISPOSITION_ATTACHED_PIC and TIMED_THUMBNAILS: pictures that belong to the file, not to the film."""
READ_ERRORS = 1000
"""So many in a row, and there is nothing left to read."""
PROBED_PACKETS = 2000
"""Looked at to find out which of several streams is a film, where the container does not say."""
LATER_THAN_PROMISED_S = 2.0
"""A leap to so long after the end is none that can be."""
SOUND_STEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """A packet with its times, in seconds from the beginning of the stream."""

    packet: AvPacket[VideoStream]
    decoded: float
    shown: float | None
    """None in a file without times."""


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A packet as it is to be copied."""

    data: NDArray[np.uint8]
    """1 x N bytes."""
    key: bool
    decoded: float
    shown: float | None
    """As `Step` has them."""


class Demuxer:
    """One video stream of one file."""

    def __init__(self, place: Path | str) -> None:
        """Open a file or the address of a film; raises CameraError, with the reason, for what is none."""
        self._fetched: IO[bytes] | None = None
        if isinstance(place, Path):
            check_file(place)
        else:
            from pynvr.sources.fetch import fetched  # which few need

            self._fetched = fetched(place, NETWORK_TIMEOUTS_S[0])
        self.name = without_password(place) if isinstance(place, str) else str(place)
        self._place = place
        self._descriptor: int | None = None
        with av.logging.Capture() as complaints:
            self._container = self._open()
            try:
                self.stream = self._choose()
            except BaseException:
                self.close()
                raise
        self.opened_with_complaints = bool(complaints)
        """Whether FFmpeg found something wrong while it looked at the beginning of the file."""
        self.stream.codec_context.thread_count = 1  # the recorder's other threads have work too
        self.fps = _rate(self.stream)
        self._base = self.stream.time_base or Fraction(1, 90000)
        start = self.stream.start_time
        self._zero = 0.0 if start is None else float(start * self._base)
        self._promise = promise_of(self._container, self.stream, self._zero)
        # one time for each packet, when it is decoded; FFmpeg guesses when it is shown
        self._dated_only = self._container.format.name == "avi"
        self._joinable = bool(int(self._container.format.flags) & TIMES_MAY_BEGIN_ANEW)
        self._sound: tuple[float, float] | None = None
        """From when to when sound, or whatever else there is, has gone on without a leap."""
        self.timeline = Timeline(1 / self.fps, self._believes)
        self.packets = 0
        """How many have come so far."""
        self._last = 0.0
        self.unusable = 0
        """Packets that could not even be copied."""
        self.dated = False
        """Whether the packets say when they are decoded; a bare stream without a container does not."""

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec: h264, hevc, mjpeg."""
        return str(self.stream.codec_context.name)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as coded."""
        return self.stream.codec_context.width, self.stream.codec_context.height

    @property
    def extradata(self) -> bytes:
        """What the container says about the codec, in a form of the container's."""
        return bytes(self.stream.codec_context.extradata or b"")

    def shape(self) -> Shape:
        """How a player shows the pictures, as the container says."""
        ratio = self.stream.sample_aspect_ratio or Fraction(1)
        return Shape(self._turn(), ratio.numerator, ratio.denominator)

    def coded(self) -> Iterator[Coded]:
        """The packets as they lie in the file."""
        for step in self:
            yield _coded(step.packet, step)

    def annex_b(self) -> Iterator[Coded]:
        """The packets of H.264 or H.265 as a transport stream has them: units behind start codes."""
        convert = BitStreamFilterContext(f"{self.codec}_mp4toannexb", self.stream)
        for step in self:
            try:
                converted = convert.filter(step.packet)
            except av.error.FFmpegError:  # damaged: nobody could decode it
                self.unusable += 1
                continue
            for packet in converted:
                if packet.size:
                    yield _coded(packet, step)
                else:
                    self.unusable += 1

    def _turn(self) -> int:
        """Degrees counter-clockwise; the first picture knows, which another look at the file decodes."""
        with suppress(av.error.FFmpegError), av.open(self._safe_name(), metadata_errors="replace") as other:
            stream = other.streams[self.stream.index]
            stream.codec_context.thread_count = 1
            for number, packet in enumerate(other.demux(stream)):
                for frame in packet.decode():
                    return int(frame.rotation) % 360
                if number > PROBED_PACKETS:
                    break
        return 0

    @property
    def pixel_ratio(self) -> float:
        """How wide a pixel is, in its heights."""
        ratio = self.stream.sample_aspect_ratio or self.stream.codec_context.sample_aspect_ratio
        return float(ratio) if ratio else 1.0

    @property
    def frame_count(self) -> int | None:
        """How many pictures the container promises; None where it does not say."""
        pictures, seconds = self._promise.pictures, self._promise.seconds
        return round(seconds * self.fps) if pictures is None and seconds is not None else pictures

    def __iter__(self) -> Iterator[Step]:
        """Yield the stream's packets, in the order of decoding, up to where the file really ends."""
        disordered = self._dated_only and self.stream.codec_context.has_b_frames
        for packet in self._read():
            decoded, shown = self._seconds(packet.dts), self._seconds(packet.pts)
            self.dated |= decoded is not None
            if decoded is None and not self.stream.codec_context.has_b_frames:
                decoded = shown
            elif self._dated_only and not disordered and shown is not None:
                shown = decoded
            placed = self.timeline.place(decoded, shown)
            self.packets += 1
            self._last = max(self._last, placed.decoded if placed.shown is None else placed.shown)
            yield Step(packet, placed.decoded, None if disordered else placed.shown)

    def check_end(self) -> None:
        """Raise CameraError where much less came than the container promises; call it at the end."""
        promise = replace(self._promise, seconds=None) if self._joinable else self._promise
        end = self._last + 1 / self.fps
        # FFmpeg skips the empty packets of .avi, which let a picture stay for longer
        packets = max(self.packets, round(end * self.fps)) if self._dated_only else self.packets
        promise.check(self.name, packets, end, self.fps)

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._container.close()
        self._close_descriptor()
        if self._fetched is not None:
            self._fetched.close()

    def _open(self) -> InputContainer:
        try:
            timeout = None if isinstance(self._place, Path) else NETWORK_TIMEOUTS_S
            return av.open(self._safe_name(), metadata_errors="replace", timeout=timeout)
        except (av.error.FFmpegError, ValueError) as error:
            self._close_descriptor()
            log.debug("%s: %r", self.name, error)
            raise CameraError(f"cam = {self.name!r}: is not a video that FFmpeg can read") from None

    def _safe_name(self) -> str:
        """A name that FFmpeg takes for nothing but a file: no protocol, no pattern, no wrong letters."""
        if isinstance(self._place, str):
            return self._place if self._fetched is None else f"/proc/self/fd/{self._fetched.fileno()}"
        absolute = str(self._place.absolute())
        try:
            absolute.encode()
        except UnicodeEncodeError:
            self._close_descriptor()
            self._descriptor = os.open(self._place, os.O_RDONLY)
            absolute = f"/proc/self/fd/{self._descriptor}"
        return f"file:{absolute}"

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _choose(self) -> VideoStream:
        container = self._container
        name = container.format.name
        if name in NO_VIDEO_FORMATS or name.endswith("_pipe"):
            raise CameraError(f"cam = {self.name!r}: is a picture or text ({name}), not a video")
        streams = list(container.streams.video)
        films = [one for one in streams if not int(one.disposition) & ATTACHED and one.frames != 1]
        if not films and len(streams) == 1 and not int(streams[0].disposition) & ATTACHED:
            films = streams  # a film of one picture
        if not films:
            what = "nothing but a picture beside the sound" if streams else "no video in it"
            raise CameraError(f"cam = {self.name!r}: there is {what}")
        if len(films) > 1:
            films = self._moving(films)
        chosen = max(films, key=lambda one: (one.codec_context.width * one.codec_context.height, -one.index))
        if not chosen.codec_context.width:
            raise CameraError(f"cam = {self.name!r}: is not a video that FFmpeg can read")
        if len(streams) > 1:
            # of the container as it is open now
            number = [one.index for one in self._container.streams.video].index(chosen.index) + 1
            context = chosen.codec_context
            size = f"{context.width}x{context.height}"
            log.info(
                "%s: of %d video streams number %d is read: %s, %s",
                self.name, len(streams), number, context.name, size,
            )  # fmt: skip
        return chosen

    def _moving(self, films: list[VideoStream]) -> list[VideoStream]:
        """Those of them that have more than one picture, found out by reading where the file does not say."""
        if all(film.frames for film in films):
            return films
        counts = dict.fromkeys((film.index for film in films), 0)
        with suppress(av.error.FFmpegError):
            for _, packet in zip(range(PROBED_PACKETS), self._container.demux(films), strict=False):
                counts[packet.stream_index] += packet.size > 0
                if min(counts.values()) > 1:
                    break
        self._container.close()
        self._container = self._open()
        again = [film for film in self._container.streams.video if film.index in counts]
        return [film for film in again if counts[film.index] > 1] or again

    def _read(self) -> Iterator[AvPacket[VideoStream]]:
        """All packets of the stream; goes on after what is damaged, until nothing comes any more."""
        streams = list(self._container.streams) if self._joinable else [self.stream]
        errors = 0
        while True:
            try:
                for packet in self._container.demux(streams):
                    errors = 0
                    if packet.size and packet.stream_index == self.stream.index:
                        yield cast("AvPacket[VideoStream]", packet)
                    elif packet.dts is not None and packet.stream_index != self.stream.index:
                        self._hear(float(packet.dts * packet.time_base))
                return
            except av.error.FFmpegError as error:
                errors += 1
                if isinstance(error, OSError):
                    raise CameraError(f"{self.name}: cannot be read any further: {error.strerror}") from None
                if errors > READ_ERRORS:
                    return

    def _hear(self, time: float) -> None:
        time -= self._zero
        if self._sound is not None and 0 <= time - self._sound[1] <= SOUND_STEP_S:
            self._sound = self._sound[0], time
        elif self._sound is None or abs(time - self._sound[1]) > SOUND_STEP_S:
            self._sound = time, time

    def _believes(self, told: float, time: float) -> bool:
        """Whether a leap is a pause: in a joined stream only if something else went on meanwhile."""
        if self._joinable:
            sound = self._sound
            return sound is not None and sound[0] <= told + SOUND_STEP_S and time - sound[1] <= SOUND_STEP_S
        seconds = self._promise.seconds
        return seconds is None or time <= seconds + LATER_THAN_PROMISED_S

    def _seconds(self, ticks: int | None) -> float | None:
        return None if ticks is None else float(ticks * self._base) - self._zero


def _rate(stream: VideoStream) -> float:
    """Frames per second as the stream itself says, then as the container does, where that can be."""
    bare = stream.start_time is None and stream.duration is None
    claims = (stream.codec_context.framerate if bare else None, stream.average_rate, stream.guessed_rate)
    for claim in claims:
        if claim and PLAUSIBLE_FPS[0] <= claim <= PLAUSIBLE_FPS[1]:
            return float(claim)
    return DEFAULT_FPS


def _coded(packet: AvPacket[VideoStream], step: Step) -> Coded:
    data = np.frombuffer(bytes(packet), np.uint8)[None]
    return Coded(data, packet.is_keyframe, step.decoded, step.shown)
