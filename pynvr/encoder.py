"""Pictures into a video file that a crash cannot take back: a checked cv2.VideoWriter.

OpenCV says nothing when a codec is missing, a picture has the wrong size or the
disk is full. This says it.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pynvr.errors import RecordingError, SettingsError
from pynvr.frame import Image

NO_ROOM_BYTES = 1024 * 1024
"""A disk with less than this is full: OpenCV 4 does not tell, and nobody else would ask."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec is written while a recording is open, and named in its final container."""

    part_suffix: str
    """Container of an open recording: readable after a crash up to the last packets."""
    fourcc: dict[str, str]
    """Container's suffix -> the codec's name there."""


CODECS = {
    "DIVX": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}),
    "XVID": Codec(".ts", {".avi": "XVID", ".mp4": "mp4v"}),
    "mp4v": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}),
    "MJPG": Codec(".avi", {".avi": "MJPG"}),  # a transport stream cannot carry it
}
"""The codecs that are known to survive kill -9: the first three are MPEG-4 by three names."""


class Encoder:
    """One open video file of one size."""

    def __init__(self, path: Path, fourcc: str, fps: float, size: tuple[int, int]) -> None:
        """Open `path` for pictures of `size` (width, height); raises RecordingError.

        The rate only guides the encoder's bit rate; the final container gets the true times.
        """
        self._path = path
        self._size = size
        self._writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), round(max(1.0, min(fps, 120.0))), size
        )
        if not self._writer.isOpened():
            raise RecordingError(
                f"{path}: cannot be opened for writing {size[0]}x{size[1]} pictures with "
                f"FOURCC_CODEC = {fourcc!r}; is the disk full or read-only (PATH_FOR_VIDEO)?"
            )

    def write(self, image: Image) -> None:
        """Add a BGR picture; raises RecordingError where it would be lost."""
        if (image.shape[1], image.shape[0]) != self._size or image.ndim != 3:
            raise RecordingError(f"{self._path}: a picture of shape {image.shape} does not fit {self._size}")
        if self._writer.write(image) is False or shutil.disk_usage(self._path.parent).free < NO_ROOM_BYTES:
            raise RecordingError(f"{self._path}: cannot be written; is the disk full (PATH_FOR_VIDEO)?")

    def close(self) -> None:
        """Write what is buffered and close the file."""
        self._writer.release()


def check_codec(fourcc: str) -> None:
    """Raise SettingsError unless this OpenCV can write with `fourcc`; say which codecs work."""
    if not encodes(fourcc):
        works = [name for name in CODECS if encodes(name)]
        raise SettingsError(
            f"FOURCC_CODEC = {fourcc!r}: this OpenCV cannot write it; "
            f"these work: {', '.join(works) or 'none'}"
        )


def encodes(fourcc: str) -> bool:
    """Try a codec out on a picture."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            encoder = Encoder(Path(folder, f"trial{CODECS[fourcc].part_suffix}"), fourcc, 25.0, (64, 64))
            encoder.write(np.zeros((64, 64, 3), np.uint8))
        except RecordingError:
            return False
        encoder.close()
        return True
