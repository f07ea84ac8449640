"""Video files as sources of frames, and what cameras have in common with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import cast

import cv2

from pynvr.media.frame import DEFAULT_FPS, Frame, Gap, Image
from pynvr.sources.base import SourceStatus
from pynvr.sources.stoppable import Ahead, unless_stopped

PLAUSIBLE_FPS = (1.0, 240.0)
"""Cameras claim anything from 0 to 90000."""


def claimed_fps(capture: cv2.VideoCapture) -> float:
    """The rate that a source claims if it is plausible, else the usual one."""
    return plausible_fps(capture.get(cv2.CAP_PROP_FPS))


def plausible_fps(fps: float) -> float:
    """A rate if it is plausible, else the usual one."""
    return fps if PLAUSIBLE_FPS[0] <= fps <= PLAUSIBLE_FPS[1] else DEFAULT_FPS


def as_bgr(image: Image, fit_inside: tuple[int, int] | None) -> Image:
    """Turn any picture of OpenCV into BGR, scaled to fit inside (width, height) if that is given."""
    if image.ndim == 2 or image.shape[2] == 1:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    size = image.shape[1], image.shape[0]
    fitted = fitted_size(size, fit_inside)
    return image if fitted == size else cast(Image, cv2.resize(image, fitted, interpolation=cv2.INTER_AREA))


def fitted_size(size: tuple[int, int], fit_inside: tuple[int, int] | None) -> tuple[int, int]:
    """The largest (width, height) with the shape of `size` that fits inside; `size` if there is no limit."""
    if fit_inside is None:
        return size
    scale = min(fit_inside[0] / size[0], fit_inside[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class FileSource:
    """A video file, read at full speed; the same frames with the same times every time."""

    live = False
    lag_s = 0.0

    def __init__(self, place: Path | str, stop: Event, fit_inside: tuple[int, int] | None = None) -> None:
        """Open the file; raises CameraError if there is no video in it, and StoppedError."""
        from pynvr.sources.decode import Decoder  # brings 17 MB, which no camera needs

        self._decoder = unless_stopped(stop, lambda: Decoder(place))
        self.name = self._decoder.name
        self._stop = stop
        self._fit_inside = fit_inside
        self.nominal_fps = self._decoder.fps
        self.frame_count: int | None = self._decoder.frame_count
        self._started = datetime.now(timezone.utc)
        self._pictures = Ahead(iter(self._decoder), stop)

    def status(self) -> SourceStatus | None:
        """None: a file waits for its reader."""
        return None

    def __iter__(self) -> Iterator[Frame | Gap]:
        """Yield every frame while the next one is decoded.

        Decoding takes by far the longest and runs in a thread of its own. The calling thread converts
        the pictures to BGR, so that they are in its caches when it looks at them.
        All frames have one size: if it changes within a file, they are scaled to the first one.

        Raises CameraError at the end if no frame came, or much less than the file promises.
        """
        size: tuple[int, int] | None = None
        index = 0
        while (picture := self._pictures.take()) is not None:
            image = as_bgr(self._decoder.image(picture), self._fit_inside)
            if size is None:
                size = image.shape[1], image.shape[0]
            if size != (image.shape[1], image.shape[0]):
                image = cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
            utc = self._started + timedelta(seconds=picture.time)
            yield Frame(image, picture.time, utc, index, picture.lost_before)
            index += 1
        if not self._stop.is_set():
            if lost := self._decoder.lost_at_end:
                yield Gap(f"{self.name}: the last {lost} pictures could not be decoded", lost)
            self._decoder.check_end()

    def close(self) -> None:
        """Close the file."""
        self._pictures.close(self._decoder.close)
