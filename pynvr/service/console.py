"""The console: standard streams that never fail, and the progress bar.

The console may be a terminal, a file or gone; it must never end a recorder. tqdm takes 5 MB and is imported
only for a bar, which a service has not.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from pynvr.media.frame import Frame, Gap
from pynvr.sources.base import Source


def with_progress(source: Source) -> Iterator[Frame | Gap]:
    """The source's frames, with a progress bar if the source has an end and stderr is a terminal."""
    if source.live or not sys.stderr.isatty():
        return iter(source)
    from tqdm import tqdm

    return iter(tqdm(source, total=source.frame_count, unit=" frames"))


def write_line(line: str) -> None:
    """Write a line to stderr without tearing a progress bar."""
    if "tqdm" not in sys.modules:
        sys.stderr.write(f"{line}\n")
        return
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)


@contextmanager
def streams_made_lasting() -> Iterator[None]:
    """Replace the standard streams by ones that can always be written to, even if the console goes away.

    A stream that is closed is opened on /dev/null: otherwise the next opened file would get its number, and C
    libraries would print into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r+" if number else "r", closefd=False))  # noqa: SIM115
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Lasting(stream)) for stream in streams)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = streams


@contextmanager
def lasting_copy(descriptor: int) -> Iterator[TextIO]:
    """A text stream that goes on writing to the present target of `descriptor`."""
    with os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8", errors="replace") as stream:
        lasting = cast(TextIO, _Lasting(stream))
        yield lasting
        lasting.flush()


class _Lasting:
    """A text stream that drops its output once writing has failed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know ASCII only

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """Drop buffered and further output, so that flushing at the end cannot fail again."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)
