"""The tuning scripts: the same detector on the same frames, shown instead of recorded."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Event

from pynvr import display, overlay
from pynvr.cli import (
    ConfigLoader,
    argument_parser,
    make_archive,
    make_events,
    open_source,
    run_command,
    with_progress,
)
from pynvr.clip import Clip
from pynvr.detector import Detection
from pynvr.detectors import make_detector
from pynvr.encoder import check_codec
from pynvr.errors import RecordingError
from pynvr.frame import Frame, Gap, Image, Source
from pynvr.settings import Settings

log = logging.getLogger(__name__)

Painter = Callable[[Frame, Detection, float], Image]
"""Makes the picture to show of a frame, of what was seen in it, and of the seconds of hold left."""


def show_picture(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the camera's picture and its label, as `motion_detection_test.py` does; return the exit code."""
    return _tune("Show what the camera sees and when motion is detected.", _labelled, load_config, arguments)


def show_stages(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the detector's stages, as `motion_detection_test_with_contours.py` does; return the exit code."""
    return _tune("Show the four stages of the motion detector.", _stages, load_config, arguments)


def _labelled(frame: Frame, detection: Detection, hold_left_s: float) -> Image:
    image: Image = frame.image.copy()
    if hold_left_s > 0:
        overlay.draw_label(image, hold_left_s)
    return image


def _stages(frame: Frame, detection: Detection, hold_left_s: float) -> Image:
    return overlay.mosaic(frame.image, detection, hold_left_s)


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
    description: str, painter: Painter, load_config: ConfigLoader, arguments: Sequence[str] | None
) -> int:
    parser = argument_parser(description)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write what is shown into this video file"
    )
    parser.add_argument(
        "--no-window", action="store_true", help="do not show a window, even if there is a display"
    )
    parser.add_argument("--alarms", metavar="FILE", type=Path, help="write when motion was detected, as JSON")
    options = parser.parse_args(arguments)

    def command(settings: Settings, stop: Event) -> None:
        if options.alarms is not None:
            options.alarms.open("a").close()  # better to fail now than after an hour of watching
        check_codec(settings.FOURCC_CODEC)
        with ExitStack() as stack:
            source = open_source(settings, stop)
            stack.callback(source.close)
            view = _View(settings, source, options.output, parser.prog.removesuffix(".py"), options.no_window)
            stack.callback(view.close)
            alarms = _watch(settings, source, painter, view)
        for alarm in alarms.alarms:
            print(
                f"motion from {alarm.start_s:.2f} to {alarm.end_s:.2f} s "
                f"(frames {alarm.start_frame} to {alarm.end_frame})"
            )
        print(f"{len(alarms.alarms)} times motion")
        if options.alarms is not None:
            alarms.write(options.alarms)

    return run_command(command, load_config, options, {})


def _watch(settings: Settings, source: Source, painter: Painter, view: _View) -> AlarmList:
    """Run the detector over the source and show each frame until the source or the user ends it."""
    detector, events, alarms = make_detector(settings), make_events(settings, source.live), AlarmList()
    for frame in with_progress(source):
        if isinstance(frame, Gap):
            detector.reset()
            events.reset()
            continue
        detection = detector.detect(frame.image, frame.time)
        events.update(frame.time, detection.motion)
        alarms.note(frame, detection.motion)
        if not view.show(painter(frame, detection, events.hold_left(frame.time)), frame.time):
            break
    return alarms


class _View:
    """Where the pictures go: a window, a file, or both."""

    def __init__(
        self, settings: Settings, source: Source, output: Path | None, name: str, no_window: bool
    ) -> None:
        self._window = None if no_window or not display.available() else display.Window(name)
        self._clip: Clip | None = None
        if self._window is None and output is None:
            stem = make_archive(settings).new_stem(datetime.now(timezone.utc), name)
            output = stem.with_name(stem.name + settings.OUTPUT_FILES_EXTENSION)
        if output is not None:
            if self._window is None:
                reason = "as asked" if no_window else "there is no display"
                print(f"no window ({reason}): writing what it would show to {output}")
            self._clip = Clip(output, settings.FOURCC_CODEC, source.nominal_fps)

    def show(self, image: Image, time: float) -> bool:
        """Show a picture; False when the user has had enough."""
        if self._clip is not None:
            self._clip.write(image, time)
        return self._window is None or self._window.show(image)

    def close(self) -> None:
        """Finish the file and take the window away."""
        try:
            if self._clip is not None and self._clip.close() == 0:
                raise RecordingError("there was no picture to write")
        finally:
            if self._window is not None:
                self._window.close()
