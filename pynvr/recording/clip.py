"""A video file made of pictures with times, whole from the moment it has its name."""

from __future__ import annotations

from pathlib import Path

from pynvr.archive import fsync
from pynvr.errors import RecordingError
from pynvr.media import container
from pynvr.media.frame import Image
from pynvr.recording.encoding import CODECS, Encoder


class Clip:
    """Pictures go into a part beside the file; closing makes the file of it.

    The same two steps that make a recording, for what is no recording: the
    output of the tuning scripts and the trial file of `--check`.
    """

    def __init__(self, path: Path, fourcc: str, fps: float) -> None:
        """Write to `path`, which must not exist; `fps` is the rate where the container knows only one."""
        codec = CODECS[fourcc]
        if path.exists():
            raise RecordingError(f"{path}: exists already and is not overwritten; give another name")
        if path.suffix not in codec.fourcc:
            raise RecordingError(
                f"{path}: FOURCC_CODEC = {fourcc!r} goes into {' or '.join(codec.fourcc)} only"
            )
        self._path = path
        self._part = path.with_name(f"{path.stem}.part{codec.part_suffix}")
        self._fourcc = fourcc
        self._fps = fps
        self._encoder: Encoder | None = None
        self._times_ms: list[int] = []

    def write(self, image: Image, time: float) -> None:
        """Add a BGR picture that is shown at `time`, in seconds; all have the size of the first one."""
        if self._encoder is None:
            self._encoder = Encoder(self._part, self._fourcc, self._fps, (image.shape[1], image.shape[0]))
        self._encoder.write(image)
        self._times_ms.append(round(time * container.TICKS_PER_SECOND))

    def close(self) -> int:
        """Make the file and return how many pictures are in it; without any there is no file."""
        if self._encoder is None:
            return 0
        self._encoder.close()
        fourcc = CODECS[self._fourcc].fourcc[self._path.suffix]
        rate = self._rate() if self._path.suffix == ".avi" else None
        first = self._times_ms[0]
        copied = self._path.with_name(f"{self._path.stem}.closing.part{self._path.suffix}")
        container.copy(self._part, copied, fourcc, [time - first for time in self._times_ms], rate)
        if container.survey(copied).count != len(self._times_ms):
            raise RecordingError(f"{copied}: is incomplete; is the disk full?")
        fsync.move(copied, self._path)
        self._part.unlink()
        return len(self._times_ms)

    def _rate(self) -> float:
        span_s = (self._times_ms[-1] - self._times_ms[0]) / container.TICKS_PER_SECOND
        return (len(self._times_ms) - 1) / span_s if span_s > 0 else self._fps
