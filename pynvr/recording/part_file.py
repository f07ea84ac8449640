"""The file of an open recording: OpenCV or PyAV writes into a pipe, and a thread copies from it to the disk.

FFmpeg buffers up to 256 KiB before it writes to a file: many seconds at a low bit rate, which kill -9 would
lose. Into a pipe it writes every picture at once. The thread also learns at once that the disk refuses, and
why, which OpenCV 4 never reports. It synchronises the file every second, so that a power cut costs little.
"""

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar

from pynvr.archive import fsync
from pynvr.errors import RecordingError

Writer = TypeVar("Writer")

CHUNK_BYTES = 64 * 1024
"""All that a pipe holds. A larger buffer would be mapped, cut and unmapped for every picture."""


class PipedFile(Generic[Writer]):
    """A new file and a pipe: what is written into the pipe goes into the file."""

    def __init__(
        self, path: Path, open_writer: Callable[[Path], Writer], setting: str = "PATH_FOR_VIDEO"
    ) -> None:
        """Create `path`, and have `open_writer` open the pipe, whose suffix is that of `path`.

        `setting` is what says where `path` lies, for messages. Raises RecordingError if `path` exists, or the
        file or the pipe cannot be created, and as `open_writer` does.
        """
        self.path = path
        self._setting = setting
        self._error: Exception | None = None
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise self._explained(error) from None
        with ExitStack() as at_failure, ExitStack() as at_once:
            at_failure.callback(path.unlink)
            at_failure.callback(self._file.close)
            try:
                folder = tempfile.TemporaryDirectory(prefix="pynvr-", ignore_cleanup_errors=True)
                pipe = Path(at_once.enter_context(folder), f"pipe{path.suffix}")
                os.mkfifo(pipe, 0o600)
                # non-blocking, since nobody writes yet
                self._reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:  # the disk that refuses need not be the archive's
                message = f"no pipe can be made in the folder for temporary files: {error}"
                raise RecordingError(message) from None
            at_failure.callback(os.close, self._reading)
            self.writer = open_writer(pipe)
            at_failure.pop_all()
        # from now on the pipe needs no name: it was removed, so that a kill leaves none behind
        os.set_blocking(self._reading, True)
        self._synced = time.monotonic()
        self._pump = threading.Thread(target=self._pump_to_disk, name="part", daemon=True)
        self._pump.start()

    def check(self) -> None:
        """Raise RecordingError if the disk has refused anything so far."""
        if self._error is not None:
            raise self._explained(self._error)

    def close(self) -> None:
        """Wait until all is written; call it when the writer is closed. Raises RecordingError."""
        self._pump.join()
        self._file.close()
        self.check()

    def _pump_to_disk(self) -> None:
        try:
            while chunk := os.read(self._reading, CHUNK_BYTES):
                if self._error is not None:
                    continue  # read on: FFmpeg would print a line for each picture that it cannot write
                try:
                    self._write(chunk)
                except Exception as error:  # whatever it is, `check` raises it
                    self._error = error
        finally:
            os.close(self._reading)  # from now on the pipe never fills up

    def _write(self, chunk: bytes) -> None:
        fsync.write(self._file, chunk)
        if time.monotonic() - self._synced >= fsync.SYNC_INTERVAL_S:
            fsync.sync(self._file.fileno(), self.path, data_only=True)
            self._check_that_it_is_still_there()
            self._synced = time.monotonic()

    def _check_that_it_is_still_there(self) -> None:
        """Raise OSError if the disk was unmounted or the file removed, which write() does not notice."""
        there, ours = self.path.stat(), os.fstat(self._file.fileno())
        same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        # inode numbers may change on CIFS and FUSE; then a file of the same size is taken for ours
        if not same and (there.st_dev, there.st_size) != (ours.st_dev, ours.st_size):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _explained(self, error: Exception) -> RecordingError:
        reason = error.strerror if isinstance(error, OSError) else repr(error)
        return RecordingError(f"{self.path}: cannot be written ({self._setting}): {reason}")
