"""What hangs is not fed: the watchdog gets no sign of life, and the status says so."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Early, Measure
from harness import LIVELY, RecorderProcess, until
from rtsp import RtspServer, needs_rtsp

pytestmark = needs_rtsp

WATCHDOG_S = 30
"""WatchdogSec of service/pynvr.service."""
INTERVAL_S = 5
DRIVER = """
import importlib, sys, threading, time
from pynvr import classic, cli, part
for_ever = threading.Event()
calls = 0

def hanging(work, after):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls > after:
            print("hangs now", file=sys.stderr, flush=True)
            for_ever.wait()
        return work(*arguments, **options)
    return call

{patch}
sys.exit(cli.record(lambda: importlib.import_module("config")))
"""
LOOP = "classic.ClassicDetector.detect = hanging(classic.ClassicDetector.detect, 40)"
WRITER = "part._write_all = hanging(part._write_all, 40)"


class ServiceManager:
    """A NOTIFY_SOCKET, and when which messages came."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.address = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.address))
        self._lock = threading.Lock()
        self._messages: list[tuple[float, str]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                text = self._socket.recv(4096).decode()
            except OSError:
                return
            with self._lock:
                self._messages += [(time.monotonic(), line) for line in text.splitlines()]

    def times_of(self, message: str) -> list[float]:
        with self._lock:
            return [moment for moment, text in self._messages if text == message]

    def close(self) -> None:
        self._socket.close()


@contextmanager
def service(folder: Path, url: str, patch: str = "") -> Iterator[tuple[RecorderProcess, ServiceManager]]:
    manager = ServiceManager(folder)
    recorder = RecorderProcess(folder, DRIVER.format(patch=patch), cam=url, CAMERA_QUEUE_LIMIT_MB=8)
    recorder.environment = {"NOTIFY_SOCKET": str(manager.address)}
    with recorder:
        yield recorder, manager
    manager.close()


def hangs(folder: Path, url: str, patch: str, what: str, limit_s: float, figure: Measure) -> None:
    with service(folder, url, patch) as (recorder, manager):
        hung = recorder.wait_for("hangs now", timeout_s=40).time
        assert len(manager.times_of("READY=1")) == 1
        recorder.wait_for_status(state="stuck", timeout_s=limit_s + 10)
        figure(f"{what} hangs: status says stuck after", time.monotonic() - hung, "s", limit_s)
        # then no more for as long as systemd would wait
        fed = manager.times_of("WATCHDOG=1")
        threading.Event().wait(3 * INTERVAL_S)
        assert manager.times_of("WATCHDOG=1") == fed, "fed while it hangs"
        figure(f"{what} hangs: fed for another", max(0.0, fed[-1] - hung), "s", limit_s)
        assert recorder.status()["state"] == "stuck"


def never_recording_without_frames(folder: Path, url: str, patch: str, figure: Measure) -> None:
    """The state "recording" has to end soon after the last frame was written."""
    with service(folder, url, patch) as (recorder, _):
        hung = recorder.wait_for("hangs now", timeout_s=40).time
        recorder.wait_for_status(state="recording")
        until(lambda: recorder.status().get("state") != "recording", 60, "another state than recording")
        figure('nothing is written: status stops to say "recording"', time.monotonic() - hung, "s", 20)


def feeds_while_reconnecting(folder: Path, server: RtspServer, figure: Measure) -> None:
    with service(folder, server.url("main")) as (recorder, manager):
        recorder.wait_for("motion")
        server.kill()
        recorder.wait_for("trying again")
        began = time.monotonic()
        until(lambda: time.monotonic() - began > 4 * INTERVAL_S, 30, "20 s of a camera that is away", 0.2)
        moments = [began, *(m for m in manager.times_of("WATCHDOG=1") if m > began), time.monotonic()]
        longest = max(later - sooner for sooner, later in pairwise(moments))
        figure("camera is away: longest time without feeding the watchdog", longest, "s", WATCHDOG_S / 2)
        assert recorder.status()["state"] == "connecting"
        recorder.stop()
        assert manager.times_of("STOPPING=1")


def stopped_process(folder: Path, url: str, figure: Measure) -> None:
    """All of it hangs: the status file goes stale, which is how others notice."""
    with service(folder, url) as (recorder, manager):
        recorder.wait_for("motion")
        recorder.wait_for_status(state="recording")
        ages = [time.time() - recorder.status_path.stat().st_mtime]
        until(lambda: len(manager.times_of("WATCHDOG=1")) >= 4, 30, "four signs of life")
        ages.append(time.time() - recorder.status_path.stat().st_mtime)
        figure("status file: oldest while all is well", max(ages), "s", 2 * INTERVAL_S)
        recorder.signal(19)  # SIGSTOP
        written = recorder.status_path.stat().st_mtime
        fed = len(manager.times_of("WATCHDOG=1"))
        threading.Event().wait(3 * INTERVAL_S)
        assert recorder.status_path.stat().st_mtime == written
        assert len(manager.times_of("WATCHDOG=1")) == fed


def start_early(early: Early) -> dict[str, list[Future[None]]]:
    """Most of it is waiting for what must not come."""
    clip, figure = early.clips.get(LIVELY), early.figure

    def served(case: Callable[[Path, RtspServer], None], folder: Path, _: random.Random) -> None:
        with RtspServer({"main": clip.path}) as server:
            case(folder, server)

    cases: dict[str, Callable[[Path, RtspServer], None]] = {
        "loop": lambda folder, s: hangs(folder, s.url("main"), LOOP, "the loop", 20, figure),
        "writer": lambda folder, s: hangs(folder, s.url("main"), WRITER, "the writer", 60, figure),
        "frames": lambda folder, s: never_recording_without_frames(folder, s.url("main"), WRITER, figure),
        "away": lambda folder, s: feeds_while_reconnecting(folder, s, figure),
        "stopped": lambda folder, s: stopped_process(folder, s.url("main"), figure),
    }
    return {name: early.start(f"hang {name}", partial(served, case)) for name, case in cases.items()}


@pytest.mark.parametrize("case", ["loop", "writer", "frames", "away", "stopped"])
def test_hangs(case: str, early: Callable[[str], list[None]]) -> None:
    assert early(case)
