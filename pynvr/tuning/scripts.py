"""The tuning scripts: the same detector on the same frames, shown instead of recorded."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Timer
from time import thread_time

from tqdm import tqdm

from pynvr.assembly import make_events, open_source
from pynvr.cli import argument_parser, run_command
from pynvr.detection.detector import Detection, MotionDetector
from pynvr.detection.from_settings import make_detector
from pynvr.errors import RecordingError, TakenError
from pynvr.events import MotionEvents
from pynvr.media.frame import Frame, Gap, Image
from pynvr.recording.encoding import check_codec
from pynvr.recording.label import draw_label
from pynvr.service.console import with_progress
from pynvr.service.malloc import keep_freed_pictures
from pynvr.settings import Settings
from pynvr.settings.loading import ConfigLoader
from pynvr.sources.base import Source
from pynvr.tuning import mosaic
from pynvr.tuning.report import Report
from pynvr.tuning.view import View

OVERTIME_S = 5.0
"""A camera that sends nothing has no time of its own. Then a timer ends the run, so much later."""

Painter = Callable[[Frame, Detection, float, str], Image]
"""Makes the picture to show from a frame, its detection, the seconds of hold left, and the state."""


def show_picture(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the camera's picture and its label, as `motion_detection_test.py` does; return the exit code."""
    return _tune(
        "Show what the camera sees and when motion is detected.", _labelled, 1, load_config, arguments
    )


def show_stages(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Show the detector's stages, as `motion_detection_test_with_contours.py` does; return the exit code."""
    return _tune(
        "Show the four stages of the motion detector.",
        lambda frame, seen, left_s, state: mosaic.mosaic(frame.image, seen, left_s, frame.time, state),
        2, load_config, arguments,
    )  # fmt: skip


def _labelled(frame: Frame, detection: Detection, hold_left_s: float, state: str) -> Image:
    image: Image = frame.image.copy()
    if hold_left_s > 0:
        draw_label(image, hold_left_s)
    return image


def _tune(
    description: str, painter: Painter, panes: int, load_config: ConfigLoader, arguments: Sequence[str] | None
) -> int:
    parser = argument_parser(description)
    add = parser.add_argument
    add("--output", metavar="FILE", type=Path, help="write what is shown into this video file")
    add("--no-window", action="store_true", help="do not show a window, even if there is a display")
    add("--alarms", metavar="FILE", type=Path, help="write when motion was detected, as JSON")
    add("--report", metavar="FILE", type=Path, help="write a page on what was seen and why; shows no window")
    add("--duration", metavar="SECONDS", type=seconds, help="end after so much of the stream")
    options = parser.parse_args(arguments)

    def command(settings: Settings, stop: Event) -> None:
        for path, suffix in ((options.alarms, ".json"), (options.report, ".html")):
            if path is not None and path.suffix != suffix and path.is_file() and path.stat().st_size:
                # a film, named where the report was asked for
                raise TakenError(path)
        for path in (options.output, options.alarms, options.report):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
        if options.alarms is not None:
            options.alarms.open("a").close()  # better to fail now than after an hour of watching
        keep_freed_pictures()
        check_codec(settings.FOURCC_CODEC)
        report = None if options.report is None else Report(settings, options.report)
        with ExitStack() as stack:
            source = open_source(settings, stop)
            stack.callback(source.close)
            detector, name = make_detector(settings), parser.prog.removesuffix(".py")
            view = View(settings, detector, source.nominal_fps, options, name, panes)
            stack.callback(view.close)
            events = make_events(settings, source.live)
            frames = _limited(source, options.duration, stop)
            alarms = _watch(frames, detector, events, painter, view, report)
        if view.wrote_nothing:
            raise RecordingError("there was no picture to write")
        for alarm in alarms:
            told = "motion from {start_s:.2f} to {end_s:.2f} s (frames {start_frame} to {end_frame})"
            print(told.format(**alarm))
        print(f"{len(alarms)} times motion")
        if options.alarms is not None:
            options.alarms.write_text(json.dumps(alarms, indent=1) + "\n", encoding="utf-8")
        for line in view.changed_settings():
            print(line)
        if report is not None:
            from pynvr.tuning import report_page  # matplotlib takes half a second to import

            report_page.write(report, options.report)
            print(f"the report is {options.report}")

    return run_command(command, load_config, options)


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _limited(source: Source, duration_s: float | None, stop: Event) -> Iterator[Frame | Gap]:
    """The source's frames, for some seconds of its own time if asked, with a progress bar."""
    if duration_s is None:
        yield from with_progress(source)
        return
    timer = Timer(duration_s + OVERTIME_S, stop.set)
    if source.live:
        timer.start()
    first_s: float | None = None
    try:
        with tqdm(total=duration_s, unit=" s", disable=not sys.stderr.isatty()) as bar:
            for frame in source:
                if isinstance(frame, Frame):
                    first_s = frame.time if first_s is None else first_s
                    passed_s = frame.time - first_s
                    if passed_s >= duration_s:
                        return
                    bar.update(round(passed_s - bar.n, 1))
                yield frame
    finally:
        timer.cancel()


def _watch(
    frames: Iterable[Frame | Gap],
    detector: MotionDetector,
    events: MotionEvents,
    painter: Painter,
    view: View,
    report: Report | None,
) -> list[dict[str, float]]:
    """Run the detector over the source and show each frame until the source or the user ends it.

    Return the runs of frames with motion in each, before any hold time.
    """
    alarms: list[dict[str, float]] = []
    moving = False
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
        if detection.motion and not moving:
            alarms.append({"start_frame": frame.index, "end_frame": 0, "start_s": frame.time, "end_s": 0.0})
        if detection.motion:
            alarms[-1] |= {"end_frame": frame.index, "end_s": frame.time}
        moving = detection.motion
        armed, hold_left_s = events.armed(frame.time), events.hold_left(frame.time)
        if report is not None:
            report.note(frame, detection, armed, events.active, cpu_s)
        if view.wanted:
            state = mosaic.state_of(armed, detection, hold_left_s)
            if not view.show(painter(frame, detection, hold_left_s, state), frame.time):
                break
    return alarms
