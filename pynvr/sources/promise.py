"""How much a container says that it holds, and whether that came."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from pynvr.errors import CameraError

log = logging.getLogger(__name__)

MAY_BE_MISSING = 0.05, 2.0
"""This share, or these seconds, are missing at the end of files that are whole otherwise."""
ROUNDING_FRAMES = 2.5
"""How exact a promise in seconds is: nobody knows for how long the last picture is to be shown."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is said at the beginning about the end; None where nothing is said."""

    pictures: int | None
    seconds: float | None
    """After the first picture."""

    def check(self, name: str, packets: int, end: float, fps: float) -> None:
        """Raise CameraError where much less came: `packets`, the last of which ends at `end` seconds.

        A little less is said in the log.
        """
        if self.pictures is not None:
            missing, slack = (self.pictures - packets) / fps, 0.0
            told = f"{self.pictures} pictures, and {packets} came"
        elif self.seconds is not None:
            missing, slack = self.seconds - end, ROUNDING_FRAMES / fps
            told = f"{self.seconds:.1f} s, and {end:.1f} s came"
        else:
            return
        share, seconds = MAY_BE_MISSING
        if missing > max(share * (end + missing), seconds):
            raise CameraError(f"{name}: ends too early: it promises {told}")
        if missing > slack:
            log.warning("%s: ends too early: it promises %s", name, told)


def promise_of(container: InputContainer, stream: VideoStream, starts_s: float) -> Promise:
    """What is promised of a stream that starts at `starts_s`; sound may last longer than the pictures."""
    pictures = int(stream.frames) or None
    if pictures is not None and pictures > container.size:
        return Promise(None, None)  # a place holder of who could not come back to fill it in
    if stream.duration and stream.time_base:
        return Promise(pictures, float(stream.duration * stream.time_base))
    told = re.match(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska
    if told:
        hours, minutes, seconds = map(float, told.groups())
        return Promise(pictures, hours * 3600 + minutes * 60 + seconds - starts_s)
    if container.duration and len(container.streams) == 1:
        return Promise(pictures, container.duration / av.time_base - max(0.0, starts_s))
    return Promise(pictures, None)
