"""What each guard of the robust detector removes: the drawn scene, seen without the guard and with it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import config  # noqa: E402
from pynvr.demo.camera import DemoCamera  # noqa: E402
from pynvr.demo.scene import STANDING, DemoScene, Visit  # noqa: E402
from pynvr.detection.detector import Detection  # noqa: E402
from pynvr.detection.from_settings import make_detector  # noqa: E402
from pynvr.media.frame import Frame, Image  # noqa: E402
from pynvr.settings import load  # noqa: E402

SIZE = 480, 360
FPS, SECONDS = 15.0, 26.0
RED, WHITE = (0, 0, 255), (255, 255, 255)
SCENE = [[(0, 0.08), (1, 0.08), (1, 0.95), (0, 0.95)]]
"""The clock and the frame's number change all the time."""
FAR = ((0.0, 0.0, 0.56), (1.0, 1.0, 0.56))


@dataclass(frozen=True)
class Example:
    """A guard, and a scene that shows what it is for."""

    guard: str
    off: object
    weather: tuple[str, ...] = ()
    visits: tuple[Visit, ...] = ()
    finds: bool = False
    """The guard adds something instead of removing it."""
    beside: Mapping[str, object] = field(default_factory=dict)
    """Other settings: a guard that would remove most of the same is off."""


NO_HABITS, NO_EXPOSURE = {"GUARD_HABITS": 0.0}, {"GUARD_EXPOSURE": False}
NOBODY: tuple[Visit, ...] = ()
SOMEBODY = (Visit(8.0, 6.0),)
EXAMPLES = (
    Example("GUARD_REFERENCE_SECS", 0.0, visits=(Visit(6.0, 18.0, FAR, 0.6),), finds=True),
    Example("GUARD_SECOND_REFERENCE_SECS", 0.0, visits=SOMEBODY),
    Example("GUARD_EXPOSURE", False, ("lamp",), NOBODY),
    Example("GUARD_SURROUNDINGS", 0, ("lamp",), NOBODY, beside=NO_EXPOSURE),
    Example("GUARD_NOISE", 0.0, ("rain",), NOBODY, beside=NO_HABITS),
    Example("GUARD_HABITS", 0.0, ("trees",), NOBODY),
    Example("GUARD_LIGHT_SWITCH", 0.0, ("gain", "lamp"), NOBODY),
    Example("GUARD_DENSITY", 0.0, ("rain",), NOBODY),
    Example("GUARD_PERSISTENCE_SECS", 0.0, ("snow",), NOBODY),
    Example("GUARD_ALIVE", 0.0, visits=(Visit(6.0, 24.0, STANDING),)),
    Example("GUARD_TRAVEL", 0.0, ("trees",), NOBODY, beside=NO_HABITS),
)


def main() -> None:
    """Write guard_NAME.jpg for each guard."""
    for example in EXAMPLES:
        if sys.argv[1:] and example.guard not in sys.argv[1:]:
            continue
        picture = draw(example)
        name = f"{example.guard.lower()}.jpg"
        cv2.imwrite(str(HERE / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])


def draw(example: Example) -> Image:
    """The frame in which both detectors differ most, as they see it, side by side."""
    settings = {"MOTION_REGIONS": SCENE, **example.beside}
    pair = [
        make_detector(load(config, arguments=settings | off)) for off in ({example.guard: example.off}, {})
    ]
    scene = DemoScene(SIZE, visits=example.visits, weather=example.weather)
    most, best = -1, None
    for frame in DemoCamera(scene, fps=FPS, seconds=SECONDS):
        if isinstance(frame, Frame):
            without, with_it = (detector.detect(frame.image, frame.time) for detector in pair)
            more, less = (with_it, without) if example.finds else (without, with_it)
            difference = more.changed_px - less.changed_px + 5000 * (more.motion - less.motion)
            if frame.time > 4 and difference > most:
                most, best = difference, (frame, without, with_it)
    assert best is not None, example
    frame, without, with_it = best
    print(
        f"{example.guard}: {frame.time:.2f} s, {without.changed_px} / {with_it.changed_px} px,"
        f" motion {without.motion} / {with_it.motion}"
    )
    name = example.guard
    return np.hstack(
        [pane(frame.image, without, f"without {name}"), pane(frame.image, with_it, f"with {name}")]
    )


def pane(image: Image, detection: Detection, title: str) -> Image:
    """The picture with what the detector found in red."""
    mask = cv2.resize(detection.mask, SIZE, interpolation=cv2.INTER_NEAREST)
    shown = image.copy()
    red = np.full_like(shown, RED)
    shown[mask > 0] = cv2.addWeighted(shown, 0.55, red, 0.45, 0)[mask > 0]
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(shown, outlines, -1, RED, 2)
    for number, line in enumerate((title, "motion" if detection.motion else "no motion")):
        for colour, thick in (((0, 0, 0), 4), (WHITE, 1)):
            cv2.putText(
                shown, line, (10, 22 + 22 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thick, cv2.LINE_AA
            )
    return shown


if __name__ == "__main__":
    main()
