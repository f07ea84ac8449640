"""Opens a camera with the options that suit it, and says why if that fails."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from pynvr.errors import CameraError, UnfitCameraError
from pynvr.redaction import without_password
from pynvr.sources.address import as_ffmpeg_writes, check_address, is_rtmp, is_rtsp, is_web
from pynvr.sources.device import open_device

if TYPE_CHECKING:
    from av.container import InputContainer

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
USUAL = "rtsp_transport;tcp|http_proxy;none"
"""Replaces OpenCV's own options, of which the first matters. Cameras are asked directly, as `web.py` asks."""
QUICK = f"{USUAL}|fpsprobesize;0|analyzeduration;500000"
"""Otherwise FFmpeg watches some 20 pictures to find out the rate, which takes 3 s at 10 a second, and five
seconds of a stream that does not say whether there will be sound."""
FOUND_AMONG_LINES = f"{QUICK}|input_format;mjpeg"
"""FFmpeg looks for the beginning of each picture, whatever stands between two."""
TRANSPORT = USUAL
"""FFmpeg has to watch a transport stream first, or it tells no times."""
ALL_OF_RTSP = f"{USUAL}|fpsprobesize;0"
PICTURES_OF_RTSP = f"{ALL_OF_RTSP}|allowed_media_types;video"
"""Otherwise FFmpeg waits five seconds for sound that a camera promises and does not send, and does not find
back into the stream afterwards."""
AT_FIRST_PICTURE = "|probesize;32"
AT_SECOND_PICTURE = "|fpsprobesize;1"
"""FFmpeg watches seven pictures of H.264, and twenty in a transport stream, where it has to see two. If its
time is up meanwhile, it has lost its place in the stream: times are wrong, and packets come no more."""
IS_READ_WITHIN_S = 0.1
"""OpenCV reads the variable at the beginning of each opening."""
LONGEST_HOLE_S = 30.0
"""So many pieces of a playlist may be missing in a row."""
SEGMENTS_AWAY = 3.0
"""The next piece of a stream may come only after this many times the length of a piece."""

# Read by OpenCV at its first use: without it one camera that is slow to open blocks all others.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault(OPTIONS, USUAL)
_as_found = os.environ[OPTIONS] != USUAL
_options_in_use = threading.Lock()
"""Held while the variable is not as usual."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a camera may take, in seconds. One that takes longer is lost."""

    open_s: float = 5.0
    read_s: float = 5.0


DEFAULT_TIMEOUTS = Timeouts()


class Opener:
    """Opens one camera as often as it is needed."""

    def __init__(self, cam: str, timeouts: Timeouts, size: tuple[int, int] | None = None) -> None:
        """`cam` is a number, a device or an address; raises SettingsError if it cannot be right.

        `size` is the (width, height) that a local camera is asked for.
        """
        check_address(cam)
        self.cam = as_ffmpeg_writes(cam)
        self.name = without_password(cam)
        self.timeouts = timeouts
        self.local = "://" not in cam
        """Whether it is a device of this machine."""
        self._size = size
        self.in_pieces = False
        """Whether the stream may come in pieces, as over HLS; known once it was opened."""
        self.longest_hole_s = 0.0
        """How much of the stream may be missing at once because pieces could not be fetched."""
        self.pieces_of_mp4 = False
        """Whether these are pieces of .mp4, whose packets OpenCV hands out in another form than others."""
        self.among_lines = False
        """Whether lines of text may stand before and after each JPEG."""
        self._options = PICTURES_OF_RTSP if is_rtsp(cam) else QUICK if is_rtmp(cam) else TRANSPORT
        self._known = not is_web(cam)
        self._sends_jpegs = False

    def open(self, *properties: int, in_haste: str = "") -> cv2.VideoCapture:
        """Open the camera within the timeout; raises CameraError.

        `properties` are further pairs of OpenCV's property and value for a network camera, `in_haste` further
        options for one that sends few pictures. Raises UnfitCameraError for what will never be a stream.
        """
        if self.local:
            return open_device(self.cam, self.timeouts.read_s, self._size)
        if not self._known and not in_haste:
            self._find_out()
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(self.timeouts.open_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(self.timeouts.read_s * 1000),
        ]
        parameters = [*limits, cv2.CAP_PROP_N_THREADS, 1, *properties]
        _use_for_a_moment(self._options + in_haste)
        began = time.monotonic()
        capture = cv2.VideoCapture(self.cam, cv2.CAP_FFMPEG, parameters)
        sized = capture.get(cv2.CAP_PROP_FRAME_WIDTH) > 0
        if sized and not in_haste and self._is_late(began):
            capture.release()
            return self.open(*properties, in_haste=self._haste)
        if not sized and not properties and in_haste == AT_FIRST_PICTURE:
            capture.release()  # a decoder needs the size, which this camera tells with key pictures only
        if not capture.isOpened():
            raise self._refusal(began)
        self._known = True
        return capture

    def open_container(self, in_haste: str = "", **options: str) -> InputContainer:
        """As `open`, with PyAV, which hands out sound too; `options` are further ones of FFmpeg."""
        import av  # brings 17 MB

        if not self._known and not in_haste:
            self._find_out()
        chosen = self._options.replace(PICTURES_OF_RTSP, ALL_OF_RTSP) + in_haste
        told = dict(option.split(";") for option in chosen.split("|")) | options
        if not is_rtsp(self.cam):
            del told["rtsp_transport"]
        began = time.monotonic()
        try:
            container = av.open(
                self.cam,
                format=told.pop("input_format", None),
                timeout=(self.timeouts.open_s, self.timeouts.read_s),
                container_options=told,
            )
        except (av.FFmpegError, ValueError):
            raise self._refusal(began) from None
        if container.streams.video and not in_haste and self._is_late(began):
            container.close()
            return self.open_container(self._haste, **options)
        if not container.streams.video:
            container.close()
            raise self._refusal(began)
        self._known = True
        return container

    def distrust_lengths(self) -> None:
        """From now on look for where each JPEG begins: the lengths that the server tells are wrong."""
        if self._sends_jpegs:
            self._options, self.among_lines = FOUND_AMONG_LINES, True

    def _is_late(self, began: float) -> bool:
        """Whether an opening that began then ran out of time; it is repeated, content with few pictures.

        The next one is thorough again: perhaps the camera was only starting, and one or two pictures do not
        always show in which order others come.
        """
        return time.monotonic() - began >= self.timeouts.open_s

    @property
    def _haste(self) -> str:
        return AT_SECOND_PICTURE if self._options == TRANSPORT else AT_FIRST_PICTURE

    def _refusal(self, began: float) -> CameraError:
        from pynvr.sources import diagnosis  # which only the unlucky need

        was_silent = time.monotonic() - began > 0.9 * self.timeouts.open_s
        finding = diagnosis.why_not_opened(self.cam, self.timeouts.open_s, was_silent)
        return finding.kind(f"camera {self.name}: cannot be opened: {finding.text} (setting cam)")

    def _find_out(self) -> None:
        """Ask what an HTTP address gives, which decides how it is read."""
        from pynvr.sources import diagnosis, web

        answer = web.look(self.cam, self.timeouts.open_s)
        if finding := diagnosis.of_content(answer.content):
            raise UnfitCameraError(f"camera {self.name}: {finding.text} (setting cam)")
        self._options = {
            web.Content.JPEGS: QUICK,
            web.Content.LOOSE_JPEGS: FOUND_AMONG_LINES,
            web.Content.STREAM: QUICK,
        }.get(answer.content, TRANSPORT)
        self._sends_jpegs = answer.content is web.Content.JPEGS
        self.among_lines = answer.content is web.Content.LOOSE_JPEGS
        self.in_pieces = answer.content in (web.Content.STREAM, web.Content.TRANSPORT)
        self.pieces_of_mp4 = answer.pieces_of_mp4
        if answer.segment_s is not None:
            self.longest_hole_s = LONGEST_HOLE_S
            longest_s = max(self.timeouts.read_s, SEGMENTS_AWAY * answer.segment_s)
            self.timeouts = Timeouts(max(self.timeouts.open_s, answer.segment_s), longest_s)


def _use_for_a_moment(options: str) -> None:
    """Have the next opening use these options, and later ones the usual options."""
    if _as_found:
        return

    def put_back() -> None:
        os.environ[OPTIONS] = USUAL
        _options_in_use.release()

    _options_in_use.acquire()
    os.environ[OPTIONS] = options
    threading.Timer(IS_READ_WITHIN_S, put_back).start()
