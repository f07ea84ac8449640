"""The tuning report: what the detector saw in a whole clip, and what other thresholds would have recorded.

`Report` collects from the frames that the tuning script watches; `report_page.py` makes the page.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2

from pynvr.detection.detector import Detection
from pynvr.detection.from_settings import make_detector
from pynvr.errors import SettingsError
from pynvr.events import Change, MotionEvents
from pynvr.media.frame import Frame, Image
from pynvr.settings import Settings

OTHER_THRESHOLDS = 0.5, 2.0
"""Factors: these thresholds are tried beside the one of the settings."""
MISS_SPAN_S = 5.0
"""The highest score of each such span without an event is a near miss."""
MOST_MISSES = 4
RUN_UP_S = 1.5
THUMBNAIL_PX = 360
LEAST_MISS = 0.02
"""Share of the threshold; a lower score is no near miss."""


@dataclass(slots=True)
class Moment:
    """A frame worth showing: the picture and the mask, side by side."""

    time_s: float
    score: float
    changed_px: int
    thumbnail: bytes
    """JPEG"""


@dataclass(slots=True)
class Event:
    """From the trigger to the end of the hold."""

    start_s: float
    end_s: float
    peak: Moment
    """The frame with motion in which most pixels changed."""
    highest: float
    """The highest score."""


class Report:
    """Collects what the page needs: a few pictures, and three numbers of each frame."""

    def __init__(self, settings: Settings, path: Path) -> None:
        """Raise at once what would otherwise fail at `path` after an hour of watching."""
        if importlib.util.find_spec("matplotlib") is None:
            raise SettingsError("--report draws with matplotlib: pip install -r requirements-report.txt")
        path.open("a").close()
        self.settings = settings
        self.threshold_px = float(settings.MOTION_AREA_THRESHOLD)
        self.times_s: list[float] = []
        self.scores: list[float] = []
        self.cpu_ms: list[float] = []
        self.events: list[Event] = []
        self.misses: dict[int, Moment] = {}
        self.others = [_Other(settings, factor) for factor in OTHER_THRESHOLDS]
        self._in_event = False

    def gap(self) -> None:
        """The next frame does not belong to the earlier ones."""
        for other in self.others:
            other.reset()

    def note(self, frame: Frame, detection: Detection, armed: bool, event: bool, cpu_s: float) -> None:
        """Take a frame, what was seen in it, and whether it belongs to an event."""
        self.times_s.append(frame.time)
        self.scores.append(detection.score)
        self.cpu_ms.append(1000 * cpu_s)
        for other in self.others:
            other.note(frame, armed)
        if event:
            self._note_event(frame, detection)
        elif armed:
            self._note_miss(frame, detection)

    def near_misses(self) -> list[Moment]:
        """The highest scores that made no event, highest first."""
        shown = sorted(self.misses.values(), key=lambda moment: -moment.score)[:MOST_MISSES]
        return [moment for moment in shown if moment.score >= LEAST_MISS * self.threshold_px]

    def suggestion(self) -> tuple[int, str]:
        """A threshold, in px, and why: the geometric mean of the weakest event and the strongest miss."""
        misses = self.near_misses()
        if not self.events:
            return round(self.threshold_px), "Nothing was motion, so there is nothing to go by: keep it."
        weakest = min(event.highest for event in self.events)
        strongest = max(misses[0].score if misses else 0.0, 1.0)
        if strongest < self.threshold_px / 2 and weakest > 2 * self.threshold_px:
            return (
                round(self.threshold_px),
                f"Keep it: the weakest event reached {weakest:.0f} px, nothing else over {strongest:.0f}.",
            )
        between = float(f"{math.sqrt(weakest * strongest):.2g}")
        return (
            max(1, round(between)),
            f"The weakest event reached {weakest:.0f} px, the strongest near miss {strongest:.0f}: this lies "
            "between. If one of the events below is none to you, take a value above its peak.",
        )

    def _note_event(self, frame: Frame, detection: Detection) -> None:
        if not self._in_event:
            self.events.append(Event(frame.time, frame.time, _moment(frame, detection), detection.score))
            # the scores that led up to the event are no misses
            self.misses = {
                span: miss for span, miss in self.misses.items() if miss.time_s < frame.time - RUN_UP_S
            }
        else:
            last = self.events[-1]
            last.end_s = frame.time
            last.highest = max(last.highest, detection.score)
            if detection.motion and detection.changed_px > last.peak.changed_px:
                last.peak = _moment(frame, detection)
        self._in_event = True

    def _note_miss(self, frame: Frame, detection: Detection) -> None:
        self._in_event = False
        span = int(frame.time // MISS_SPAN_S)
        best = self.misses.get(span)
        if detection.score > (best.score if best else 0.0):
            self.misses[span] = _moment(frame, detection)
        while len(self.misses) > 4 * MOST_MISSES:
            del self.misses[min(self.misses, key=lambda key: self.misses[key].score)]


class _Other:
    """The same detector with another threshold: what it would have recorded."""

    def __init__(self, settings: Settings, factor: float) -> None:
        self.threshold_px = settings.MOTION_AREA_THRESHOLD * factor
        self._detector = make_detector(settings)
        self._detector.area_threshold_px = self.threshold_px
        self._events = MotionEvents(settings.MINIMAL_MOTION_DURATION)
        self.starts_s: list[float] = []
        self.recorded_s = 0.0
        self._last_s: float | None = None

    def reset(self) -> None:
        """Forget what came before a gap."""
        self._detector.reset()
        self._events.reset()
        self._last_s = None

    def note(self, frame: Frame, armed: bool) -> None:
        motion = self._detector.detect(frame.image, frame.time).motion
        if self._events.update(frame.time, motion and armed) is Change.STARTED:
            self.starts_s.append(frame.time)
        if self._events.active and self._last_s is not None:
            self.recorded_s += frame.time - self._last_s
        self._last_s = frame.time


def _moment(frame: Frame, detection: Detection) -> Moment:
    height, width = frame.image.shape[:2]
    size = THUMBNAIL_PX, max(1, round(height * THUMBNAIL_PX / width))
    source = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(detection.mask, size, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(source, outlines, -1, (0, 255, 0), 1)
    both = cast(Image, cv2.hconcat([source, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)]))
    _, packed = cv2.imencode(".jpg", both, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return Moment(frame.time, detection.score, detection.changed_px, packed.tobytes())
