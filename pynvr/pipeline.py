"""The capture loop: the only place that knows the order of things."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pynvr.detection.detector import Detection, Detector
from pynvr.events import Change, MotionEvents
from pynvr.media.frame import Frame, Gap


class Recorder(Protocol):
    """Makes recordings of what it is told: of pictures (`recorder`) or of packets (`packetrecorder`)."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what was seen in it, and what that means."""

    def interrupt(self) -> None:
        """Close the open recording, if any: what follows is not connected."""

    def close(self) -> None:
        """Close the open recording and wait until all is written."""


def run(source: Iterable[Frame | Gap], detector: Detector, events: MotionEvents, recorder: Recorder) -> None:
    """Record what moves until the source ends."""
    for frame in source:
        if isinstance(frame, Gap):
            recorder.interrupt()
            detector.reset()
            events.reset()
            continue
        detection = detector.detect(frame.image, frame.time)
        change = events.update(frame.time, detection.motion)
        recorder.handle(frame, detection, change)
