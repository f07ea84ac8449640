"""The file of an open recording: OpenCV or PyAV writes into a pipe, and a thread copies from it to the disk.

FFmpeg buffers up to 256 KiB before it writes to a file: many seconds at a low bit rate, which kill -9 would
lose. Into a pipe it writes every picture at once. The thread also learns at once that the disk refuses, and
why, which OpenCV 4 never reports. It synchronises the file every second, so that a power cut costs little.
"""

import errno
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from pynvr.archive import fsync
from pynvr.errors import RecordingError

CHUNK_BYTES = 64 * 1024
"""All that a pipe holds. A larger buffer would be mapped, cut and unmapped for every picture."""


class PipedFile:
    """A new file and a pipe: what is written into the pipe goes into the file."""

    def __init__(self, path: Path) -> None:
        """Create `path`; raises RecordingError if it exists, or file or pipe cannot be created."""
        self.path = path
        self._error: Exception | None = None
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise self._explained(error) from None
        self._folder = ""
        try:
            self._folder = tempfile.mkdtemp(prefix="pynvr-")
            self.pipe = Path(self._folder, f"pipe{path.suffix}")
            """Where to write to. Its suffix names the container, as a file's would."""
            os.mkfifo(self.pipe, 0o600)
            # non-blocking, since nobody writes yet
            self._reading = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:  # the disk that refuses need not be the archive's
            self._file.close()
            path.unlink()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise RecordingError(f"no pipe can be made in the folder for temporary files: {error}") from None
        self._pump = threading.Thread(target=self._pump_to_disk, name="part", daemon=True)

    def start(self) -> None:
        """Begin to copy; call it once the pipe has been opened for writing.

        From then on the pipe needs no name. It is removed, so that a kill leaves none behind.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        os.set_blocking(self._reading, True)
        self._pump.start()

    def check(self) -> None:
        """Raise RecordingError if the disk has refused anything so far."""
        if self._error is not None:
            raise self._explained(self._error)

    def close(self) -> None:
        """Wait until all is written; call it when the pipe's writer has closed it. Raises RecordingError."""
        if self._pump.ident is None:
            os.close(self._reading)
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            self._pump.join()
        self._file.close()
        self.check()

    def _pump_to_disk(self) -> None:
        try:
            self._move_all()
        except Exception as error:  # whatever it is, the thread that writes into the pipe has to raise it
            self._error = error
        finally:
            os.close(self._reading)  # from now on the pipe never fills up

    def _move_all(self) -> None:
        synced = time.monotonic()
        while chunk := os.read(self._reading, CHUNK_BYTES):
            if self._error is not None:
                continue  # read on: FFmpeg would print a line for each picture that it cannot write
            try:
                fsync.write(self._file, chunk)
                if time.monotonic() - synced >= fsync.SYNC_INTERVAL_S:
                    fsync.sync(self._file.fileno(), self.path, data_only=True)
                    self._check_that_it_is_still_there()
                    synced = time.monotonic()
            except OSError as error:
                self._error = error

    def _check_that_it_is_still_there(self) -> None:
        """Raise OSError if the disk was unmounted or the file removed, which write() does not notice."""
        there, ours = self.path.stat(), os.fstat(self._file.fileno())
        same = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        # inode numbers may change on CIFS and FUSE; then a file of the same size is taken for ours
        if not same and (there.st_dev, there.st_size) != (ours.st_dev, ours.st_size):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _explained(self, error: Exception) -> RecordingError:
        reason = error.strerror if isinstance(error, OSError) else repr(error)
        return RecordingError(f"{self.path}: cannot be written (PATH_FOR_VIDEO): {reason}")
