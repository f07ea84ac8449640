"""Ends a run when somebody asks for it, or when a thread fails.

After a failure a recorder must not only look alive. So an exception that ends any thread ends the run: open
recordings are closed, the exit code is 1, and a service manager starts it again.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from pynvr.errors import PynvrError

log = logging.getLogger(__name__)

GRACE_S = 60.0
"""After a failure the run may take so long to close what is open. Then the process ends at once."""
ECHO_S = 0.5
"""The same signal within this time is the same wish: `timeout` sends it to the process and to its group."""


class Stop(threading.Event):
    """Is set when the run has to end, and knows the failure that caused it, if any."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self.failed = threading.Event()

    def fail(self, error: BaseException, thread: str) -> None:
        """End the run because `thread` failed; the first failure counts."""
        if self.failure is None:
            told = isinstance(error, PynvrError | OSError)
            self.failure = error if told else PynvrError(f"thread {thread} failed: {error!r}; see the log")
        self.set()
        self.failed.set()

    def raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure


@contextmanager
def threads_watched(stop: Stop) -> Iterator[None]:
    """End the run when an exception ends any thread.

    If the run cannot end then because something hangs, the process ends after `GRACE_S`.
    """

    def seen(hook: threading.ExceptHookArgs) -> None:
        name = hook.thread.name if hook.thread is not None else "unknown"
        error = hook.exc_value or hook.exc_type()
        stop.fail(error, name)  # before logging, which may fail, too
        log.critical("thread %s failed, the run ends", name, exc_info=error)

    over = threading.Event()
    # started now: when a thread fails, perhaps no other can be started
    guard = threading.Thread(target=_end_at_last, args=(stop, over), name="guard", daemon=True)
    previous, threading.excepthook = threading.excepthook, seen
    guard.start()
    try:
        yield
    finally:
        threading.excepthook = previous
        over.set()
        stop.failed.set()  # so that the guard ends


def _end_at_last(stop: Stop, over: threading.Event) -> None:
    stop.failed.wait()
    if not over.wait(GRACE_S):
        log.critical("cannot end in %.0f s after a failure: ending at once", GRACE_S)
        os._exit(1)


@contextmanager
def on_signals(numbers: Iterable[signal.Signals], handle: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `handle` at these signals; afterwards they mean what they meant before."""

    def called(number: int, _: FrameType | None) -> None:
        handle(signal.Signals(number))

    previous = {number: signal.signal(number, called) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def armed_by_signals(say: Callable[[bool], None]) -> AbstractContextManager[None]:
    """Call `say` with True at SIGUSR1 (arm) and with False at SIGUSR2 (disarm)."""
    return on_signals((signal.SIGUSR1, signal.SIGUSR2), lambda number: say(number == signal.SIGUSR1))


def stop_on_signals(stop: threading.Event) -> AbstractContextManager[None]:
    """Set `stop` on SIGINT, SIGTERM or SIGHUP (the terminal is gone); a second one ends the process at once.

    A second SIGHUP does not: the kernel and the shell both send one. Nor does a signal again within `ECHO_S`.
    If SIGHUP is ignored, as under nohup, it stays ignored.
    """
    came: dict[signal.Signals, float] = {}

    def handle(number: signal.Signals) -> None:
        now = time.monotonic()
        is_echo = number in came and now - came[number] < ECHO_S
        if stop.is_set() and number != signal.SIGHUP and not is_echo:
            os._exit(128 + number)
        came.setdefault(number, now)
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return on_signals(numbers, handle)
