"""Encodes pictures into a video file that survives a crash, with a cv2.VideoWriter that is checked.

OpenCV says nothing when a codec is missing, a picture has the wrong size or the disk is full. This module
raises an error.
"""

import tempfile
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from pynvr.errors import RecordingError, SettingsError
from pynvr.media.codecs import Codec
from pynvr.media.frame import Frame, Image
from pynvr.media.opencv import name_of
from pynvr.recording.label import draw_label
from pynvr.recording.orders import Write
from pynvr.recording.part_file import PipedFile

LOWEST_RATE, HIGHEST_RATE = 1.0, 120.0
"""Frame rates that all encoders accept, frames per second."""


CODECS = {
    "DIVX": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}),
    "XVID": Codec(".ts", {".avi": "XVID", ".mp4": "mp4v"}),
    "mp4v": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}),
    "MJPG": Codec(".avi", {".avi": "MJPG"}),  # a transport stream cannot carry it
}
"""The codecs that survived kill -9 in tests. The first three are MPEG-4 under three names."""


class Encoder:
    """One open video file of one size."""

    def __init__(
        self, path: Path, fourcc: str, fps: float, size: tuple[int, int], setting: str = "PATH_FOR_VIDEO"
    ) -> None:
        """Create `path` for pictures of `size` (width, height); raises RecordingError.

        `fps` only guides the encoder's bit rate; the final container gets the true times. `setting` is as
        `PipedFile` has it.
        """
        self._size = size
        rate = round(max(LOWEST_RATE, min(fps, HIGHEST_RATE)))
        code = cv2.VideoWriter.fourcc(*fourcc)

        def open_writer(pipe: Path) -> cv2.VideoWriter:
            with name_of(pipe) as name:  # the folder for temporary files may have an odd name, too
                writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, code, rate, size)
            if not writer.isOpened():
                raise RecordingError(
                    f"FOURCC_CODEC = {fourcc!r} cannot encode pictures of {size[0]}x{size[1]} (scaleFrameTo)"
                )
            return writer

        self._part = PipedFile(path, open_writer, setting)

    def write(self, image: Image) -> None:
        """Add a BGR picture; raises RecordingError if it or an earlier one is lost."""
        if image.ndim != 3 or (image.shape[1], image.shape[0]) != self._size:
            raise RecordingError(f"{self._part.path}: a picture of shape {image.shape} is not {self._size}")
        self._part.writer.write(image)
        self._part.check()

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError if the disk refuses."""
        self._part.writer.release()
        self._part.close()


class EncodedPart:
    """Encode mode's `Part`: pictures of one size, with the label drawn into them."""

    _encoder: Encoder

    def __init__(self, fourcc: str, suffix: str, output_rate: float | None, first: Frame) -> None:
        """The first three are FOURCC_CODEC, OUTPUT_FILES_EXTENSION and OUTPUT_FRAME_RATE."""
        height, width = first.image.shape[:2]
        self._fourcc, self._size = fourcc, (width, height)
        self.facts: dict[str, Any] = {
            "part_suffix": CODECS[fourcc].part_suffix,
            "suffix": suffix,
            "fourcc": CODECS[fourcc].fourcc[suffix],
            "output_rate": output_rate,
            "width": width - width % 2,  # encoders leave out an odd last column or row
            "height": height - height % 2,
        }

    def open(self, path: Path, fps: float) -> None:
        self._encoder = Encoder(path, self._fourcc, fps, self._size)

    def write(self, order: Write) -> int:
        image = cast(Frame, order.frame).image
        if order.hold_left_s is not None:
            draw_label(image, order.hold_left_s)  # into the frame itself if that is BGR
        self._encoder.write(image)
        return 0

    def close(self) -> None:
        self._encoder.close()


def check_codec(fourcc: str) -> None:
    """Raise SettingsError unless this OpenCV can write with `fourcc`; say which codecs work."""
    if not encodes(fourcc):
        works = [name for name in CODECS if encodes(name)]
        raise SettingsError(
            f"FOURCC_CODEC = {fourcc!r}: this OpenCV cannot write it; "
            f"these work: {', '.join(works) or 'none'}"
        )


def encodes(fourcc: str) -> bool:
    """Whether this OpenCV can write with `fourcc`; it is tried out on a picture."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            encoder = Encoder(Path(folder, f"trial{CODECS[fourcc].part_suffix}"), fourcc, 25.0, (64, 64))
            encoder.write(np.zeros((64, 64, 3), np.uint8))
            encoder.close()
        except RecordingError:
            return False
        return True
