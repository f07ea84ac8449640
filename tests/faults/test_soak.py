"""A long life in a short time: events, reconnects and failed opens, and nothing grows.

In this process: a scripted camera takes OpenCV's place at the doors where pynvr asks for one
(`Opener.open`); all else is real: threads, encoder, archive, index, and
OpenCV for the failed opens.
"""

from __future__ import annotations

import gc
import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from harness import SILENT, Measure, closed_files, open_files
from recordings import read_index

from pynvr import assembly, pipeline
from pynvr.archive.closing import recover
from pynvr.assembly import make_archive, make_events, open_source
from pynvr.detection.from_settings import make_detector
from pynvr.media.container import survey
from pynvr.media.frame import Image
from pynvr.notify.from_settings import Notifications
from pynvr.service.health import Health
from pynvr.settings import Settings
from pynvr.sources import opening, packet_camera, pauses, reader
from pynvr.sources.opening import Opener, Timeouts
from pynvr.sources.times import pace

WARM_UP = 0.2
"""Share of the course after which memory counts: libraries fill their caches in the beginning."""
FPS = 100
BUFFERED_S = 1.0
"""What nobody reads for so long, the camera and the network keep."""
PATIENCE_S = 60
"""A stream that has not begun anew by then never will."""
MOVING, RESTING = 6, 14
"""Frames of an event and between two."""


class Course:
    """What the scripted camera has done so far, in all its connections."""

    def __init__(
        self, events: int, reconnects: int, failures: int, seed: int, together: threading.Barrier
    ) -> None:
        """`together` is where the streams of a camera wait for each other before they begin anew."""
        self.capture = ScriptedCapture
        self.together = together
        self.events, self.reconnects, self.failures = events, reconnects, failures
        self.shown = self.connections = self.failed = 0
        self.done = threading.Event()
        self.dice = random.Random(seed)
        quiet = np.full((120, 160, 3), 90, np.uint8)
        self.pictures = [quiet, quiet.copy()]
        self.pictures[1][30:90, 40:120] = 200
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.closed_port = listener.getsockname()[1]

    @property
    def share(self) -> float:
        """How much of everything is done."""
        return min(
            self.shown / self.events,
            self.connections / (self.reconnects + 1),
            self.failed / max(1, self.failures),
        )

    def open(self, timeouts: Timeouts, really: Callable[..., Any]) -> ScriptedCapture:
        """Fail as often as it is due, by OpenCV's own means, then connect."""
        if self.failed < self.failures * (self.connections + 1) / (self.reconnects + 1):
            self.failed += 1
            really(f"rtsp://127.0.0.1:{self.closed_port}/refused", timeouts)
            raise AssertionError("a refused port was opened")
        self.together.wait(PATIENCE_S)
        self.connections += 1
        return self.capture(self)


class ScriptedCapture:
    """One connection: so many events, then it breaks, now and then in the middle of one."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._number = 0
        self._events = -(-course.events // (course.reconnects + 1))
        self._last = self._events * (MOVING + RESTING) + course.dice.choice([0, MOVING // 2])
        self._due = time.monotonic()
        self._over = self.released = False

    def read(self, _: None = None) -> tuple[bool, Image | None]:
        course = self._course
        if self._over:
            return False, None
        self._due = max(self._due + 1 / FPS, time.monotonic() - BUFFERED_S)
        course.done.wait(max(0.0, self._due - time.monotonic()))
        self._number += 1
        place = (self._number - 1) % (MOVING + RESTING)
        course.shown += place == RESTING + 1 and self._number <= self._last
        if course.shown >= course.events and course.connections > course.reconnects:
            course.done.set()
        if self._number > self._last and course.connections <= course.reconnects:
            self._over = True
            return False, None
        moved = place >= RESTING and place % 2
        return True, course.pictures[int(moved)].copy()

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_POS_MSEC: self._number * 1000 / FPS}.get(prop, 0.0)

    def release(self) -> None:
        self.released = True


class ScriptedPackets(ScriptedCapture):
    """The same as packets, each of them a JPEG."""

    def __init__(self, course: Course) -> None:
        super().__init__(course)
        self._packets = [cv2.imencode(".jpg", picture)[1].reshape(1, -1) for picture in course.pictures]

    def read(self, _: None = None) -> tuple[bool, Any]:
        received, picture = super().read()
        return received, None if picture is None else self._packets[int(picture.max() == 200)]

    def retrieve(self, _: None, stream: int) -> tuple[bool, None]:
        return False, None

    def get(self, prop: int) -> float:
        facts = {
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
            cv2.CAP_PROP_FRAME_WIDTH: 160,
            cv2.CAP_PROP_FRAME_HEIGHT: 120,
            cv2.CAP_PROP_LRF_HAS_KEY_FRAME: 1,
        }
        return float(facts[prop]) if prop in facts else super().get(prop)


def resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def keep_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest keeps every line that is logged until the test ends: 30 MB of them in 2,000 events."""
    root = logging.getLogger()
    own = [handler for handler in root.handlers if type(handler).__module__ != "_pytest.logging"]
    monkeypatch.setattr(root, "handlers", own)


@pytest.mark.usefixtures("greedy")
@pytest.mark.lasts(600)
@pytest.mark.parametrize("seed", [1])
@SILENT
def test_soak(
    seed: int,
    mode: str,
    stack: ExitStack,
    make_settings: Callable[..., Settings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    long_form: bool,
    logged_errors: list[str],
    figure: Measure,
) -> None:
    keep_no_log(monkeypatch)  # here, since pytest begins anew after the fixtures
    events, reconnects, failures = (2000, 500, 2000) if long_form else (160, 40, 160)
    # what one of the two streams shows while the other is away is nobody's event, so both are lost together
    together = threading.Barrier(1 if mode == "encode" else 2)
    course, packets = (Course(events, reconnects, failures, seed, together) for _ in range(2))
    packets.capture = ScriptedPackets
    really = Opener.open

    def open_scripted(opener: Opener, *properties: int) -> ScriptedCapture:
        scripted = packets if properties else course
        return scripted.open(opener.timeouts, lambda cam, timeouts: really(Opener(cam, timeouts)))

    monkeypatch.setattr(Opener, "open", open_scripted)
    monkeypatch.setattr(pauses, "FIRST_PAUSE_S", 0.005)
    monkeypatch.setattr(pauses, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(opening, "IS_READ_WITHIN_S", 0.001)
    monkeypatch.setattr(pace, "LONGEST_OPENING_S", 0.0)  # a connection is shorter than its opening would be
    monkeypatch.setattr(packet_camera, "A_FEW", reader.AT_ONCE)  # of a loss, too, one hears at once
    settings = make_settings(
        RECORDING_MODE=mode,
        cam="rtsp://viewer:secret@camera/small",
        RECORDING_CAM=None if mode == "encode" else "rtsp://viewer:secret@camera/large",
        PRE_ALARM_RECORDING_SECONDS=0.03,
        MINIMAL_MOTION_DURATION=0.05,
        INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS=0,
        FOURCC_CODEC="mp4v",
        OUTPUT_FILES_EXTENSION=".mp4",  # JPEG packets are not for it, and come into an .avi
        ARCHIVE_MIN_FREE_GB=None,
    )
    stop = threading.Event()
    threads = threading.active_count()
    archive = make_archive(settings)
    archive.open()
    recover(archive)
    source = open_source(settings, stop)
    told = stack.enter_context(Notifications(settings, archive, assembly.make_arming(settings, archive)))
    chosen = assembly.choose(settings, stop, stack)
    writer = assembly.make_writer(settings, chosen, archive, live=True)
    samples: list[tuple[float, float, int, int]] = []

    def watch() -> None:
        while not course.done.wait(0.5):
            samples.append((course.share, resident_mb(), descriptors(), threading.active_count()))
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with Health(source, writer, archive.root, tmp_path / "status.json", chosen.packets) as health:
        recorder = assembly.make_recorder(settings, chosen, source, writer, told)
        pipeline.run(
            health.counted(iter(source)), make_detector(settings), make_events(settings, True), recorder
        )
        recorder.close()
    watcher.join()
    source.close()
    stack.close()
    archive.close()

    settled = [sample for sample in samples if sample[0] > WARM_UP]
    assert len(settled) > 10, "too few samples to tell"
    assert course.connections == reconnects + 1
    assert course.failed == failures
    entries = read_index(archive.root)
    made = {path.relative_to(archive.root).as_posix() for path in closed_files(archive.root)}
    assert len(entries) >= 0.95 * events, "the script's events did not become recordings"
    unequal = len(made ^ {entry["file"] for entry in entries})
    grown = np.mean([s[1] for s in settled[-5:]]) - np.mean([s[1] for s in settled[:5]])
    figure("soak: memory grew by", float(grown), "MB", 30)
    # an open recording has a few of its own
    few = min(s[2] for s in settled[: len(settled) // 2])
    late = min(s[2] for s in settled[len(settled) // 2 :])
    figure("soak: descriptors grew by", late - few, "", 0)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):  # of the latest opening; it ends by itself
            thread.join(1)
    figure("soak: threads left", threading.active_count() - threads, "", 0)
    figure("soak: index lines without file, or files without line", unequal, "", 0)
    assert len({entry["file"] for entry in entries}) == len(entries)
    assert open_files(archive.root) == []
    for entry in random.Random(seed).sample(entries, 20):
        assert survey(archive.root / entry["file"]).count == entry["frames"] > 0
    status = source.status()
    assert status is not None and status.dropped == writer.dropped == 0
    assert not any("secret" in message for message in logged_errors)
