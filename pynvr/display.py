"""A window on the screen, where there is a screen."""

from __future__ import annotations

import subprocess
import sys

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

    def show(self, image: Image) -> bool:
        """Show a BGR picture; False when the user has pressed q or Esc."""
        cv2.imshow(self._title, image)
        return cv2.waitKey(1) & 0xFF not in (ord("q"), 27)

    def close(self) -> None:
        """Take the window away."""
        cv2.destroyAllWindows()
