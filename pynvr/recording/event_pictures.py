"""The pictures beside a recording: its best one and a film strip, made while the event goes on.

Without an event nothing is done. During an event a frame costs a comparison. A picture that is better than
the best so far is encoded, but large ones not each time while something grows.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.detection.detector import Detection
from pynvr.media.frame import Encoding, Frame, Image
from pynvr.recording.orders import Picture

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height as fractions of the picture's width and height."""
Jpeg: TypeAlias = NDArray[np.uint8]

PX_A_FRAME = 250_000
"""So many pixels may be encoded for each frame: 1 ms. A picture n times as large may be every n frames."""
CUT_WEIGHT = 0.25
"""The share that counts of a blob which the border cuts: a whole one needs only a quarter of its size."""
STRIP_MOST = 12
STRIP_STEP_S = 0.5
STRIP_WIDTH_PX = 240
STRIP_QUALITY = 80


class EventPictures:
    """Looks at each frame of an event, and hands over pictures."""

    def __init__(
        self,
        keep: Callable[[Picture], None],
        want: Callable[[bool], None] = lambda wanted: None,
        first: Callable[[bytes], None] = lambda jpeg: None,
    ) -> None:
        """Hand pictures to `keep`, and the first one of each event to `first`, too.

        `want` is called with True when frames have to bring their whole pictures, with False when no more.
        """
        self._keep = keep
        self._want = want
        self._first = first
        self._on = self._first_due = False
        self._best = -1.0
        self._waiting: tuple[Frame, dict[str, object]] | None = None
        """The best picture and its facts, until it is encoded."""
        self._rest = 0
        """Frames until a picture may be encoded again."""
        self._strip = Strip()

    def begin(self, continues: bool = False) -> None:
        """A recording begins; `continues`: in the middle of an event."""
        self._on, self._first_due = True, not continues
        self._best, self._waiting, self._rest = -1.0, None, 0
        self._strip = Strip()
        self._want(True)

    def see(self, frame: Frame, detection: Detection, time_s: float) -> None:
        """Take a frame of the recording; `time_s` is its time on the recording's clock."""
        if not self._on or (frame.jpeg is None and frame.image.ndim == 2):
            return
        self._rest -= 1
        if self._best < 0 or (detection.motion and detection.changed_px > self._best):
            weight, box = weigh(detection)
            if weight > self._best:
                self._best = weight
                facts: dict[str, object] = {"peak_s": time_s}
                self._waiting = self._held(frame), facts | ({} if box is None else {"peak_box": box})
        if self._rest <= 0:
            self._send()
        if self._strip.due(time_s):
            self._strip.add(_small(frame), time_s)
            self._keep(Picture("strip", self._strip.jpeg(), {"strip_s": self._strip.times_s}))

    def end(self) -> None:
        if self._on:
            self._send()
            self._want(False)
        self._on, self._strip = False, Strip()

    def _held(self, frame: Frame) -> Frame:
        """The frame with its whole picture, safe to wait: the label will be drawn into the frame's own."""
        if frame.jpeg is not None:
            return replace(frame, data=frame.jpeg, encoding=Encoding.JPEG, jpeg=None)
        if self._rest <= 0:  # it does not wait
            return frame
        held = frame.encoded(Encoding.I420)
        return held.packed() if held.encoding is Encoding.BGR else held

    def _send(self) -> None:
        if self._waiting is None:
            return
        held, facts = self._waiting
        self._waiting = None
        if held.encoding is not Encoding.JPEG:
            held = replace(held, data=held.image, encoding=Encoding.BGR)
            self._rest = held.data.shape[0] * held.data.shape[1] // PX_A_FRAME
        jpeg = held.packed().data
        self._keep(Picture("picture", jpeg, facts))
        if self._first_due:
            self._first_due = False
            self._first(jpeg.tobytes())


class Strip:
    """Up to twelve small pictures side by side, spread evenly over an event of any length.

    When there are too many, every second one goes, and further ones come half as often.
    """

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self._pictures: list[Image] = []
        self._step_s = STRIP_STEP_S

    def due(self, time_s: float) -> bool:
        return not self.times_s or time_s >= self.times_s[-1] + self._step_s

    def add(self, small: Image, time_s: float) -> None:
        if len(self.times_s) == STRIP_MOST:
            self.times_s, self._pictures = self.times_s[::2], self._pictures[::2]
            self._step_s *= 2
        self.times_s.append(time_s)
        self._pictures.append(small)

    def jpeg(self) -> Jpeg:
        row = np.concatenate(self._pictures, axis=1)
        return cv2.imencode(".jpg", row, [cv2.IMWRITE_JPEG_QUALITY, STRIP_QUALITY])[1]


def weigh(detection: Detection) -> tuple[float, Box | None]:
    """How good a picture is, and where its largest blob is; (0, None) if nothing moves.

    The changed pixels count, not the score: the robust detector's score is evidence, which only grows while
    something is there. A blob that the border cuts counts less.
    """
    if not detection.motion:
        return 0.0, None
    boxes = [cv2.boundingRect(contour) for contour in detection.contours()]
    if not boxes:
        return float(detection.changed_px), None
    x, y, width, height = max(boxes, key=lambda box: box[2] * box[3])
    rows, columns = detection.mask.shape
    cut = x <= 0 or y <= 0 or x + width >= columns or y + height >= rows
    fractions = x / columns, y / rows, width / columns, height / rows
    left, top, wide, high = (round(part, 4) for part in fractions)
    return detection.changed_px * (CUT_WEIGHT if cut else 1.0), (left, top, wide, high)


def _small(frame: Frame) -> Image:
    if frame.jpeg is not None:
        image = cast(Image, cv2.imdecode(frame.jpeg, cv2.IMREAD_REDUCED_COLOR_2))
    else:
        image = frame.image
    # of a large picture only every n-th pixel is read; enough are left to average
    step = max(1, image.shape[1] // (2 * STRIP_WIDTH_PX))
    height = max(1, round(image.shape[0] * STRIP_WIDTH_PX / image.shape[1]))
    few = image[::step, ::step]
    return cast(Image, cv2.resize(few, (STRIP_WIDTH_PX, height), interpolation=cv2.INTER_AREA))
