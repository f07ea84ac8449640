"""Collects the runs of frames in which the detector says motion, for `--alarms`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pynvr.media.frame import Frame


@dataclass(slots=True)
class Alarm:
    """A run of frames with motion in each, before any hold time."""

    start_frame: int
    end_frame: int
    start_s: float
    end_s: float


class AlarmList:
    """Collects alarms, frame by frame."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self._running = False

    def note(self, frame: Frame, motion: bool) -> None:
        """Take the next frame and the detector's answer."""
        if motion and self._running:
            self.alarms[-1].end_frame, self.alarms[-1].end_s = frame.index, frame.time
        elif motion:
            self.alarms.append(Alarm(frame.index, frame.index, frame.time, frame.time))
        self._running = motion

    def write(self, path: Path) -> None:
        """Write them as a JSON list."""
        path.write_text(
            json.dumps([asdict(alarm) for alarm in self.alarms], indent=1) + "\n", encoding="utf-8"
        )
