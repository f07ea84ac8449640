"""What hangs is not fed: the watchdog gets no sign of life, and the status says so."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from harness import LIVELY, Clips, Measure, serving
from rtsp import RtspServer, needs_rtsp
from running import RecorderProcess, Start, until

pytestmark = needs_rtsp

WATCHDOG_S = 30
"""WatchdogSec of service/pynvr.service."""
INTERVAL_S = 5
DRIVER = """
import importlib, sys, threading, time
from pynvr import cli
from pynvr.detection import classic
from pynvr.recording import part_file
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
WRITER = "part_file.PipedFile._write = hanging(part_file.PipedFile._write, 40)"


class ServiceManager:
    """A NOTIFY_SOCKET, and when which messages came."""

    def __init__(self, folder: Path) -> None:
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


@dataclass(frozen=True)
class Service:
    """What a case of this file has to do with."""

    server: RtspServer
    manager: ServiceManager
    start: Start

    def recorder(self, patch: str = "") -> RecorderProcess:
        return self.start(
            DRIVER.format(patch=patch),
            {"NOTIFY_SOCKET": str(self.manager.address)},
            cam=self.server.url("main"),
            CAMERA_QUEUE_LIMIT_MB=8,
        )


@pytest.fixture
def service(tmp_path: Path, stack: ExitStack, clips: Clips, start: Start) -> Service:
    server = stack.enter_context(serving(clips.get(LIVELY)))
    return Service(server, stack.enter_context(closing(ServiceManager(tmp_path))), start)


HANGS = {"the loop": (LOOP, 20), "the writer": (WRITER, 60)}


@pytest.mark.lasts(90)
@pytest.mark.parametrize("what", HANGS)
def test_what_hangs_is_not_fed(repetition: int, what: str, service: Service, figure: Measure) -> None:
    patch, limit_s = HANGS[what]
    recorder, manager = service.recorder(patch), service.manager
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


def test_never_recording_without_frames(repetition: int, service: Service, figure: Measure) -> None:
    """The state "recording" has to end soon after the last frame was written."""
    recorder = service.recorder(WRITER)
    hung = recorder.wait_for("hangs now", timeout_s=40).time
    recorder.wait_for_status(state="recording")
    until(lambda: recorder.status().get("state") != "recording", 60, "another state than recording")
    figure('nothing is written: status stops to say "recording"', time.monotonic() - hung, "s", 20)


def test_feeds_while_reconnecting(repetition: int, service: Service, figure: Measure) -> None:
    recorder, manager = service.recorder(), service.manager
    recorder.wait_for("motion")
    service.server.kill()
    recorder.wait_for("trying again")
    began = time.monotonic()
    threading.Event().wait(4 * INTERVAL_S)
    moments = [began, *(m for m in manager.times_of("WATCHDOG=1") if m > began), time.monotonic()]
    longest = max(later - sooner for sooner, later in pairwise(moments))
    figure("camera is away: longest time without feeding the watchdog", longest, "s", WATCHDOG_S / 2)
    assert recorder.status()["state"] == "connecting"
    recorder.stop()
    assert manager.times_of("STOPPING=1")


def test_stopped_process(repetition: int, service: Service, figure: Measure) -> None:
    """All of it hangs: the status file goes stale, which is how others notice."""
    recorder, manager = service.recorder(), service.manager
    recorder.wait_for("motion")
    recorder.wait_for_status(state="recording")
    ages = [time.time() - recorder.status_path.stat().st_mtime]
    until(lambda: len(manager.times_of("WATCHDOG=1")) >= 4, 30, "four signs of life")
    ages.append(time.time() - recorder.status_path.stat().st_mtime)
    figure("status file: oldest while all is well", max(ages), "s", 2 * INTERVAL_S)
    recorder.freeze()
    written = recorder.status_path.stat().st_mtime
    fed = len(manager.times_of("WATCHDOG=1"))
    threading.Event().wait(3 * INTERVAL_S)
    assert recorder.status_path.stat().st_mtime == written
    assert len(manager.times_of("WATCHDOG=1")) == fed
