"""The log: a rolling file, a copy on the console, and what C libraries print."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

from pynvr.errors import PynvrError, SettingsError
from pynvr.redaction import without_password
from pynvr.service import console
from pynvr.settings import Settings

log = logging.getLogger(__name__)


class _Formatter(logging.Formatter):
    """Blanks passwords in everything that is logged, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return without_password(super().format(record))


NOT_ON_CONSOLE = {"on_console": False}
"""As `extra` of a log call: for what the console is told in other words."""


class _ConsoleHandler(logging.Handler):
    """Writes to the console without tearing a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if getattr(record, "on_console", True):
                console.write_line(self.format(record))
        except Exception:  # as every handler: a console that is gone must not end the watch
            self.handleError(record)


def start(settings: Settings) -> None:
    """Send the log where the settings say; raises SettingsError where the file cannot be written."""
    formatter = _Formatter(settings.LOG_FORMAT)
    try:
        settings.LOG_FILE_PATH.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            settings.LOG_FILE_PATH,
            maxBytes=settings.MAIN_LOG_FILE_MAX_SIZE,
            backupCount=settings.LOG_BACKUPS_COUNT,
            encoding="utf-8",
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
    """Have the reason in the log why a command failed; the console is told by who catches it."""
    try:
        yield
    except (PynvrError, OSError) as error:
        log.error("%s", error, extra=NOT_ON_CONSOLE)
        raise
    except Exception:
        log.exception("a fault of the program, not of the settings", extra=NOT_ON_CONSOLE)
        raise


def stop() -> None:
    """Close the log's file."""
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@contextmanager
def native_output_logged() -> Iterator[None]:
    """Turn what OpenCV and FFmpeg print into log lines of level DEBUG.

    They print to file descriptor 2, past Python, several lines for each
    recording and for every damaged packet, and would fill a service's journal.
    Python's own sys.stderr keeps going to where it went.
    """
    python_stderr, native = sys.stderr, os.dup(2)
    reading, writing = os.pipe()
    reader = threading.Thread(target=_log_lines, args=(reading,), name="native-log", daemon=True)
    reader.start()
    with os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="replace") as console:
        sys.stderr = console
        os.dup2(writing, 2)
        os.close(writing)
        try:
            yield
        finally:
            os.dup2(native, 2)
            os.close(native)
            reader.join(1.0)
            sys.stderr = python_stderr


def _log_lines(descriptor: int) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            log.debug("%s", line.rstrip())
