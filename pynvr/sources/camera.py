"""Live cameras, local and over the network, as sources of frames."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.errors import CameraError
from pynvr.media import codecs
from pynvr.media.frame import JPEG_QUALITY, SMALLEST_STEP_S, Frame, Gap, Gray, Image
from pynvr.media.opencv import as_bgr, fourcc_of, plausible_fps
from pynvr.sources.address import is_rtsp
from pynvr.sources.connection import Connection
from pynvr.sources.freeze import Freeze
from pynvr.sources.item_queue import ItemQueue
from pynvr.sources.opening import DEFAULT_TIMEOUTS, Opener, Timeouts
from pynvr.sources.reader import AT_ONCE, LiveReader, ReadAhead
from pynvr.sources.times.burst import Reading

NO_TIME = -(2.0**63)
"""FFmpeg's time of a picture that has no time (AV_NOPTS_VALUE)."""
NO_FORMAT = -1
"""OpenCV's pixel format where it has no decoder, or no picture yet."""
FORM = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_CODEC_PIXEL_FORMAT)
"""What OpenCV takes from a connection's first picture, and expects of all others."""

Reduce: TypeAlias = Callable[[Image], Gray]
"""Makes the grey picture that the detector needs, in memory of its own."""

A_FEW = ReadAhead(0.3, 5 * 1024 * 1024)
"""How much a recorder lets gather. It reads large pictures one by one, to save memory."""

SNAPSHOT_S = 0.2
"""How often a whole picture is kept during an event: a person walks half a step meanwhile."""
SLOWING_S, LATER_S = 0.05, 1.0
"""A picture adds less the longer an event lasts: each lengthens the pause by the first, up to the second."""
PX_A_SECOND = 10_000_000
"""Large pictures are kept less often: encoding as many pixels takes about 25 ms."""


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
        size: tuple[int, int] | None = None,
    ) -> None:
        """Start to read `cam`: a number, a device or a URL. At most `limit_bytes` of frames wait.

        A local camera is asked for pictures of this `size`, (width, height).
        With `reduce` a frame holds what `reduce` returns, and now and then the whole picture as JPEG.
        """
        self.snapshots = snapshots = Snapshots()
        opener, freeze = Opener(cam, timeouts, size), Freeze()
        super().__init__(
            opener,
            stop,
            [ItemQueue(limit_bytes)],
            lambda: PictureConnection(opener, stop, fit_inside, reduce, snapshots, freeze),
            read_ahead,
        )

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield frames, and a gap as soon as the camera is lost, until stopped and the queue is empty.

        Raises UnfitCameraError for what will never be a stream.
        """
        while (frame := self._queue.take(lambda: self.over)) is not None:
            yield frame


class PictureConnection(Connection[Frame, Seen]):
    """A connected camera whose pictures are decoded."""

    def __init__(
        self,
        opener: Opener,
        stop: threading.Event,
        fit_inside: tuple[int, int] | None,
        reduce: Reduce | None,
        snapshots: Snapshots,
        freeze: Freeze,
    ) -> None:
        """Open the camera; raises CameraError."""
        self._capture = opener.open()
        super().__init__(opener, stop)
        self.nominal_fps = plausible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self._snapshots = snapshots
        self._freeze = freeze
        self._opener = opener
        self._fit_inside = fit_inside
        self._reduce = reduce
        self._whole: Image | None = None
        """Memory for the next picture, used again if only reduced ones are kept."""
        self._time = StreamTime(opener.cam, self._capture)
        self._shape: tuple[int, ...] | None = None
        self._last_s = -math.inf

    def read(self) -> Reading[Seen] | None:
        """As `Connection.read`; raises CameraError if OpenCV has no decoder for what comes first."""
        reading = super().read()
        if reading is None and self._shape is None and not self._opener.local:
            (width, _, form), codec = map(self._capture.get, FORM), fourcc_of(self._capture)
            if width and form == NO_FORMAT and codec.lower() not in codecs.CODECS:
                raise CameraError(
                    f"camera {self._name}: sends {codec}, which this OpenCV cannot decode; let it send "
                    "H.264, H.265 or MJPEG"
                )
        return reading

    def _receive(self) -> Reading[Seen] | None:
        """Read a picture; raises CameraError if OpenCV returns an old one again and again."""
        try:
            received, picture = self._capture.read(self._whole)
        except cv2.error:  # so a USB camera's empty JPEG ends
            return None
        if not received:
            return None
        whole = cast(Image, picture)
        if not self._opener.local and self._freeze.sees(whole, time.monotonic()) and self._has_another_form():
            raise CameraError(f"camera {self._name}: its pictures have another size or colour format now")
        image = as_bgr(whole, self._fit_inside)
        seen = Seen(image, image.shape)
        if self._reduce is not None:
            jpeg = self._snapshots.of(image.shape, lambda: image, time.monotonic())
            seen = Seen(self._reduce(image), image.shape, jpeg)
            self._whole = whole
        return Reading(seen, image.nbytes, self._time.latest_s())

    def _has_another_form(self) -> bool:
        """Ask over a second connection, while pictures wait in this one; True if there is no second one."""
        try:
            other = self._opener.open()
        except CameraError:
            return True
        same = all(other.get(what) == self._capture.get(what) for what in FORM)
        other.release()
        return not same

    def make(self, got: Reading[Seen], arrival: float, index: int) -> Iterable[Frame | Gap]:
        """The picture as a frame, with a gap before it if its size has changed."""
        image, shape, jpeg = got.content
        if self._shape not in (None, shape):
            yield Gap(f"camera {self._name}: the picture's size changed")
        self._shape = shape
        self._last_s = max(self._clock.place(got.stream_s, arrival), self._last_s + SMALLEST_STEP_S)
        yield Frame(image, self._last_s, self._utc(self._last_s), index, jpeg=jpeg)

    def close(self) -> None:
        self._capture.release()


class StreamTime:
    """Asks OpenCV for the times that a camera sends."""

    def __init__(self, cam: str, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._sent = True if is_rtsp(cam) else None if "://" in cam else False
        """Whether it sends any; None: not yet known. Local cameras send none."""

    def latest_s(self) -> float | None:
        """When the latest picture or packet is shown, in the stream's own seconds; None without times.

        A series of JPEGs over HTTP has no times. FFmpeg then counts 25 of them a second, whatever the
        camera's rate is. RTP always has times, though not always for the first picture.
        """
        if self._sent is None:
            self._sent = self._capture.get(cv2.CAP_PROP_PTS) != NO_TIME
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._sent else None


class Snapshots:
    """Makes JPEGs of whole pictures, now and then, while otherwise only reduced pictures are kept.

    It works on the reader's thread; any other may say how often.
    """

    def __init__(self) -> None:
        self._every_s: float | None = None
        self._taken = 0
        self._last_s = -math.inf

    def want(self, every_s: float | None) -> None:
        """From now on take one every `every_s` seconds, and less often as it goes on; None: take none."""
        self._every_s, self._taken = every_s, 0

    def of(
        self, shape: tuple[int, ...], image: Callable[[], Image], time_s: float
    ) -> NDArray[np.uint8] | None:
        """The picture of this shape as JPEG if one is due, else None; `time_s` is monotonic."""
        every_s = self._every_s
        if every_s is None:
            return None
        later_s = min(LATER_S, self._taken * SLOWING_S)
        pause_s = max(every_s, later_s, shape[0] * shape[1] / PX_A_SECOND)
        if time_s - self._last_s < pause_s:
            return None
        self._last_s = time_s
        self._taken += 1
        return cv2.imencode(".jpg", image(), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
