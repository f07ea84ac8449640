"""The drawn scene as a camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from threading import Event

from pynvr.demo.scene import DemoScene
from pynvr.media.frame import Frame


class DemoCamera:
    """The drawn scene as a `Source`: it waits for its reader like a file, and gives the same each time."""

    name = "demo"
    live = False
    lag_s = 0.0

    def __init__(
        self,
        scene: DemoScene | None = None,
        *,
        fps: float = 20.0,
        seconds: float = 40.0,
        times: Sequence[float] | None = None,
        start: datetime | None = None,
        stop: Event | None = None,
    ) -> None:
        """Frames at `fps` for `seconds`, or at the rising `times` (seconds) where these are given.

        `start` is the wall clock at time 0, by default now; `stop` ends the iteration early.
        """
        if fps <= 0:
            raise ValueError("fps must be above 0")
        self.scene = scene or DemoScene()
        self._times = [index / fps for index in range(round(fps * seconds))] if times is None else list(times)
        if any(later <= sooner for sooner, later in pairwise(self._times)):
            raise ValueError("times must rise strictly")
        self.frame_count: int | None = len(self._times)
        self.nominal_fps = fps
        self._start = start or datetime.now(timezone.utc)
        self._stop = stop
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        for index, time_s in enumerate(self._times):
            if self._closed or (self._stop is not None and self._stop.is_set()):
                return
            image = self.scene.render(time_s, index)
            yield Frame(image, time_s, self._start + timedelta(seconds=time_s), index)

    def status(self) -> None:
        """None, as of every source that waits for its reader."""

    def close(self) -> None:
        """End the iteration; harmless when repeated."""
        self._closed = True
