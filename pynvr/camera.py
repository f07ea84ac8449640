"""Live cameras, local and over the network: always read, found again when they are lost.

One reader thread owns the capture: it alone opens, reads and releases it (a release
during a read would crash the process). It always reads, because what is not read
is not lost but late. A queue bounded in bytes lies between it and the loop.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import cast

import cv2

from pynvr.clock import SMALLEST_STEP_S, StreamClock
from pynvr.errors import CameraError
from pynvr.frame import Frame, Gap, Image
from pynvr.redaction import without_password
from pynvr.source import DEFAULT_FPS, as_bgr, claimed_fps

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 5.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0

# Read by OpenCV once, at its first use. Without the first, one camera that is slow to open blocks all
# others. The second replaces OpenCV's own options, of which TCP is the one that matters.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(round(READ_TIMEOUT_S)))


class LiveSource:
    """A camera that cannot wait: frames come when they come, until it is told to stop."""

    live = True
    frame_count: int | None = None

    def __init__(
        self, cam: str, stop: threading.Event, limit_bytes: int, fit_inside: tuple[int, int] | None = None
    ) -> None:
        """Start to read `cam`: a number, a device or a URL; at most `limit_bytes` of frames wait."""
        self.name = without_password(cam)
        self.nominal_fps = DEFAULT_FPS
        self.dropped = 0
        """Frames that found the queue full."""
        self._cam = cam
        self._stop = stop
        self._limit_bytes = limit_bytes
        self._fit_inside = fit_inside
        self._queue: deque[Frame | Gap] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = threading.Condition()
        """Guards the three above; notified when something was added or the reader ended."""
        self._index = 0
        self._reader = threading.Thread(target=self._read_until_stopped, name="camera", daemon=True)
        self._reader.start()

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield frames, and a gap as soon as the camera is lost, until stopped and the queue is empty."""
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Wait for the reader to let go of the camera; it may have to sit out a timeout."""
        self._stop.set()
        self._reader.join(max(OPEN_TIMEOUT_S, READ_TIMEOUT_S) + 1)

    def _next(self) -> Frame | Gap | None:
        with self._changed:
            while not self._queue:
                if self._ended or self._stop.is_set():
                    return None
                self._changed.wait(0.1)  # a stop is an event of its own, which does not notify
            frame = self._queue.popleft()
            if isinstance(frame, Frame):
                self._bytes -= frame.nbytes
            return frame

    def _put(self, frame: Frame | Gap) -> None:
        with self._changed:
            if isinstance(frame, Frame):
                if self._bytes and self._bytes + frame.nbytes > self._limit_bytes:
                    self.dropped += 1
                    return
                self._bytes += frame.nbytes
            self._queue.append(frame)
            self._changed.notify()

    # --- on the reader's thread -----------------------------------------------------------------

    def _read_until_stopped(self) -> None:
        pause_s, lost_since = FIRST_PAUSE_S, None
        try:
            while not self._stop.is_set():
                before = self._index
                try:
                    self._read_connection(lost_since)
                    return
                except CameraError as error:
                    if self._index > before:  # it had been there: start over
                        pause_s, lost_since = FIRST_PAUSE_S, None
                        self._put(Gap(str(error)))
                    if lost_since is None:
                        lost_since = time.monotonic()
                        log.error("%s; trying again", error)
                self._stop.wait(pause_s * random.uniform(0.8, 1.2))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _read_connection(self, lost_since: float | None) -> None:
        """Read frames until stopped; raises CameraError when the camera is not there or no more."""
        capture = open_camera(self._cam)
        try:
            self.nominal_fps = claimed_fps(capture)
            clock = StreamClock() if "://" in self._cam else None
            last = size = None
            while not self._stop.is_set():
                asked = time.monotonic()
                received, picture = capture.read()
                arrival = time.monotonic()
                # after a stall the decoder still gives old frames and says they are new
                if not received or arrival - asked > 0.9 * READ_TIMEOUT_S:
                    raise CameraError(f"camera {self.name}: lost")
                utc = datetime.now(timezone.utc)
                if last is None:
                    away = f", was away for {arrival - lost_since:.0f} s" if lost_since else ""
                    log.info("camera %s: connected%s", self.name, away)
                image = as_bgr(cast(Image, picture), self._fit_inside)
                if size not in (None, image.shape):
                    self._put(Gap(f"camera {self.name}: the picture's size changed"))
                size = image.shape
                if clock is None:
                    last = arrival if last is None else max(arrival, last + SMALLEST_STEP_S)
                else:
                    last = clock.place(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, arrival)
                self._put(Frame(image, last, utc - timedelta(seconds=arrival - last), self._index))
                self._index += 1
        finally:
            capture.release()


def open_camera(cam: str) -> cv2.VideoCapture:
    """Open a local or network camera within the timeout; raises CameraError."""
    if cam.isdecimal():
        capture = cv2.VideoCapture(int(cam))
    elif "://" not in cam:
        capture = cv2.VideoCapture(cam, cv2.CAP_V4L2)
    else:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(OPEN_TIMEOUT_S * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(READ_TIMEOUT_S * 1000),
        ]
        capture = cv2.VideoCapture(cam, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise CameraError(f"camera {without_password(cam)}: cannot be opened")
    return capture
