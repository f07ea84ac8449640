"""Logs what C libraries print, and keeps their last lines if they crash the process.

OpenCV and FFmpeg print to file descriptor 2, past Python: several lines for each recording and for every
damaged packet, which would fill a service's journal. Here they print into a file beside the log, which is
kept short while the process lives. A pipe would be lost with the process, and with it glibc's last words.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pynvr.errors import SettingsError
from pynvr.redaction import without_password
from pynvr.service import console

log = logging.getLogger(__name__)

SUFFIX = ".native"
INTERVAL_S = 1.0
KEPT_BYTES = 64 * 1024
"""The file begins anew when it is longer than this."""
LAST_WORDS_BYTES = 4096

_printed = 0


def lines_printed() -> int:
    """How many lines OpenCV and FFmpeg have printed in this process: mostly complaints of their decoders."""
    return _printed


@contextmanager
def native_output_logged(log_file: Path) -> Iterator[None]:
    """Turn what is printed to file descriptor 2 into log lines of level DEBUG.

    Python's sys.stderr goes where it went before. First the last lines of earlier processes that crashed are
    logged. Raises SettingsError if the log's folder cannot be written.
    """
    path = log_file.with_name(f"{log_file.name}.{os.getpid()}{SUFFIX}")
    try:
        _tell_last_words(log_file)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o600)
    except OSError as error:
        raise SettingsError(f"LOG_FILE_PATH = {str(log_file)!r}: its folder: {error.strerror}") from None
    stderr, native, over = sys.stderr, os.dup(2), threading.Event()
    complaints = _Complaints()
    logging.getLogger("libav").addHandler(complaints)
    reader = threading.Thread(target=_log_until, args=(over, file), name="native-log", daemon=True)
    try:
        with console.lasting_copy(native) as sys.stderr:
            os.dup2(file, 2)
            reader.start()
            try:
                yield
            finally:
                os.dup2(native, 2)
                over.set()
                reader.join()
    finally:
        sys.stderr = stderr
        logging.getLogger("libav").removeHandler(complaints)
        os.close(native)
        os.close(file)
        path.unlink(missing_ok=True)


class _Complaints(logging.Handler):
    """Does the same with what PyAV's FFmpeg says, which does not print."""

    def emit(self, record: logging.LogRecord) -> None:
        global _printed
        log.debug("%s", record.getMessage())
        _printed += 1


def _log_until(over: threading.Event, file: int) -> None:
    global _printed
    rest, place = b"", 0
    while True:
        last = over.wait(INTERVAL_S)
        while chunk := os.pread(file, KEPT_BYTES, place):
            place += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in [*lines, rest] if last else lines:
                text = line.decode(errors="replace")
                log.debug("%s", text)
                _printed += 1
                # a line with a password does not stay on the disk: the file begins anew
                place = KEPT_BYTES if without_password(text) != text else place
        if last:
            return
        if place >= KEPT_BYTES:
            os.ftruncate(file, 0)
            place = 0


def _tell_last_words(log_file: Path) -> None:
    """Log what earlier processes printed last, unless they ended regularly or are still running."""
    for path in sorted(log_file.parent.iterdir()):
        _, _, pid = path.name.removesuffix(SUFFIX).rpartition(".")
        if path.name != f"{log_file.name}.{pid}{SUFFIX}" or not pid.isdecimal():
            continue
        if int(pid) != os.getpid() and Path("/proc", pid).exists():
            continue
        with suppress(OSError):  # the file belongs to somebody else
            words = path.read_bytes()[-LAST_WORDS_BYTES:].decode(errors="replace")
            for line in words.splitlines():
                log.warning("process %s did not end as it should; it last said: %s", pid, line)
            path.unlink()
