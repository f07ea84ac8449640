"""The capture loop: from the source through detector and events to the recorder."""

from collections.abc import Iterable

from pynvr.detection.detector import Detector
from pynvr.events import MotionEvents
from pynvr.media.frame import Frame, Gap
from pynvr.recording.base import Recorder


def run(source: Iterable[Frame | Gap], detector: Detector, events: MotionEvents, recorder: Recorder) -> None:
    """Record what moves until the source ends."""
    for frame in source:
        if isinstance(frame, Gap):
            recorder.interrupt(frame.lost_before)
            detector.reset()
            events.reset()
            continue
        detection = detector.detect(frame.image, frame.time)
        change = events.update(frame.time, detection.motion)
        recorder.handle(frame, detection, change)
