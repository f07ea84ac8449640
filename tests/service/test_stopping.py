"""Who asks for the end gets it, and a thread that fails ends the run."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pynvr.errors import PynvrError, RecordingError
from pynvr.service import stopping
from pynvr.service.stopping import Stop, stop_on_signals, threads_watched


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the process would have ended at once."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def fail_with(error: BaseException) -> None:
    """Have a thread end with an exception."""

    def fail() -> None:
        raise error

    thread = threading.Thread(target=fail, name="unlucky")
    thread.start()
    thread.join()


@pytest.mark.parametrize("error", [ValueError("broken"), MemoryError(), SystemExit(0), KeyboardInterrupt()])
def test_the_first_exception_that_ends_a_thread_is_why_the_run_ends(
    error: BaseException, logged_errors: list[str]
) -> None:
    stop, hook = Stop(), threading.excepthook
    with threads_watched(stop):
        assert not stop.is_set()
        fail_with(error)
        assert stop.is_set()
        fail_with(RuntimeError("later"))
    assert threading.excepthook is hook
    with pytest.raises(PynvrError, match="thread unlucky failed: " + type(error).__name__):
        stop.raise_failure()
    assert len(logged_errors) == 2


@pytest.mark.usefixtures("logged_errors")
def test_what_the_user_can_mend_is_told_as_it_is() -> None:
    stop = Stop()
    with threads_watched(stop):
        fail_with(RecordingError("the disk is full"))
    with pytest.raises(RecordingError, match="the disk is full"):
        stop.raise_failure()


def test_who_stops_without_a_failure_raises_nothing() -> None:
    stop = Stop()
    with threads_watched(stop):
        stop.set()
    stop.raise_failure()


@pytest.mark.usefixtures("logged_errors")
@pytest.mark.parametrize("asked", [False, True])
def test_a_run_that_cannot_end_after_a_failure_is_ended(monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    ended = threading.Event()
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", lambda code: (codes.append(code), ended.set()))
    monkeypatch.setattr(stopping, "GRACE_S", 0.01)
    stop = Stop()
    with threads_watched(stop):
        if asked:
            stop.set()  # and what fails is the closing
        fail_with(ValueError())
        assert ended.wait(10)
    assert codes == [1]


@pytest.mark.usefixtures("logged_errors")
def test_a_run_that_ends_is_let_end(codes: list[int]) -> None:
    with threads_watched(Stop()):
        fail_with(ValueError())
    (guard,) = [thread for thread in threading.enumerate() if thread.name == "guard"] or [None]
    if guard is not None:
        guard.join(10)
    assert codes == []


# ---- signals


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = threading.Event()
        with stop_on_signals(stop):
            signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_terminal_that_is_closed_may_say_so_twice(codes: list[int]) -> None:
    stop = threading.Event()
    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert stop.is_set()
    assert codes == []


def test_a_signal_that_comes_twice_at_once_is_one(codes: list[int]) -> None:
    """As `timeout` sends it: to the recorder, and to its process group."""
    stop = threading.Event()
    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        assert codes == []
        signal.raise_signal(signal.SIGINT)
        assert codes == [128 + signal.SIGINT]


def test_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch, codes: list[int]) -> None:
    monkeypatch.setattr(stopping, "ECHO_S", 0.0)
    stop = threading.Event()
    with stop_on_signals(stop):
        assert not stop.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        assert codes == []
        signal.raise_signal(signal.SIGTERM)
        assert codes == [128 + signal.SIGTERM]
