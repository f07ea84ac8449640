"""Keys and mouse of a tuning script: they change the detector, and the changed settings are printed."""

from collections.abc import Sequence
from enum import Enum

from pynvr.detection.detector import MotionDetector

ESCAPE, BACKSPACE = 27, 8
STEP = 1.25
"""About three steps double the threshold."""
CLOSE_AT_LEAST = 3

Point = tuple[float, float]
"""x and y as fractions of the picture's width and height."""


class Action(Enum):
    """What a key asks for that the controls cannot do themselves."""

    NONE = "none"
    END = "end"
    PAUSE = "pause"
    SAVE = "save"


ACTIONS = {ord("q"): Action.END, ESCAPE: Action.END, ord(" "): Action.PAUSE, ord("s"): Action.SAVE}


class Controls:
    """Changes the detector by keys and mouse, and remembers what its settings were."""

    HELP = (
        "keys: q or Esc end, space pause, s save the picture, + and - change the threshold; "
        "mouse: left sets a region's corner, right closes the region, Backspace takes the last one back"
    )

    def __init__(self, detector: MotionDetector, regions: Sequence[Sequence[Point]]) -> None:
        """`detector` and `regions` are as the settings have them."""
        self._detector = detector
        self.regions: list[list[Point]] = [list(region) for region in regions]
        self._at_first = self._settings()
        self.corners: list[Point] = []
        """Corners of the region that is being drawn."""

    def key(self, code: int) -> Action:
        """Take a key, or -1 for none."""
        if code in (ord("+"), ord("=")):
            self._scale_threshold(STEP)
        elif code in (ord("-"), ord("_")):
            self._scale_threshold(1 / STEP)
        elif code == BACKSPACE and self.corners:
            self.corners.pop()
        elif code == BACKSPACE and self.regions:
            self.regions.pop()
            self._apply()
        return ACTIONS.get(code, Action.NONE)

    def click(self, point: Point) -> None:
        """Set a corner of a region."""
        self.corners.append((round(min(1.0, max(0.0, point[0])), 3), round(min(1.0, max(0.0, point[1])), 3)))

    def close_region(self) -> None:
        """Make a region of the corners, if there are three: from now on only regions are looked at."""
        if len(self.corners) >= CLOSE_AT_LEAST:
            self.regions.append(self.corners)
            self._apply()
        self.corners = []

    def changed_settings(self) -> list[str]:
        """A line for each setting that is no longer what it was, to paste into the settings."""
        return [line for line in self._settings() if line not in self._at_first]

    def _settings(self) -> list[str]:
        threshold_px = round(self._detector.area_threshold_px)
        return [f"MOTION_AREA_THRESHOLD = {threshold_px}", f"MOTION_REGIONS = {self.regions!r}"]

    def _scale_threshold(self, factor: float) -> None:
        self._detector.area_threshold_px = max(1.0, self._detector.area_threshold_px * factor)

    def _apply(self) -> None:
        self._detector.zones = self._detector.zones.with_regions(self.regions)
        self._detector.reset()  # earlier pictures had other zones and cannot be compared
