"""Live cameras, local and over the network, as sources of frames."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from typing import cast

import cv2

from pynvr.clock import SMALLEST_STEP_S, StreamClock
from pynvr.errors import CameraError
from pynvr.frame import Frame, Gap, Image
from pynvr.live import DEFAULT_PATIENCE, LiveReader, Patience
from pynvr.redaction import without_password
from pynvr.source import as_bgr, claimed_fps

# Read by OpenCV once, at its first use. Without the first, one camera that is slow to open blocks all
# others. The second replaces OpenCV's own options, of which TCP is the one that matters.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")


class LiveSource(LiveReader[Frame]):
    """A camera that cannot wait: frames come when they come, until it is told to stop."""

    frame_count: int | None = None

    def __init__(
        self,
        cam: str,
        stop: threading.Event,
        limit_bytes: int,
        patience: Patience = DEFAULT_PATIENCE,
        fit_inside: tuple[int, int] | None = None,
    ) -> None:
        """Start to read `cam`: a number, a device or a URL; at most `limit_bytes` of frames wait."""

        def connect() -> PictureConnection:
            return PictureConnection(cam, patience, fit_inside)

        super().__init__(without_password(cam), stop, limit_bytes, patience, connect)

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield frames, and a gap as soon as the camera is lost, until stopped and the queue is empty."""
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | Gap | None:
        with self._changed:
            while not self._queue:
                if self._stop.is_set() or not self._reader.is_alive():
                    self._over = True
                    return None
                self._changed.wait(0.1)  # a stop is an event of its own, which does not notify
            return self._pop()


class PictureConnection:
    """A connected camera whose pictures are decoded."""

    def __init__(self, cam: str, patience: Patience, fit_inside: tuple[int, int] | None) -> None:
        """Open the camera; raises CameraError."""
        self._name = without_password(cam)
        self._fit_inside = fit_inside
        self._capture = open_camera(cam, patience)
        self.nominal_fps = claimed_fps(self._capture)
        self._clock = StreamClock() if "://" in cam else None
        self._picture: object = None
        self._last: float | None = None
        self._shape: tuple[int, ...] | None = None

    @property
    def lag_s(self) -> float:
        """0 for a camera without times of its own."""
        return self._clock.lag_s if self._clock is not None else 0.0

    def wait(self) -> bool:
        """Wait for a picture and decode it."""
        received, self._picture = self._capture.read()
        return received

    def take(self, arrival: float, index: int) -> Iterable[Frame | Gap]:
        """The picture as a frame; a gap before it where its size has changed."""
        utc = datetime.now(timezone.utc)
        image = as_bgr(cast(Image, self._picture), self._fit_inside)
        if self._shape not in (None, image.shape):
            yield Gap(f"camera {self._name}: the picture's size changed")
        self._shape = image.shape
        if self._clock is not None:
            self._last = self._clock.place(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, arrival)
        else:
            self._last = arrival if self._last is None else max(arrival, self._last + SMALLEST_STEP_S)
        yield Frame(image, self._last, utc - timedelta(seconds=arrival - self._last), index)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


def open_camera(cam: str, patience: Patience, *options: int) -> cv2.VideoCapture:
    """Open a local or network camera within the timeout; raises CameraError.

    `options` are further pairs of OpenCV's property and value for a network camera.
    """
    if "://" in cam:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(patience.open_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(patience.read_s * 1000),
        ]
        capture = cv2.VideoCapture(cam, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1, *options])
    else:
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(patience.read_s))))
        capture = cv2.VideoCapture(int(cam)) if cam.isdecimal() else cv2.VideoCapture(cam, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f"camera {without_password(cam)}: cannot be opened (setting cam)")
    return capture
