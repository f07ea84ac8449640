"""Encodes pictures into a video file that survives a crash, with PyAV.

OpenCV's encoder takes nothing but BGR, which costs a quarter of encoding, and most pictures come from video,
whose own form is I420. It also says nothing when a codec is missing or the disk is full.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pynvr.errors import RecordingError, SettingsError
from pynvr.media.frame import I420, Image, as_i420
from pynvr.recording.part_file import PipedFile

LOWEST_RATE, HIGHEST_RATE = 1.0, 120.0
"""Range of the frame rates that all encoders accept."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec is written while a recording is open, and named in its final container."""

    part_suffix: str
    """Container of an open recording: readable after a crash up to the last packets."""
    fourcc: dict[str, str]
    """Container's suffix -> the codec's name there."""
    bits_a_pixel: int
    """At most. The finest quantizer, `qmin`, usually decides long before."""
    encoder: str
    options: dict[str, str]
    """These two as FFmpeg names them."""


# "bt" lets the rate control spend on a scene that has become lively what it has saved before
MPEG4 = 2, "mpeg4", {"qmin": "3", "g": "12", "bt": "4000000"}
CODECS = {
    "DIVX": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}, *MPEG4),
    "XVID": Codec(".ts", {".avi": "XVID", ".mp4": "mp4v"}, *MPEG4),
    "mp4v": Codec(".ts", {".avi": "DIVX", ".mp4": "mp4v"}, *MPEG4),
    # which a transport stream cannot carry
    "MJPG": Codec(".avi", {".avi": "MJPG"}, 4, "mjpeg", {"qmin": "3", "pixel_format": "yuvj420p"}),
}
"""The codecs that are tested to survive kill -9. The first three are MPEG-4 under three names."""
CONTAINERS = {".ts": "mpegts", ".avi": "avi"}


class Encoder:
    """One open video file of one size."""

    def __init__(self, path: Path, fourcc: str, fps: float, size: tuple[int, int]) -> None:
        """Create `path` for pictures of `size` (width, height); raises RecordingError.

        Of an odd size the last column or row is left out. The rate only guides the encoder's bit rate; the
        final container gets the true times.
        """
        from pynvr.media.output import VideoOutput  # brings 17 MB, which copy mode does not need

        width, height = size[0] // 2 * 2, size[1] // 2 * 2
        self._shape = height * 3 // 2, width
        self._part = PipedFile(path)
        codec, rate = CODECS[fourcc], round(max(LOWEST_RATE, min(fps, HIGHEST_RATE)))
        options = {**codec.options, "b": str(codec.bits_a_pixel * rate * width * height)}
        kind = CONTAINERS[path.suffix]
        try:
            self._out = VideoOutput(self._part.pipe, kind, codec.encoder, options, (width, height), rate)
        except RecordingError:
            self._part.close()
            path.unlink()
            raise RecordingError(
                f"FOURCC_CODEC = {fourcc!r} cannot encode pictures of {size[0]}x{size[1]} (scaleFrameTo)"
            ) from None
        self._part.start()
        self._out.begin()

    def write(self, picture: I420 | Image) -> None:
        """Add a picture, I420 or BGR; raises RecordingError if it, or an earlier one, is lost."""
        if picture.ndim == 3:
            picture = as_i420(picture)
        if picture.shape != self._shape:
            place, shape = self._part.path, picture.shape
            raise RecordingError(f"{place}: a picture of shape {shape} is not {self._shape}")
        self._out.write(picture)
        self._part.check()

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError if the disk refuses."""
        try:
            self._out.close()
        finally:
            self._part.close()


def check_codec(fourcc: str) -> None:
    """Raise SettingsError unless this FFmpeg can write with `fourcc`; say which codecs work."""
    if not encodes(fourcc):
        works = [name for name in CODECS if encodes(name)]
        raise SettingsError(
            f"FOURCC_CODEC = {fourcc!r}: this FFmpeg cannot write it; "
            f"these work: {', '.join(works) or 'none'}"
        )


def encodes(fourcc: str) -> bool:
    """Try a codec out on a picture."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            encoder = Encoder(Path(folder, f"trial{CODECS[fourcc].part_suffix}"), fourcc, 25.0, (64, 64))
            encoder.write(np.zeros((64, 64, 3), np.uint8))
            encoder.close()
        except RecordingError:
            return False
        return True
