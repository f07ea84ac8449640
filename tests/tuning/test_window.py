"""The tuning scripts' windows on a real screen, with real keys and a real mouse."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from copies import make
from rtsp import RtspServer, needs_rtsp
from running import defaults
from screen import Screen, needs_screen, until

from pynvr.media.frame import Image
from pynvr.tuning.mosaic import YELLOW

pytestmark = [needs_rtsp, needs_screen]

PICTURE, STAGES = "motion_detection_test", "motion_detection_test_with_contours"
SIZE = (640, 480)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with Screen() as screen:
        yield screen


@pytest.fixture(scope="module")
def cam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A live camera, in whose picture something moves all the time."""
    clip = make(tmp_path_factory.mktemp("cam") / "in.mp4", seconds=4, moving=(0, 4), scene_size=SIZE)
    with RtspServer({"cam": clip}) as server:
        yield server.url("cam")


class Script:
    """A tuning script that runs, and what it has said."""

    def __init__(self, name: str, project: Path, folder: Path, cam: str, screen: Screen) -> None:
        config = folder / "chosen.py"
        chosen = defaults(folder) | {"cam": cam, "STATUS_FILE_PATH": None, "MOTION_DETECTOR": "robust"}
        config.write_text("".join(f"{key} = {value!r}\n" for key, value in chosen.items()))
        self._said = folder / "said.txt"
        command = [sys.executable, "-u", str(project / f"{name}.py"), "--config", str(config)]
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                command, env=screen.environment, stdout=said, stderr=subprocess.STDOUT
            )
        self.window = screen.window(name)

    @property
    def said(self) -> str:
        return self._said.read_text()

    def end(self) -> str:
        """Wait for its end and return what it has said."""
        assert self.process.wait(15) == 0, self.said
        return self.said


@pytest.fixture
def start(project: Path, tmp_path: Path, cam: str, screen: Screen) -> Iterator[Callable[[str], Script]]:
    started: list[Script] = []

    def run(name: str) -> Script:
        started.append(Script(name, project, tmp_path, cam, screen))
        return started[-1]

    yield run
    for script in started:
        script.process.kill()
        script.process.wait()


def same(one: Image, other: Image) -> bool:
    return one.shape == other.shape and bool((cv2.absdiff(one, other) < 3).all())


def is_corner(pixel: Image) -> bool:
    return bool(np.abs(pixel.astype(int) - YELLOW).max() < 40)


def wait_for_pictures(screen: Screen, window: str, count: int) -> None:
    """Wait until the window has shown some more pictures; each differs from the one before."""
    for _ in range(count):
        before = screen.picture(window)
        until(lambda before=before: not same(screen.picture(window), before), 5, "another picture")  # type: ignore[misc]


def test_keys_and_mouse_of_the_four_stages(
    start: Callable[[str], Script], screen: Screen, archive_path: Path
) -> None:
    script = start(STAGES)
    window = script.window
    until(lambda: screen.picture(window).shape[1] == 1000, 5, "the picture")
    height = screen.picture(window).shape[0] // 2  # of a pane
    assert height == pytest.approx(375, abs=2)
    # the last four mean nothing, and must not be taken for others
    for key in ("plus", "KP_Add", "minus", "KP_Subtract", "plus", "Shift_L", "Left", "F5", "x"):
        screen.key(key)
        wait_for_pictures(screen, window, 2)  # OpenCV tells one key a picture
    screen.key("space")
    seen = [screen.picture(window)]

    def paused() -> bool:
        seen.append(screen.picture(window))
        return len(seen) > 8 and all(same(seen[-1], each) for each in seen[-8:])  # of 25 in a second

    until(paused, 10, "the pause")
    before = seen[-1]
    for x, y in ((50, 75), (450, 75 + height), (950, 300), (900, 30)):  # in any pane
        screen.click(window, x, y)
    until(lambda: is_corner(screen.picture(window)[30, 400]), 5, "the corner")
    screen.key("BackSpace")
    until(lambda: not is_corner(screen.picture(window)[30, 400]), 5, "the corner's end")
    screen.click(window, 50, 300)
    screen.click(window, 50, 300, button=3)

    def darkened() -> bool:
        return bool(screen.picture(window)[330, 20].mean() < 0.5 * before[330, 20].mean())

    until(darkened, 5, "the region")
    after = screen.picture(window)
    assert same(after[80:290, 55:440], before[80:290, 55:440])  # what is looked at stays bright
    assert same(after[380:, :], before[380:, :])
    screen.key("s")
    until(lambda: "saved" in script.said, 5, "the picture")
    saved = cv2.imread(re.findall(r"saved (\S+)", script.said)[0])
    assert same(saved, screen.picture(window))
    screen.key("space")
    until(lambda: not same(screen.picture(window), after), 5, "the end of the pause")
    screen.key("q")
    said = script.end()
    assert "keys: q or Esc end" in said
    assert "MOTION_AREA_THRESHOLD = 1875" in said
    (corners,) = re.findall(r"MOTION_REGIONS = \[\[(.*)\]\]", said)
    numbers = [float(number) for number in re.findall(r"[\d.]+", corners)]
    assert numbers == pytest.approx([0.1, 0.2, 0.9, 0.2, 0.9, 0.8, 0.1, 0.8], abs=0.003)


@pytest.mark.parametrize("way", ["q", "Escape", "closed"])
def test_ways_to_end(start: Callable[[str], Script], screen: Screen, way: str) -> None:
    script = start(PICTURE)
    until(lambda: screen.picture(script.window).shape == (SIZE[1], SIZE[0], 3), 5, "the picture")
    if way == "closed":
        screen.close_window(script.window)
    else:
        screen.key(way)
    assert "times motion" in script.end()


def test_resized_window_keeps_its_shape_and_corners_are_where_one_clicks(
    start: Callable[[str], Script], screen: Screen
) -> None:
    script = start(PICTURE)
    screen.resize(script.window, 320, 240)
    until(lambda: screen.picture(script.window).shape[:2] == (240, 320), 5, "the new size")
    for x, y in ((32, 24), (288, 24), (288, 216)):
        screen.click(script.window, x, y)
    screen.click(script.window, 5, 5, button=3)
    screen.key("Escape")
    (corners,) = re.findall(r"MOTION_REGIONS = \[\[(.*)\]\]", script.end())
    numbers = [float(number) for number in re.findall(r"[\d.]+", corners)]
    assert numbers == pytest.approx([0.1, 0.1, 0.9, 0.1, 0.9, 0.9], abs=0.006)
    assert np.isfinite(numbers).all()
