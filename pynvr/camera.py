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
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import cast

import cv2

from pynvr.clock import SMALLEST_STEP_S, StreamClock
from pynvr.errors import CameraError
from pynvr.frame import Frame, Gap, Image
from pynvr.redaction import without_password
from pynvr.source import DEFAULT_FPS, as_bgr, claimed_fps

log = logging.getLogger(__name__)

READER_NAME = "camera"
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
JITTER = 0.2
"""Share of a pause that chance takes off, so that twenty cameras do not all come back at once."""
SHORTEST_PERIOD_S = 0.02
"""Some streams give two frames the same time; what comes faster than this has been waiting."""
REPEAT_S = 60.0
"""A camera that stays away is mentioned so often."""
LETTING_GO_S = 2.0
"""How long a stop waits for a reader that sits in OpenCV; nothing of what it would get is wanted."""

# Read by OpenCV once, at its first use. Without the first, one camera that is slow to open blocks all
# others. The second replaces OpenCV's own options, of which TCP is the one that matters. Without
# fpsprobesize FFmpeg would watch some 20 frames to find out the rate, which takes 3 s at 10 frames/s.
os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|fpsprobesize;0")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera may take, in seconds; whatever takes longer counts as lost."""

    open_s: float = 5.0
    read_s: float = 5.0


class LiveSource:
    """A camera that cannot wait: frames come when they come, until it is told to stop."""

    live = True
    frame_count: int | None = None

    def __init__(
        self,
        cam: str,
        stop: threading.Event,
        limit_bytes: int,
        patience: Patience = Patience(),
        fit_inside: tuple[int, int] | None = None,
    ) -> None:
        """Start to read `cam`: a number, a device or a URL; at most `limit_bytes` of frames wait."""
        self.name = without_password(cam)
        self.nominal_fps = DEFAULT_FPS
        self.connected = False
        self.connections = 0
        """How often the camera was found."""
        self.received = self.dropped = 0
        """Frames that came, and those of them that found the queue full."""
        self._cam = cam
        self._stop = stop
        self._limit_bytes = limit_bytes
        self._patience = patience
        self._fit_inside = fit_inside
        self._queue: deque[Frame | Gap] = deque()
        self._bytes = 0
        self._over = False
        """Nobody asks for frames any more: what comes now is neither received nor missing."""
        self._changed = threading.Condition()
        """Guards the three above; notified when something was added or the reader ended."""
        self.heartbeat = time.monotonic()
        """When the reader last came by; it does even while the camera is away."""
        self._lost_at: float | None = None
        self._mentioned_at = 0.0
        self._reader = threading.Thread(target=self._read_until_stopped, name=READER_NAME, daemon=True)
        self._reader.start()

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield frames, and a gap as soon as the camera is lost, until stopped and the queue is empty."""
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Have the reader let go of the camera, and wait a little for that."""
        self._stop.set()
        self._reader.join(LETTING_GO_S)

    @property
    def longest_silence_s(self) -> float:
        """The reader's heart beats at least so often unless OpenCV ignores its timeouts."""
        return max(self._patience.open_s, self._patience.read_s) + LONGEST_PAUSE_S

    @property
    def stuck(self) -> bool:
        """Whether the reader still sits in OpenCV after a stop; the process must not end normally then."""
        return self._stop.is_set() and self._reader.is_alive()

    def _next(self) -> Frame | Gap | None:
        with self._changed:
            while not self._queue:
                if self._stop.is_set() or not self._reader.is_alive():
                    self._over = True
                    return None
                self._changed.wait(0.1)  # a stop is an event of its own, which does not notify
            frame = self._queue.popleft()
            if isinstance(frame, Frame):
                self._bytes -= frame.nbytes
            return frame

    # --- on the reader's thread -----------------------------------------------------------------

    def _read_until_stopped(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            received = self.received
            self.heartbeat = time.monotonic()
            try:
                self._read_connection()
            except CameraError as error:
                if self.received > received:
                    pause_s = FIRST_PAUSE_S
                    self._put(Gap(str(error)))
                self._lose(error)
            except Exception:  # a bug must not end the watch
                log.exception("camera %s: reading failed", self.name)
                self._put(Gap("reading failed"))
            finally:
                self.connected = False
            self._stop.wait(pause_s * random.uniform(1 - JITTER, 1))
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _read_connection(self) -> None:
        """Read frames until stopped; raises CameraError when the camera is not there or no more."""
        capture = open_camera(self._cam, self._patience)
        try:
            self.nominal_fps = claimed_fps(capture)
            pictures = self._timed_by_stream if "://" in self._cam else self._timed_by_arrival
            size = None
            for picture, time_s in pictures(capture):
                if size is None:
                    self._find()
                image = as_bgr(picture, self._fit_inside)
                if size not in (None, image.shape):
                    self._put(Gap(f"camera {self.name}: the picture's size changed"))
                size = image.shape
                utc = datetime.now(timezone.utc) - timedelta(seconds=time.monotonic() - time_s)
                self._put(Frame(image, time_s, utc, self.received))
        finally:
            capture.release()

    def _read(self, capture: cv2.VideoCapture) -> tuple[Image, float, float]:
        """Read a picture; return it, when it came, and how long that took. Raises CameraError."""
        asked = time.monotonic()
        received, picture = capture.read()
        self.heartbeat = arrival = time.monotonic()
        # after a stall the decoder hands out old pictures and says that all is well
        if not received or arrival - asked > 0.9 * self._patience.read_s:
            raise CameraError(f"camera {self.name}: lost after {arrival - asked:.1f} s of silence")
        return cast(Image, picture), arrival, arrival - asked

    def _timed_by_arrival(self, capture: cv2.VideoCapture) -> Iterator[tuple[Image, float]]:
        """Pictures of a camera that has no time of its own."""
        last = 0.0
        while not self._stop.is_set():
            picture, arrival, _ = self._read(capture)
            last = max(arrival, last + SMALLEST_STEP_S)
            yield picture, last

    def _timed_by_stream(self, capture: cv2.VideoCapture) -> Iterator[tuple[Image, float]]:
        """Pictures at the stream's own times.

        What the camera sent while it was being opened, up to a second and more, comes in a burst. It
        is held back until a read has to wait: that picture is live, and tells where the others belong.
        """
        clock, live, previous_s = StreamClock(), False, 0.0
        burst: list[tuple[Image, float]] = []
        lost: CameraError | None = None
        while lost is None and not self._stop.is_set():
            try:
                picture, arrival, waited_s = self._read(capture)
                stream_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                burst.append((picture, stream_s))
                full = len(burst) * picture.nbytes > self._limit_bytes // 2
                live = live or full or waited_s > max(stream_s - previous_s, SHORTEST_PERIOD_S) / 2
                previous_s = stream_s
            except CameraError as error:
                lost = error
            if live or lost is not None:
                for picture, at_s in burst:
                    yield picture, clock.place(at_s, arrival - (stream_s - at_s))
                burst.clear()
        if lost is not None:
            raise lost

    def _put(self, frame: Frame | Gap) -> None:
        with self._changed:
            if self._over:
                return
            if isinstance(frame, Frame):
                self.received += 1
                if self._bytes and self._bytes + frame.nbytes > self._limit_bytes:
                    self._drop()
                    return
                self._bytes += frame.nbytes
            self._queue.append(frame)
            self._changed.notify()

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1 or self._due_again():
            self._mentioned_at = time.monotonic()
            log.warning(
                "camera %s: motion detection is too slow, %d frames dropped so far "
                "(CAMERA_QUEUE_LIMIT_MB bounds the queue)",
                self.name,
                self.dropped,
            )

    def _lose(self, error: CameraError) -> None:
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = self._mentioned_at = now
            log.error("%s; trying again", error)
        elif self._due_again():
            self._mentioned_at = now
            log.error("camera %s: still away, for %.0f s now", self.name, now - self._lost_at)

    def _find(self) -> None:
        self.connected = True
        self.connections += 1
        away = "" if self._lost_at is None else f", was away for {time.monotonic() - self._lost_at:.1f} s"
        self._lost_at = None
        log.info("camera %s: connected%s", self.name, away)

    def _due_again(self) -> bool:
        return time.monotonic() - self._mentioned_at >= REPEAT_S


def open_camera(cam: str, patience: Patience) -> cv2.VideoCapture:
    """Open a local or network camera within the timeout; raises CameraError."""
    if "://" in cam:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(patience.open_s * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(patience.read_s * 1000),
        ]
        capture = cv2.VideoCapture(cam, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1])
    else:
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(max(1, round(patience.read_s))))
        capture = cv2.VideoCapture(int(cam)) if cam.isdecimal() else cv2.VideoCapture(cam, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f"camera {without_password(cam)}: cannot be opened (setting cam)")
    return capture
