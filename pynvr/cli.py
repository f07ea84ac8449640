"""The command line of the recorder: from arguments to an exit code."""

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pynvr import assembly, check, pipeline
from pynvr.archive.closing import recover
from pynvr.archive.index import INDEX_NAME
from pynvr.detection.from_settings import at_its_pace, make_detector
from pynvr.errors import HangingError, PynvrError, StoppedError
from pynvr.media.opencv import work_lightly
from pynvr.notify.from_settings import Notifications
from pynvr.pages.from_settings import make_page, open_page
from pynvr.redaction import without_password
from pynvr.service import logs
from pynvr.service.console import streams_made_lasting, with_progress
from pynvr.service.health import Health
from pynvr.service.malloc import share_freed_memory
from pynvr.service.native_output import native_output_logged
from pynvr.service.permissions import files_for
from pynvr.service.stopping import Stop, armed_by_signals, stop_on_signals, threads_watched
from pynvr.settings import Settings, load
from pynvr.settings.loading import ConfigLoader, import_config
from pynvr.settings.strangers import settings_files, warn_of_strangers
from pynvr.sources.camera import A_FEW
from pynvr.sources.stoppable import may_end

log = logging.getLogger(__name__)


def record(load_config: ConfigLoader, arguments: Sequence[str] | None = None) -> int:
    """Run the recorder as `motion_driven_recorder.py` does and return its exit code."""
    parser = argument_parser("Record a camera when something moves, seconds before it included.")
    parser.add_argument(
        "--path-for-video", dest="PATH_FOR_VIDEO", metavar="DIR", type=lambda name: Path(name).absolute(),
        help="the archive, instead of PATH_FOR_VIDEO",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="try everything out, say what was found, record nothing"
    )
    options = parser.parse_args(arguments)
    return run_command(_check if options.check else _record, load_config, options)


def argument_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that all scripts have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cam", help="the camera, instead of the setting cam: number, URL, file or demo")
    parser.add_argument("--config", metavar="FILE", type=Path, help="one more file of settings, read last")
    return parser


def run_command(
    command: Callable[[Settings, Stop], None], load_config: ConfigLoader, options: argparse.Namespace
) -> int:
    """Run a command with settings, log and signals in place; every error ends as one line and a code.

    If a thread hangs, or still waits for a camera's timeout, the process ends here.
    """
    _speak_utf8()
    code, ends = 0, True
    with streams_made_lasting():
        try:
            _run(command, load_config, options)
        except Exception as error:  # of a fault of the program, the log has the traceback
            known = isinstance(error, (PynvrError, OSError))
            print(f"pynvr: {without_password(str(error) if known else repr(error))}", file=sys.stderr)
            code, ends = getattr(error, "exit_code", 1), not isinstance(error, HangingError)
        finally:
            logs.stop()
    if not ends or not may_end():
        os._exit(code)
    return code


def _speak_utf8() -> None:
    """Start anew in Python's UTF-8 mode if the locale has another encoding, as LC_ALL=C does.

    In that encoding names in the settings, which are UTF-8, would match no file.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _run(
    command: Callable[[Settings, Stop], None], load_config: ConfigLoader, options: argparse.Namespace
) -> None:
    stop, config = Stop(), import_config(load_config)
    given = {name: getattr(options, name, None) for name in ("cam", "PATH_FOR_VIDEO")}
    overrides = {name: value for name, value in given.items() if value is not None}
    settings = load(config, options.config, overrides)
    work_lightly()
    share_freed_memory()
    older = settings.LOG_FILE_PATH, settings.PATH_FOR_VIDEO / INDEX_NAME
    private = files_for(settings.ARCHIVE_GROUP_READABLE, older)
    with threads_watched(stop), stop_on_signals(stop), private:
        logs.start(settings)
        with logs.failure_logged(), native_output_logged(settings.LOG_FILE_PATH):
            warn_of_strangers(settings, settings_files(config, options.config), options.cam)
            command(settings, stop)
            stop.raise_failure()


def _check(settings: Settings, stop: Stop) -> None:
    with ExitStack() as stack:
        make_detector(settings)  # raises if its mask cannot be read
        mode = assembly.choose(settings, stop, stack)
        archive = assembly.open_archive(settings, stack)
        Notifications(settings, archive, assembly.make_arming(settings, archive))  # raises if it cannot work
        make_page(settings, archive)
        source = assembly.open_source(settings, stop, packets=mode.packets)
        stack.callback(source.close)
        # a camera that is not there would be tried for ever
        patience_s = settings.CAMERA_OPEN_TIMEOUT_SECS + settings.CAMERA_READ_TIMEOUT_SECS
        timer = threading.Timer(patience_s, stop.set)
        timer.start()
        stack.callback(timer.cancel)
        check.check(settings, source, archive, mode.packets)


def _record(settings: Settings, stop: Stop) -> None:
    every = make_detector(settings)
    detector = at_its_pace(every, settings)
    with ExitStack() as stack:
        archive = assembly.open_archive(settings, stack)
        arming = assembly.make_arming(settings, archive)
        page_observers = open_page(settings, archive, stack)
        told = stack.enter_context(Notifications(settings, archive, arming))
        stack.enter_context(arming)
        stack.enter_context(armed_by_signals(arming.say))
        recover(archive)  # before the camera is opened, whose queues would overflow meanwhile
        try:
            mode = assembly.choose(settings, stop, stack)
            # in copy mode only the detector needs the pictures
            reduce = every.reduced if mode.packets else None
            source = assembly.open_source(settings, stop, A_FEW, reduce, mode.packets)
        except StoppedError as error:
            log.info("%s", error)
            return
        stack.callback(source.close)
        writer = assembly.make_writer(settings, mode, archive, source.live, stop.fail)
        health = stack.enter_context(
            Health(
                source,
                writer,
                archive.root,
                settings.STATUS_FILE_PATH,
                mode.packets,
                stop.failed.is_set,
                lambda: {"armed": arming.armed, **told.facts()},
                [*told.observers, *page_observers],
            )
        )
        recorder = assembly.make_recorder(settings, mode, source, writer, told)
        stack.callback(recorder.close)
        log.info("watching %s, recording into %s", source.name, archive.root)
        frames = told.seen(health.counted(with_progress(source)))
        events = assembly.make_events(settings, source.live, arming)
        pipeline.run(frames, detector, events, recorder)
    log.info("ended")
    if not source.live:
        made = [path for path in writer.state.recordings if path.exists()]  # retention may have removed some
        print(f"{len(made)} recording{'s' if len(made) != 1 else ''}{':' if made else ''}")
        for path in made:
            print(f"  {path}")
