"""Cameras and video files as sources of frames: what they have in common, and files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import cast

import cv2
import numpy as np

from pynvr.errors import CameraError
from pynvr.media.frame import Frame, Gap, Image

DEFAULT_FPS = 25.0
PLAUSIBLE_FPS = (1.0, 240.0)
"""Cameras claim anything from 0 to 90000."""


def is_live(cam: str) -> bool:
    """Whether `cam` names a local or network camera rather than a file."""
    return cam.isdecimal() or "://" in cam or _is_device(cam)


def _is_device(cam: str) -> bool:
    try:  # one that was pulled out is still a camera
        return cam.startswith("/dev/") or stat.S_ISCHR(Path(cam).stat().st_mode)
    except OSError:
        return False


def claimed_fps(capture: cv2.VideoCapture) -> float:
    """The rate that a source claims where it is plausible, else the usual one."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if PLAUSIBLE_FPS[0] <= fps <= PLAUSIBLE_FPS[1] else DEFAULT_FPS


def as_bgr(image: Image, fit_inside: tuple[int, int] | None) -> Image:
    """Make any picture that OpenCV gives a BGR one, scaled to fit inside (width, height) if asked."""
    if image.ndim == 2 or image.shape[2] == 1:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    size = image.shape[1], image.shape[0]
    fitted = fitted_size(size, fit_inside)
    return image if fitted == size else cast(Image, cv2.resize(image, fitted, interpolation=cv2.INTER_AREA))


def fitted_size(size: tuple[int, int], fit_inside: tuple[int, int] | None) -> tuple[int, int]:
    """The largest (width, height) of the shape of `size` that fits inside; `size` itself if none is asked."""
    if fit_inside is None:
        return size
    scale = min(fit_inside[0] / size[0], fit_inside[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class FileSource:
    """A video file, read at full speed; the same frames with the same times every time."""

    live = False
    lag_s = 0.0

    def __init__(self, path: Path, stop: Event, fit_inside: tuple[int, int] | None = None) -> None:
        """Open the file; raises CameraError where it has no picture to give."""
        self.name = str(path)
        self._stop = stop
        self._fit_inside = fit_inside
        self._capture = _open_file(path)
        self.nominal_fps = claimed_fps(self._capture)
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.frame_count: int | None = count if count > 0 else None
        self._started = datetime.now(timezone.utc)
        self._decoder = ThreadPoolExecutor(1, "decoder")

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield every frame while the next one is decoded; raises CameraError where there is none.

        Decoding is by far the longest part of reading, and goes on in a thread of its own. Making a BGR
        picture of what was decoded is left to the thread that looks at it, whose caches then hold it.
        All frames have one size: where it changes within a file, OpenCV scales to the first one.
        """
        index, time = 0, -np.inf
        decoded = self._decoder.submit(self._capture.grab)
        while not self._stop.is_set() and decoded.result():
            retrieved, picture = self._capture.retrieve()
            stream_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not retrieved:
                break
            decoded = self._decoder.submit(self._capture.grab)
            # a stream without times, or with one that does not increase, goes by the claimed rate
            time = stream_s if stream_s > time else time + 1 / self.nominal_fps
            image = as_bgr(cast(Image, picture), self._fit_inside)
            yield Frame(image, time, self._started + timedelta(seconds=time), index)
            index += 1
        if index == 0 and not self._stop.is_set():
            raise CameraError(f"cam = {self.name!r}: no picture in it can be decoded")

    def status(self) -> None:
        """None: it waits for its reader."""

    def close(self) -> None:
        """Close the file."""
        self._decoder.shutdown(cancel_futures=True)  # releasing during a read would crash the process
        self._capture.release()


def check_file(path: Path) -> None:
    """Raise CameraError, with the reason, for what cannot be a video file."""
    if not path.exists():
        raise CameraError(f"cam = {str(path)!r}: there is no such file")
    if path.is_dir():
        raise CameraError(f"cam = {str(path)!r}: is a folder, not a video file")
    try:
        path.open("rb").close()
    except OSError as error:
        raise CameraError(f"cam = {str(path)!r}: {error.strerror}") from None
    if path.stat().st_size == 0:
        raise CameraError(f"cam = {str(path)!r}: is empty")


def _open_file(path: Path) -> cv2.VideoCapture:
    check_file(path)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise CameraError(f"cam = {str(path)!r}: is not a video that OpenCV can read")
    return capture
