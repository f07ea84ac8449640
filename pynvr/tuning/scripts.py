"""The tuning scripts: the same detector on the same frames, shown instead of recorded."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Timer
from time import thread_time

import cv2
from tqdm import tqdm

from pynvr.assembly import make_archive, make_events, open_source
from pynvr.cli import argument_parser, run_command
from pynvr.detection.detector import Detection, MotionDetector
from pynvr.detection.from_settings import make_detector
from pynvr.errors import RecordingError
from pynvr.media.frame import Frame, Gap, Image
from pynvr.recording.clip import Clip
from pynvr.recording.encoding import check_codec
from pynvr.recording.label import draw_label
from pynvr.service.console import with_progress
from pynvr.settings import Settings
from pynvr.settings.loading import ConfigLoader
from pynvr.sources.base import Source
from pynvr.tuning import mosaic, window
from pynvr.tuning.controls import Action, Controls
from pynvr.tuning.report import Report

log = logging.getLogger(__name__)

ZONE_SIZE = 500, 500
"""Zones are drawn at this size for showing, and then stretched."""

Painter = Callable[[Frame, Detection, float, str], Image]
"""Makes the picture to show of a frame, what was seen in it, the seconds of hold left, and the state."""


def show_picture(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the camera's picture and its label, as `motion_detection_test.py` does; return the exit code."""
    return _tune(
        "Show what the camera sees and when motion is detected.", _labelled, 1, load_config, arguments
    )


def show_stages(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the detector's stages, as `motion_detection_test_with_contours.py` does; return the exit code."""
    return _tune("Show the four stages of the motion detector.", _stages, 2, load_config, arguments)


def _labelled(frame: Frame, detection: Detection, hold_left_s: float, state: str) -> Image:
    image: Image = frame.image.copy()
    if hold_left_s > 0:
        draw_label(image, hold_left_s)
    return image


def _stages(frame: Frame, detection: Detection, hold_left_s: float, state: str) -> Image:
    return mosaic.mosaic(frame.image, detection, hold_left_s, frame.time, state)


@dataclass(slots=True)
class Alarm:
    """A run of frames for each of which the detector says motion, before any hold time."""

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


def _tune(
    description: str, painter: Painter, panes: int, load_config: ConfigLoader, arguments: Sequence[str] | None
) -> int:
    parser = argument_parser(description)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write what is shown into this video file"
    )
    parser.add_argument(
        "--no-window", action="store_true", help="do not show a window, even if there is a display"
    )
    parser.add_argument("--alarms", metavar="FILE", type=Path, help="write when motion was detected, as JSON")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, help="write a page on what was seen and why; shows no window"
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=_seconds, help="end after so much of the stream"
    )
    options = parser.parse_args(arguments)

    def command(settings: Settings, stop: Event) -> None:
        if options.alarms is not None:
            options.alarms.open("a").close()  # better to fail now than after an hour of watching
        check_codec(settings.FOURCC_CODEC)
        report = Report(settings) if options.report is not None else None
        if report is not None:
            report.check_writable(options.report)
        with ExitStack() as stack:
            source = open_source(settings, stop)
            stack.callback(source.close)
            view = _View(settings, source, options, parser.prog.removesuffix(".py"), panes)
            stack.callback(view.close)
            alarms = _watch(settings, _Limited(source, options.duration, stop), painter, view, report)
        for alarm in alarms.alarms:
            print(
                f"motion from {alarm.start_s:.2f} to {alarm.end_s:.2f} s "
                f"(frames {alarm.start_frame} to {alarm.end_frame})"
            )
        print(f"{len(alarms.alarms)} times motion")
        if options.alarms is not None:
            alarms.write(options.alarms)
        for line in view.changed_settings():
            print(line)
        if report is not None:
            from pynvr.tuning import report_page  # matplotlib takes half a second to import

            report_page.write(report, options.report)
            print(f"the report is {options.report}")

    return run_command(command, load_config, options, {})


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


class _Limited:
    """A source that ends after some seconds of its own time, if asked."""

    OVERTIME_S = 5.0
    """A camera that sends nothing has no time of its own; the clock ends it so much later."""

    def __init__(self, source: Source, duration_s: float | None, stop: Event) -> None:
        self._source = source
        self._duration_s = duration_s
        self._stop = stop
        self.live = source.live

    def __iter__(self) -> Iterator[Frame | Gap]:
        if self._duration_s is None:
            yield from with_progress(self._source)
            return
        timer = Timer(self._duration_s + self.OVERTIME_S, self._stop.set)
        if self.live:
            timer.start()
        first_s: float | None = None
        try:
            with tqdm(total=self._duration_s, unit=" s", disable=not sys.stderr.isatty()) as bar:
                for frame in self._source:
                    if isinstance(frame, Frame):
                        first_s = frame.time if first_s is None else first_s
                        passed_s = frame.time - first_s
                        if passed_s >= self._duration_s:
                            return
                        bar.update(round(passed_s - bar.n, 1))
                    yield frame
        finally:
            timer.cancel()


def _watch(
    settings: Settings, frames: _Limited, painter: Painter, view: _View, report: Report | None
) -> AlarmList:
    """Run the detector over the source and show each frame until the source or the user ends it."""
    detector, events, alarms = make_detector(settings), make_events(settings, frames.live), AlarmList()
    view.control(detector)
    for frame in frames:
        if isinstance(frame, Gap):
            detector.reset()
            events.reset()
            if report is not None:
                report.gap()
            continue
        started_s = thread_time()
        detection = detector.detect(frame.image, frame.time)
        cpu_s = thread_time() - started_s
        events.update(frame.time, detection.motion)
        alarms.note(frame, detection.motion)
        armed, hold_left_s = events.armed(frame.time), events.hold_left(frame.time)
        if report is not None:
            report.note(frame, detection, armed, events.active, cpu_s)
        if view.wanted:
            state = mosaic.state_of(armed, detection, hold_left_s)
            if not view.show(painter(frame, detection, hold_left_s, state), frame.time):
                break
    return alarms


class _View:
    """Where the pictures go: a window, a file, both, or nowhere beside a report."""

    PAUSE_MS = 50

    def __init__(
        self, settings: Settings, source: Source, options: argparse.Namespace, name: str, panes: int
    ) -> None:
        """`panes` is how many of them the picture has in each direction."""
        no_window = options.no_window or options.report is not None
        output: Path | None = options.output
        self._settings = settings
        self._name = name
        self._window = None if no_window or not window.available() else window.Window(name)
        self._clip: Clip | None = None
        self._controls: Controls | None = None
        self._shape: tuple[int, ...] = (1, 1)
        self._panes = panes
        if self._window is None and output is None and options.report is None:
            stem = make_archive(settings).new_stem(datetime.now(timezone.utc), name)
            output = stem.with_name(stem.name + settings.OUTPUT_FILES_EXTENSION)
        if output is not None:
            if self._window is None:
                reason = "as asked" if no_window else "there is no display"
                print(f"no window ({reason}): writing what it would show to {output}")
            self._clip = Clip(output, settings.FOURCC_CODEC, source.nominal_fps)

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at the pictures."""
        return self._window is not None or self._clip is not None

    def control(self, detector: MotionDetector) -> None:
        """Let the keys and the mouse of the window change this detector."""
        self._detector = detector
        self._controls = Controls(detector, detector.zones.with_regions(()), self._settings.MOTION_REGIONS)
        if self._window is not None:
            print(Controls.HELP)
            self._window.listen(self._clicked)

    def show(self, image: Image, time: float) -> bool:
        """Show a picture; False when the user has had enough."""
        self._shape = image.shape
        if self._controls is None:
            raise RuntimeError("control comes first")
        self._draw_zones(image)
        if self._clip is not None:
            self._clip.write(image, time)
        if self._window is None:
            return True
        action = self._controls.key(self._window.show(image))
        if action is Action.PAUSE:
            action = self._paused(image)
        if action is Action.SAVE:
            self._save(image, time)
        return action is not Action.END

    def changed_settings(self) -> list[str]:
        """What was changed by keys and mouse, as lines for the settings."""
        return self._controls.changed_settings() if self._controls is not None else []

    def close(self) -> None:
        """Finish the file and take the window away."""
        try:
            if self._clip is not None and self._clip.close() == 0:
                raise RecordingError("there was no picture to write")
        finally:
            if self._window is not None:
                self._window.close()

    def _paused(self, image: Image) -> Action:
        """Show one picture until space or the end; regions can be drawn all the while."""
        if self._window is None or self._controls is None:
            return Action.NONE
        while True:
            shown = image.copy()
            self._draw_zones(shown)
            action = self._controls.key(self._window.show(shown, self.PAUSE_MS))
            if action is Action.SAVE:
                self._save(shown, None)
            elif action is not Action.NONE:
                return Action.END if action is Action.END else Action.NONE

    def _draw_zones(self, image: Image) -> None:
        """On the source: the whole picture, or its upper left pane."""
        if self._controls is None:
            return
        height, width = image.shape[0] // self._panes, image.shape[1] // self._panes
        looked_at = self._detector.zones.drawn(*ZONE_SIZE)
        mosaic.draw_zones(image[:height, :width], looked_at, self._controls.corners)

    def _clicked(self, x: int, y: int, right: bool) -> None:
        """Any pane will do: all show the same scene."""
        if self._controls is None:
            return
        height, width = self._shape[0] // self._panes, self._shape[1] // self._panes
        if right:
            self._controls.close_region()
        else:
            self._controls.click((x % width / width, y % height / height))

    def _save(self, image: Image, time: float | None) -> None:
        stem = make_archive(self._settings).new_stem(datetime.now(timezone.utc), self._name)
        path = stem.with_name(stem.name + ".png")
        if not cv2.imwrite(str(path), image):
            raise RecordingError(f"{path}: cannot be written")
        print(f"saved {path}" + (f" ({time:.2f} s)" if time is not None else ""))
