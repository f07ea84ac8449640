"""Runs what may hang on a thread of its own, so that a stop ends the wait for it.

A read from a socket or by FFmpeg cannot be stopped: it waits until its own timeout, and for ever for a server
that sends a byte now and then. At a stop its thread is left where it is, and the process ends without it.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet  # Python 3.10 has two
from typing import Generic, TypeVar

from pynvr.errors import StoppedError
from pynvr.sources.item_queue import LOOK_EVERY_S

LETTING_GO_S = 1.5
"""How long a stop waits for a thread that is inside FFmpeg; what it brings is no longer needed."""

Result = TypeVar("Result")

may_hang: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
"""Threads that read what may never come."""


def may_end() -> bool:
    """Whether the process may end normally: no thread is still inside OpenCV or FFmpeg.

    A normal end would wait for that thread, or free what it uses, and crash.
    """
    return not any(thread.is_alive() for thread in may_hang)


def unless_stopped(stop: threading.Event, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, or raise StoppedError as soon as `stop` is set."""
    thread = _thread()
    done = thread.submit(work)
    try:
        return _result(done, stop)
    finally:
        thread.shutdown(wait=done.done())


class Ahead(Generic[Result]):
    """Reads the next item while the one before it is used."""

    def __init__(self, items: Iterator[Result], stop: threading.Event) -> None:
        """Begin to read; `items` are asked for on one thread only."""
        self._items = items
        self._stop = stop
        self._thread = _thread()
        self._next = self._read()

    def take(self) -> Result | None:
        """Wait for the next item; None after the last one, and as soon as `stop` is set."""
        try:
            item = _result(self._next, self._stop)
        except StoppedError:
            return None
        if item is not None:
            self._next = self._read()
        return item

    def close(self, close_input: Callable[[], None]) -> None:
        """Close the input, unless it is still being read: that would crash the process."""
        wait([self._next], LETTING_GO_S)
        self._thread.shutdown(wait=self._next.done())
        if self._next.done():
            close_input()

    def _read(self) -> Future[Result | None]:
        return self._thread.submit(next, self._items, None)


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "film", lambda: may_hang.add(threading.current_thread()))


def _result(work: Future[Result], stop: threading.Event) -> Result:
    while not stop.is_set():
        try:
            return work.result(LOOK_EVERY_S)
        except NotYet:
            if work.done():  # in this moment, or it has waited too long itself
                return work.result()
    raise StoppedError("stopped before the film was there (setting cam)")
