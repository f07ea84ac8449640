"""Where the tuning scripts' pictures go, and what the window's keys and mouse do."""

import argparse
from datetime import datetime, timezone
from pathlib import Path

import cv2

from pynvr.archive.names import beside
from pynvr.assembly import make_archive
from pynvr.detection.detector import MotionDetector
from pynvr.media.frame import Image
from pynvr.settings import Settings
from pynvr.tuning import mosaic, window
from pynvr.tuning.clip import Clip
from pynvr.tuning.controls import Action, Controls

ZONE_SIZE = 500, 500
"""Zones are drawn at this size for showing, and then stretched."""


class View:
    """Where the pictures go: a window, a file, both, or nowhere beside a report."""

    PAUSE_MS = 50

    def __init__(
        self,
        settings: Settings,
        detector: MotionDetector,
        source_fps: float,
        options: argparse.Namespace,
        name: str,
        panes: int,
    ) -> None:
        """Open the window or the file that `options` ask for.

        The window's keys and mouse change `detector`. `name` is the window's title and the beginning of
        file names. `panes` is how many panes the pictures have in each direction.
        """
        self._settings = settings
        self._name = name
        self._detector = detector
        self._panes = panes
        self._controls = Controls(detector, settings.MOTION_REGIONS)
        self._shape: tuple[int, ...] = (1, 1)
        self._window: window.Window | None = None
        self._clip: Clip | None = None
        self.wrote_nothing = False
        no_window = options.no_window or options.report is not None
        if not no_window and window.available():
            self._window = window.Window(name, self._clicked)
            print(Controls.HELP)
        output: Path | None = options.output
        if self._window is None and output is None and options.report is None:
            output = self._new_path(settings.OUTPUT_FILES_EXTENSION)
        if output is not None:
            if self._window is None:
                reason = "as asked" if no_window else "there is no display"
                print(f"no window ({reason}): writing what it would show to {output}")
            setting = "PATH_FOR_VIDEO" if options.output is None else "--output"
            self._clip = Clip(output, settings.FOURCC_CODEC, source_fps, setting)

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at the pictures."""
        return self._window is not None or self._clip is not None

    def show(self, image: Image, time: float) -> bool:
        """Show a picture, for as long as the user pauses; return False when the user ends it.

        Regions can be drawn all the while.
        """
        self._shape = image.shape
        paused = False
        while True:
            shown = image.copy() if paused else image
            self._draw_zones(shown)
            if self._clip is not None and not paused:
                self._clip.write(shown, time)
            if self._window is None:
                return True
            action = self._controls.key(self._window.show(shown, self.PAUSE_MS if paused else 1))
            if action is Action.SAVE:
                path = self._new_path(".png")
                path.write_bytes(cv2.imencode(".png", shown)[1].tobytes())
                print(f"saved {path}" + ("" if paused else f" ({time:.2f} s)"))
            paused ^= action is Action.PAUSE
            if action is Action.END or not paused:
                return action is not Action.END

    def changed_settings(self) -> list[str]:
        return self._controls.changed_settings()

    def close(self) -> None:
        """Finish the file and take the window away."""
        try:
            if self._clip is not None:
                self.wrote_nothing = self._clip.close() == 0
        finally:
            if self._window is not None:
                self._window.close()

    def _draw_zones(self, image: Image) -> None:
        """On the source: the whole picture, or its upper left pane."""
        height, width = image.shape[0] // self._panes, image.shape[1] // self._panes
        looked_at = self._detector.zones.drawn(*ZONE_SIZE)
        mosaic.draw_zones(image[:height, :width], looked_at, self._controls.corners)

    def _clicked(self, x: int, y: int, right: bool) -> None:
        """Any pane will do: all show the same scene."""
        height, width = self._shape[0] // self._panes, self._shape[1] // self._panes
        if right:
            self._controls.close_region()
        else:
            self._controls.click((x % width / width, y % height / height))

    def _new_path(self, suffix: str) -> Path:
        return beside(make_archive(self._settings).new_stem(datetime.now(timezone.utc), self._name), suffix)
