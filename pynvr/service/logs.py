"""The log: a rolling file, and a copy on the console."""

import errno
import faulthandler
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pynvr.errors import PynvrError, SettingsError
from pynvr.redaction import without_password
from pynvr.service import console
from pynvr.settings import Settings

log = logging.getLogger(__name__)


class _Formatter(logging.Formatter):
    """Blanks passwords in everything that is logged, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return without_password(super().format(record))


class _LogFile(RotatingFileHandler):
    """A rolling file. A native crash writes the threads' stacks into it."""

    _refused = _was_refused = False
    """Whether the disk took no line now, and the line before."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, into a new file if somebody else has moved or removed this one."""
        if self.stream and not self._is_at_its_place(self.stream):
            self._drop()
        self._was_refused, self._refused = self._refused, False
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once that the disk refuses. (A traceback for each line would have its password, too.)"""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._refused = True
        self._drop()
        if not self._was_refused:
            console.write_line(f"pynvr: LOG_FILE_PATH: {error}; the log lacks lines until it can be written")

    def _drop(self) -> None:
        """Close the file, with what it could not take; the next line opens it again."""
        faulthandler.enable(sys.__stderr__ or sys.stderr)
        stream, self.stream = self.stream, None
        with suppress(OSError):
            if stream:
                stream.close()

    def _is_at_its_place(self, stream: TextIOWrapper) -> bool:
        try:
            return os.path.samestat(os.fstat(stream.fileno()), Path(self.baseFilename).stat())
        except OSError:
            return False

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        stream = super()._open()
        faulthandler.enable(stream)
        return stream

    def close(self) -> None:
        """Close the file. From now on a crash prints to the console."""
        self._drop()
        super().close()


NOT_ON_CONSOLE = {"on_console": False}
"""`extra` of a log call whose message reaches the console in another way."""


class _ConsoleHandler(logging.Handler):
    """Writes to the console without tearing a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if getattr(record, "on_console", True):
                console.write_line(self.format(record))
        except Exception:  # like every handler: a console that is gone must not end the recorder
            self.handleError(record)


def start(settings: Settings) -> None:
    """Send the log where the settings say; raises SettingsError if the file cannot be written."""
    formatter = _Formatter(settings.LOG_FORMAT)
    try:
        if settings.LOG_FILE_PATH.is_fifo():  # opening or writing it would wait for who reads it
            raise OSError(errno.EINVAL, "is a pipe; name a file, or use LOG_TO_CONSOLE")
        file = _LogFile(
            settings.LOG_FILE_PATH,
            maxBytes=settings.MAIN_LOG_FILE_MAX_SIZE,
            backupCount=settings.LOG_BACKUPS_COUNT,
            encoding="utf-8",
            errors="backslashreplace",  # a file's name may be no text
        )
    except OSError as error:
        raise SettingsError(f"LOG_FILE_PATH = {str(settings.LOG_FILE_PATH)!r}: {error.strerror}") from None
    handlers: list[logging.Handler] = [file]
    if settings.LOG_TO_CONSOLE:
        handlers.append(_ConsoleHandler())
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=settings.APP_LOG_LEVEL, handlers=handlers, force=True)


@contextmanager
def failure_logged() -> Iterator[None]:
    """Log why a command failed. The caller catches the error and prints it."""
    try:
        yield
    except (PynvrError, OSError) as error:
        log.error("%s", error, extra=NOT_ON_CONSOLE)
        raise
    except Exception:
        log.exception("a fault of the program, not of the settings", extra=NOT_ON_CONSOLE)
        raise


def stop() -> None:
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
