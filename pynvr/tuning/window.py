"""A window on the screen, where there is a screen."""

import subprocess
import sys
from collections.abc import Callable

import cv2

from pynvr.media.frame import Image
from pynvr.tuning.controls import ESCAPE

LARGEST_PX = 1280, 960
"""Width and height of the window at first; it can be resized, and larger pictures are scaled to fit."""

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

    # Qt's own tools would open a menu at a right click, which then takes all keys
    KIND = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL

    def __init__(self, title: str, mouse: Callable[[int, int, bool], None]) -> None:
        """`mouse` is called for each click with x, y in the picture's pixels; True for the right button."""
        self._title = title
        self._mouse = mouse
        self._visible = False

    def show(self, image: Image, wait_ms: int) -> int:
        """Show a BGR picture; return the key that was pressed, or -1. Closing the window is Escape."""
        if not self._visible:
            self._open(image)
        cv2.imshow(self._title, image)
        key = cv2.waitKey(wait_ms)
        was_visible = self._visible
        try:
            self._visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt's answer once the last window has been closed
            self._visible = False
        if was_visible and not self._visible:
            return ESCAPE
        return key if key < 0 else key & 0xFF

    def close(self) -> None:
        cv2.destroyAllWindows()

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        scale = min(1.0, LARGEST_PX[0] / width, LARGEST_PX[1] / height)
        cv2.namedWindow(self._title, self.KIND)
        cv2.resizeWindow(self._title, round(width * scale), round(height * scale))
        cv2.setMouseCallback(self._title, self._clicked)

    def _clicked(self, event: int, x: int, y: int, *_: object) -> None:
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_RBUTTONDOWN):
            self._mouse(x, y, event == cv2.EVENT_RBUTTONDOWN)
