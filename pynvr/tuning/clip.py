"""A video file of pictures and their times. It gets its name when it is complete."""

from pathlib import Path

from pynvr.archive.remux import rate_for, remux
from pynvr.errors import RecordingError, TakenError
from pynvr.media.frame import Image
from pynvr.recording.encoding import CODECS, Encoder


class Clip:
    """Writes pictures into a part beside the file; closing makes the file from it, as for a recording.

    The tuning scripts use it for their output.
    """

    def __init__(self, path: Path, fourcc: str, fps: float, setting: str = "--output") -> None:
        """Write to `path`, which must not exist; raises RecordingError.

        `fps` guides the encoder. `setting` is what says where `path` lies, for messages.
        """
        codec = CODECS[fourcc]
        if path.exists():
            raise TakenError(path)
        if path.suffix not in codec.fourcc:
            raise RecordingError(
                f"{path}: FOURCC_CODEC = {fourcc!r} goes into {' or '.join(codec.fourcc)} only"
            )
        self._path = path
        self._part = path.with_name(f"{path.stem}.part{codec.part_suffix}")
        self._fourcc = fourcc
        self._fps = fps
        self._setting = setting
        self._encoder: Encoder | None = None
        self._times: list[float] = []

    def write(self, image: Image, time: float) -> None:
        """Add a BGR picture of the first one's size, shown at `time` (seconds); raises RecordingError."""
        if self._encoder is None:
            size = image.shape[1], image.shape[0]
            self._encoder = Encoder(self._part, self._fourcc, self._fps, size, self._setting)
        self._encoder.write(image)
        self._times.append(time)

    def close(self) -> int:
        """Make the file and return its number of pictures, 0 without a file; raises as `remux` does."""
        if self._encoder is None:
            return 0
        self._encoder.close()
        fourcc = CODECS[self._fourcc].fourcc[self._path.suffix]
        remux(self._part, self._path, fourcc, self._times, rate_for(self._path, self._times, self._fps))
        return len(self._times)
