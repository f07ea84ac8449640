"""A network camera's undecoded packets, through OpenCV: without sound, which it cannot hand out."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.media import codecs
from pynvr.media.opencv import fourcc_of, plausible_fps
from pynvr.media.packet import Packet, Stream
from pynvr.sources.camera import StreamTime
from pynvr.sources.opening import Opener


class RawCapture:
    """An open camera that hands out packets."""

    def __init__(self, opener: Opener) -> None:
        """Open the camera; raises CameraError."""
        self._name = opener.name
        self._capture = opener.open(cv2.CAP_PROP_FORMAT, -1)
        self._time = StreamTime(opener.cam, self._capture)

    def stream(self, suffix: str) -> Stream:
        """What its packets have in common; raises SettingsError if a file of `suffix` cannot hold them."""
        capture = self._capture
        codec = codecs.copyable(fourcc_of(capture), self._name, suffix)
        _, extra = capture.retrieve(None, int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX)))
        told = b"" if extra is None else np.asarray(extra, np.uint8).tobytes()
        fps = plausible_fps(capture.get(cv2.CAP_PROP_FPS))
        return Stream(
            codec,
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps,
            codecs.parameter_sets(codec, told) if codecs.is_annex_b(told) else b"",
            max(0.0, capture.get(cv2.CAP_PROP_DTS_DELAY)) / fps,
        )

    def read(self) -> Packet | None:
        """Wait for a packet; None if the next one cannot be read."""
        received, data = self._capture.read()
        if not received:
            return None
        return Packet(np.asarray(data, np.uint8), self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0)

    @property
    def stream_s(self) -> float | None:
        """When the latest packet is shown, in the stream's own seconds; None if it has no times."""
        return self._time.latest_s()

    def release(self) -> None:
        self._capture.release()


def jpeg_within(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A JPEG without the lines that a server puts before and after it; 1 x N bytes as they came."""
    whole = data.tobytes()
    begin, end = whole.find(codecs.JPEG_BEGINS), whole.rfind(codecs.JPEG_ENDS)
    return data[:, begin : end + len(codecs.JPEG_ENDS)] if 0 <= begin < end else data
