"""Opens a video file, and chooses the stream that is the film.

Files are read through PyAV. OpenCV takes whatever stream comes first, says False for an error as for the
end, and does not tell the time of what it skips.
"""

import logging
from contextlib import ExitStack, nullcontext, suppress
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from threading import Event

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from pynvr.errors import CameraError
from pynvr.media.ffmpeg import complaints
from pynvr.media.opencv import plausible_fps
from pynvr.redaction import without_password
from pynvr.sources.base import SourceStatus
from pynvr.sources.films.place import check_file
from pynvr.sources.stoppable import unless_stopped

log = logging.getLogger(__name__)

NETWORK_TIMEOUTS_S = (10.0, 30.0)
"""For opening a film on a server, and for reading more of it."""
LOWEST_FPS = 0.00025
"""A film may have been made of one picture an hour."""
NO_VIDEO_FORMATS = ("image2", "tty", "lavfi", "ffmetadata")
"""FFmpeg makes moving pictures of these, too: pictures, and text as on a terminal."""
ATTACHED = 0x0400 | 0x0800
"""AV_DISPOSITION_ATTACHED_PIC and TIMED_THUMBNAILS: pictures beside the film."""
PROBED_PACKETS = 2000
"""Packets that are read to find out which of several streams is a film, if the container does not say."""


class Film:
    """One video stream of one file: what the sources of its pictures and of its packets have in common."""

    live = False
    lag_s = 0.0

    def __init__(self, place: Path | str, stop: Event) -> None:
        """Open a file or the address of a film.

        Raises CameraError, with the reason, if it is none, and StoppedError.
        """
        self.name = str(place) if isinstance(place, Path) else without_password(place)
        self._timeout_s = None if isinstance(place, Path) else NETWORK_TIMEOUTS_S
        self._stop = stop
        unless_stopped(stop, lambda: self._begin(place))
        stream, context = self._stream, self._stream.codec_context
        bare = stream.start_time is None and stream.duration is None
        claims = (context.framerate if bare else None, stream.average_rate, stream.guessed_rate)
        context.thread_count = 1  # the recorder's other threads have work too
        self.nominal_fps = plausible_fps(*claims, lowest=LOWEST_FPS)
        self._codec_name = str(context.codec.canonical_name)
        """FFmpeg's name of the codec: h264, hevc, mjpeg."""
        self._started = datetime.now(timezone.utc)

    def status(self) -> SourceStatus | None:
        return None

    def _begin(self, place: Path | str) -> None:
        with ExitStack() as stack, complaints() as said:
            if isinstance(place, Path):
                check_file(place)
                self._address = f"file:{place.absolute()}"  # a name like 10:00.mp4 is no protocol
            else:
                from pynvr.sources.web import fetched  # which few need

                file = fetched(place, NETWORK_TIMEOUTS_S[0])
                self._address = place if file is None else f"/proc/self/fd/{file.fileno()}"
                stack.enter_context(file or nullcontext())
            self._container = stack.enter_context(self._open())
            self._stream = self._choose(self._container)
            self._opened = stack.pop_all()
        self._opened_with_complaints = bool(said)
        """Whether FFmpeg found something wrong at the beginning of the file."""

    def _open(self) -> InputContainer:
        try:
            return av.open(
                self._address,
                metadata_errors="replace",
                timeout=self._timeout_s,
                container_options={"http_proxy": "none"},
            )
        except (av.error.FFmpegError, ValueError) as error:
            log.debug("%s: %r", self.name, error)
            raise CameraError(f"cam = {self.name!r}: is not a video that FFmpeg can read") from None

    def _choose(self, container: InputContainer) -> VideoStream:
        name = container.format.name
        if name in NO_VIDEO_FORMATS or name.endswith("_pipe"):
            raise CameraError(f"cam = {self.name!r}: is a picture or text ({name}), not a video")
        streams = container.streams.video
        unattached = [one for one in streams if not one.disposition.value & ATTACHED]
        films = [one for one in unattached if one.frames != 1]
        if not films and len(streams) == 1:
            films = unattached  # a film of one picture
        if not films:
            what = "nothing but a picture beside the sound" if streams else "no video in it"
            raise CameraError(f"cam = {self.name!r}: there is {what}")
        if not all(film.frames for film in films) and len(films) > 1:
            films = self._moving(films)
        # those of a codec that FFmpeg does not know have no context
        sized = [one for one in films if one.codec_context is not None and one.codec_context.width]
        if not sized:
            raise CameraError(f"cam = {self.name!r}: is not a video that FFmpeg can read")
        chosen = max(sized, key=lambda one: (one.codec_context.width * one.codec_context.height, -one.index))
        context = chosen.codec_context
        if len(streams) > 1:
            log.info(
                "%s: of %d video streams number %d is read: %s, %dx%d", self.name, len(streams),
                streams.index(chosen) + 1, context.name, context.width, context.height,
            )  # fmt: skip
        return chosen

    def _moving(self, films: list[VideoStream]) -> list[VideoStream]:
        """The films with more than one picture, as their packets tell where the container does not."""
        counts = dict.fromkeys((film.index for film in films), 0)
        with suppress(av.error.FFmpegError), self._open() as other:
            packets = other.demux([other.streams[index] for index in counts])
            for packet in islice(packets, PROBED_PACKETS):
                counts[packet.stream_index] += packet.size > 0
                if min(counts.values()) > 1:
                    break
        return [film for film in films if counts[film.index] > 1] or films
