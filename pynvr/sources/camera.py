"""Live cameras, local and over the network, as sources of frames."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.errors import CameraError
from pynvr.media.frame import Frame, Gap, Gray, Image
from pynvr.redaction import without_password
from pynvr.sources.burst import Reading
from pynvr.sources.clock import SMALLEST_STEP_S, StreamClock
from pynvr.sources.file import as_bgr, claimed_fps
from pynvr.sources.reader import AT_ONCE, DEFAULT_TIMEOUTS, LiveReader, ReadAhead, Timeouts
from pynvr.sources.snapshots import Snapshots

# Read by OpenCV once, at its first use. Without the first, one camera that is slow to open blocks all
# others. The second replaces OpenCV's own options, of which TCP is the one that matters. Without
# fpsprobesize FFmpeg would watch some 20 frames to find out the rate, which takes 3 s at 10 frames/s.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|fpsprobesize;0")

NO_TIME = -(2.0**63)
"""FFmpeg's time of a picture that has no time (AV_NOPTS_VALUE)."""


Reduce: TypeAlias = Callable[[Image], Gray]
"""Makes the picture that is needed from another one, in memory of its own."""

A_FEW = ReadAhead(0.3, 5 * 1024 * 1024)
"""What a recorder lets gather. It reads large pictures one by one: they need the memory."""


class Seen(NamedTuple):
    """A picture, or only the reduced one."""

    image: Image | Gray
    shape: tuple[int, ...]
    """Of the whole picture."""
    jpeg: NDArray[np.uint8] | None = None
    """The whole picture as JPEG, if one is wanted."""


class LiveSource(LiveReader[Frame, Seen]):
    """A local or network camera. It cannot wait: frames come until it is told to stop."""

    frame_count: int | None = None

    def __init__(
        self,
        cam: str,
        stop: threading.Event,
        limit_bytes: int,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        fit_inside: tuple[int, int] | None = None,
        read_ahead: ReadAhead = AT_ONCE,
        reduce: Reduce | None = None,
    ) -> None:
        """Start to read `cam`: a number, a device or a URL. At most `limit_bytes` of frames wait.

        With `reduce` a frame holds the picture that `reduce` returns, and sometimes the whole one beside it.
        """
        self.snapshots = snapshots = Snapshots()

        def connect() -> PictureConnection:
            return PictureConnection(cam, timeouts, fit_inside, reduce, snapshots)

        super().__init__(without_password(cam), stop, limit_bytes, timeouts, connect, read_ahead)

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield frames, and a gap when the camera is lost, until it is stopped and the queue is empty."""
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | Gap | None:
        with self._changed:
            while not self._queue:
                if self._stop.is_set() or not self._reader.is_alive():
                    self._over = True
                    return None
                self._changed.wait(0.1)  # the stop event does not notify this condition
            return self._pop()


class PictureConnection:
    """A connected camera whose pictures are decoded."""

    def __init__(
        self,
        cam: str,
        timeouts: Timeouts,
        fit_inside: tuple[int, int] | None,
        reduce: Reduce | None,
        snapshots: Snapshots,
    ) -> None:
        """Open the camera; raises CameraError."""
        self._snapshots = snapshots
        self._cam = cam
        self._name = without_password(cam)
        self._fit_inside = fit_inside
        self._reduce = reduce
        self._whole: Image | None = None
        """Memory for the next picture, used again and again if only reduced pictures are kept."""
        self._capture = open_camera(cam, timeouts)
        self.nominal_fps = claimed_fps(self._capture)
        self._clock = StreamClock() if "://" in cam else None
        self._first = True
        self._last = 0.0
        self._shape: tuple[int, ...] | None = None

    @property
    def lag_s(self) -> float:
        """As `Source.lag_s`; 0 for a camera without times of its own."""
        return self._clock.lag_s if self._clock is not None else 0.0

    def read(self) -> Reading[Seen] | None:
        """Wait for a picture and decode it."""
        received, picture = self._capture.read(self._whole)
        if not received:
            return None
        image = as_bgr(cast(Image, picture), self._fit_inside)
        if self._first and self._clock is not None and not sends_times(self._cam, self._capture):
            self._clock = None
        self._first = False
        stream_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._clock is not None else None
        seen = Seen(image, image.shape)
        if self._reduce is not None:
            time_s = time.monotonic() if stream_s is None else stream_s
            seen = Seen(self._reduce(image), image.shape, self._snapshots.of(image, time_s))
            self._whole = cast(Image, picture)
        return Reading(seen, image.nbytes, stream_s)

    def make(self, got: Reading[Seen], arrival: float, index: int) -> Iterable[Frame | Gap]:
        """The picture as a frame, with a gap before it if its size has changed."""
        image, shape, jpeg = got.content
        if self._shape not in (None, shape):
            yield Gap(f"camera {self._name}: the picture's size changed")
        self._shape = shape
        if self._clock is not None and got.stream_s is not None:
            self._last = self._clock.place(got.stream_s, arrival)
        else:
            self._last = max(arrival, self._last + SMALLEST_STEP_S)
        utc = datetime.now(timezone.utc) - timedelta(seconds=time.monotonic() - self._last)
        yield Frame(image, self._last, utc, index, jpeg=jpeg)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


def sends_times(cam: str, capture: cv2.VideoCapture) -> bool:
    """Whether a network camera sends times; called once, after the first read.

    A series of JPEGs over HTTP has no times. FFmpeg then counts 25 of them a second, whatever the
    camera's rate is. RTP always has times, though not always for the first picture.
    """
    return cam.lower().startswith("rtsp") or capture.get(cv2.CAP_PROP_PTS) != NO_TIME


def open_camera(cam: str, timeouts: Timeouts, *options: int) -> cv2.VideoCapture:
    """Open a local or network camera within the timeout; raises CameraError.

    `options` are further pairs of OpenCV's property and value for a network camera.
    """
    if "://" in cam:
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(timeouts.open_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(timeouts.read_s * 1000),
        ]
        capture = cv2.VideoCapture(cam, cv2.CAP_FFMPEG, [*limits, cv2.CAP_PROP_N_THREADS, 1, *options])
    else:
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(timeouts.read_s))))
        capture = cv2.VideoCapture(int(cam)) if cam.isdecimal() else cv2.VideoCapture(cam, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f"camera {without_password(cam)}: cannot be opened (setting cam)")
    return capture
