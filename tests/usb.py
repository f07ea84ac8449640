"""A USB camera without hardware: a driver of Video4Linux, in C, preloaded into the process under test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import pytest

from pynvr.media.frame import Image

SOURCE = Path(__file__).with_name("usb_camera.c")
HEADER = Path("/usr/include/linux/videodev2.h")

needs_usb = pytest.mark.skipif(
    shutil.which("cc") is None or not HEADER.exists(), reason="apt install gcc libc6-dev linux-libc-dev"
)


class UsbCamera:
    """`cam = 0` of every process that is started with this `environment`. It is plugged in at first."""

    def __init__(self, folder: Path) -> None:
        """Keep what it sends, and how it is, in this folder."""
        self._folder = folder
        folder.mkdir()
        self.environment = {"LD_PRELOAD": str(_driver()), "USB_CAMERA": str(folder)}
        self.set("plugged")

    def add_format(self, fourcc: str, rate: int, pictures: Iterable[Image]) -> None:
        """Offer these BGR pictures, over and over, as MJPG or YUYV, at most `rate` a second."""
        folder = None
        for number, image in enumerate(pictures):
            if folder is None:
                folder = self._folder / f"{fourcc}-{image.shape[1]}x{image.shape[0]}@{rate}"
                folder.mkdir()
            if fourcc == "MJPG":
                data = cv2.imencode(".jpg", image)[1].tobytes()
            else:
                data = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUY2).tobytes()
            (folder / str(number)).write_bytes(data)

    def spoil(self, fourcc: str, number: int, keep: float) -> None:
        """Keep only so large a share of a picture's bytes."""
        path = next(self._folder.glob(f"{fourcc}-*")) / str(number)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])

    def set(self, state: str, on: bool = True) -> None:
        """Change how it is: plugged, busy and so on, as usb_camera.c explains."""
        if on:
            (self._folder / state).touch()
        else:
            (self._folder / state).unlink()


def _driver() -> Path:
    """The compiled driver, made anew where its source has changed."""
    made = Path(tempfile.gettempdir()) / f"pynvr-usb-{os.getuid()}-{SOURCE.stat().st_mtime_ns}.so"
    if not made.exists():
        part = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", part, SOURCE, "-ldl"], check=True)
        part.replace(made)
    return made
