"""LATEST_PICTURE_PATH: the newest frame as a JPEG file, every few seconds."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue

from pynvr.archive.replaced_file import ReplacedFile
from pynvr.media.frame import Encoding, Frame, Gap


class LatestPicture:
    """Takes a frame now and then; a thread of its own writes it, because a disk may hang."""

    def __init__(self, path: Path, every_s: float) -> None:
        """Replace the file `path` when `every_s` seconds of frames have passed."""
        self._file = ReplacedFile(path, "LATEST_PICTURE_PATH: %s")
        self.every_s = every_s
        self._due_s: float | None = None
        self._waiting = Queue[bytes | None](1)
        """The picture to write next; None: the end."""
        self._thread = threading.Thread(target=self._run, name="latest-picture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def seen(self, frames: Iterator[Frame | Gap]) -> Iterator[Frame | Gap]:
        """Pass frames through, and take one when it is due."""
        for frame in frames:
            if isinstance(frame, Gap):
                self._due_s = None
            elif self._due_s is None or frame.time >= self._due_s:
                self._take(frame)
            yield frame

    def close(self) -> None:
        """Write the last picture and end."""
        with suppress(Full):
            self._waiting.put(None, timeout=1.0)
        self._thread.join(1.0)

    def _take(self, frame: Frame) -> None:
        jpeg = frame.jpeg
        if jpeg is None and frame.image.ndim == 3:
            jpeg = frame.encoded(Encoding.JPEG).data
        if jpeg is None:  # the frame was reduced for the detector; a later one brings the whole picture
            return
        self._due_s = frame.time + self.every_s
        with suppress(Empty):  # the one before, if the disk has not taken it yet
            self._waiting.get_nowait()
        self._waiting.put_nowait(jpeg.tobytes())

    def _run(self) -> None:
        while (jpeg := self._waiting.get()) is not None:
            self._file.write(jpeg)
