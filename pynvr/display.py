"""A window on the screen, where there is a screen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import cv2

from pynvr.frame import Image

_TRY_A_WINDOW = "import cv2; cv2.namedWindow('pynvr'); cv2.waitKey(1); cv2.destroyAllWindows()"


def available() -> bool:
    """Whether a window can be shown.

    Tried out in a child process: with no display opencv-python does not raise,
    it ends the process.
    """
    if not cv2.currentUIFramework():
        return False
    trial = subprocess.run(
        [sys.executable, "-c", _TRY_A_WINDOW], capture_output=True, timeout=30, check=False
    )
    return trial.returncode == 0


class Window:
    """One window that shows picture after picture."""

    def __init__(self, title: str) -> None:
        self._title = title

    def show(self, image: Image, wait_ms: int = 1) -> int:
        """Show a BGR picture and return the key that was pressed, or -1."""
        cv2.imshow(self._title, image)
        key = cv2.waitKey(wait_ms)
        return key if key < 0 else key & 0xFF

    def listen(self, mouse: Callable[[int, int, bool], None]) -> None:
        """Call `mouse` for each click with x, y in the picture's pixels; True for the right button."""

        def clicked(event: int, x: int, y: int, *_: object) -> None:
            if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_RBUTTONDOWN):
                mouse(x, y, event == cv2.EVENT_RBUTTONDOWN)

        cv2.namedWindow(self._title)
        cv2.setMouseCallback(self._title, clicked)

    def close(self) -> None:
        """Take the window away."""
        cv2.destroyAllWindows()
