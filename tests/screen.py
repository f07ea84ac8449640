"""A screen that nobody sees, with a window manager, and hands for its keyboard and mouse."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType

import cv2
import numpy as np
import pytest

from pynvr.media.frame import Image

PROGRAMS = ("Xvfb", "openbox", "xdotool", "xwd")
TICK = threading.Event()  # never set: waits with a deadline
SIZE = 1400, 1050

_lacking = [name for name in PROGRAMS if shutil.which(name) is None]
if not _lacking and not cv2.currentUIFramework():
    _lacking = ["opencv-python with its windows"]
needs_screen = pytest.mark.skipif(
    bool(_lacking), reason=f"needs {', '.join(_lacking)}: apt-get install xvfb openbox xdotool x11-apps"
)


def until(condition: Callable[[], object], deadline_s: float, what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {deadline_s} s"
        TICK.wait(0.05)


class Screen:
    """A virtual screen: `with Screen() as screen: …`; programs with `screen.environment` show on it."""

    def __enter__(self) -> Screen:
        read_end, write_end = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"],
            pass_fds=[write_end],
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        with os.fdopen(read_end) as told:  # it tells its number once it is ready
            number = told.readline().strip()
        assert number, "Xvfb could not start"
        self.environment = os.environ | {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        self._manager = self._start_manager()
        until(self._is_managed, 60, "openbox")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(10)

    def _start_manager(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["openbox"], env=self.environment, stderr=subprocess.DEVNULL)

    def _is_managed(self) -> bool:
        """Whether windows can be activated; on a busy machine openbox may not reach the server at first."""
        if self._manager.poll() is not None:
            self._manager = self._start_manager()
        try:
            self._hands("get_num_desktops")
        except subprocess.CalledProcessError:
            return False
        return True

    def window(self, title: str, deadline_s: float = 60) -> str:
        """Wait for a window, give it the focus, and return its number."""
        found: list[str] = []

        def look() -> bool:
            answer = self._hands("search", "--onlyvisible", "--name", f"^{title}$", check=False)
            found[:] = answer.split()
            try:
                self._hands("windowactivate", "--sync", *found[-1:])
            except subprocess.CalledProcessError:  # there is none, or the window manager does not know it yet
                return False
            return True

        until(look, deadline_s, f"the window {title}")
        return found[-1]

    def key(self, *names: str) -> None:
        """Press keys, named as X does: `q`, `plus`, `space`."""
        for name in names:
            self._hands("key", name)

    def click(self, window: str, x: int, y: int, button: int = 1) -> None:
        """Click at a place in a window."""
        self._hands("mousemove", "--window", window, str(x), str(y), "click", str(button))

    def resize(self, window: str, width: int, height: int) -> None:
        """Give a window another size."""
        self._hands("windowsize", "--sync", window, str(width), str(height))

    def close_window(self, window: str) -> None:
        """Close it by its frame, as a click at the cross does."""
        self._hands("windowactivate", "--sync", window)
        self.key("alt+F4")

    def picture(self, window: str) -> Image:
        """What is to be seen of a window, BGR."""
        command = ["xwd", "-silent", "-id", window]
        data = subprocess.run(
            command, env=self.environment, capture_output=True, check=True, timeout=20
        ).stdout
        head = np.frombuffer(data, ">u4", 25)
        size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
        pixels = np.frombuffer(data, np.uint8, int(line * height), int(size + 12 * colours))
        image: Image = pixels.reshape(height, line // 4, 4)[:, :width, :3].copy()
        return image

    def _hands(self, *arguments: str, check: bool = True) -> str:
        command = ["xdotool", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=20, check=check
        )
        return done.stdout
