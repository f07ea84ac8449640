"""Finds out what a file lacks: pictures lost or damaged in decoding, and what is missing at its end."""

import logging
import re
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from pynvr.errors import CameraError

log = logging.getLogger(__name__)

SHOWN_AT_MOST = 5
"""How many stretches are named one by one."""
CONNECTED_S = 1.0
"""Moments closer to each other are one stretch."""
MAY_BE_MISSING = 0.05, 2.0
"""Share, or seconds, that may be missing at the end of a file that is whole otherwise."""
ROUNDING_FRAMES = 2.5
"""How exact a promise in seconds is: nobody knows how long the last picture lasts."""


class Stretches:
    """Moments at which something was wrong, summed up as a few stretches of time."""

    def __init__(self) -> None:
        self._stretches: list[tuple[float, float, int]] = []
        self.count = 0

    def add(self, time: float) -> None:
        """Note a picture of this moment, in seconds."""
        last = self._stretches[-1] if self._stretches else None
        if last is not None and abs(time - last[1]) <= CONNECTED_S:
            self._stretches[-1] = (min(last[0], time), max(last[1], time), last[2] + 1)
        else:
            self._stretches.append((time, time, 1))
        self.count += 1

    def __str__(self) -> str:
        """Name them: `14.0-14.0 s: 1 picture`."""
        told = [f"{first:.1f}-{last:.1f} s: {_pictures(n)}" for first, last, n in self._stretches]
        if len(told) > SHOWN_AT_MOST:
            told = [*told[:SHOWN_AT_MOST], f"and so on, {_pictures(self.count)} in all"]
        return ", ".join(told)


class Losses:
    """Compares what goes into a decoder with what comes out."""

    def __init__(self, one_each: bool = False) -> None:
        """`one_each`: every packet holds a picture; one that does not come is lost, refused or not."""
        self._one_each = one_each
        self._waiting: list[float] = []
        self._suspicious = True
        """Whether a packet was refused since the last picture; before the first one anything may be."""
        self.lost = Stretches()

    def sent(self, time: float) -> None:
        """A packet that is to be shown at `time`, in seconds, goes into the decoder."""
        self._waiting.append(time)

    def refused(self) -> None:
        """Note that the decoder could not decode a packet."""
        self._suspicious = True

    def shown(self, time: float, half: bool = False) -> int:
        """A picture came out. Return how many are lost: those that should have come before it.

        Of pictures that come in two packets (`half`) only those of a refused packet count.
        """
        lost = [waiting for waiting in self._waiting if waiting < time]
        self._waiting = [waiting for waiting in self._waiting if waiting > time]
        suspicious, self._suspicious = self._suspicious or self._one_each, False
        return self._add(lost) if suspicious and not half else 0

    def rest(self, half: bool = False) -> int:
        """The decoder is empty. Return how many pictures it still owes."""
        waiting, self._waiting = self._waiting, []
        return self._add(waiting) if self._suspicious or (self._one_each and not half) else 0

    def _add(self, times: list[float]) -> int:
        for time in sorted(times):
            self.lost.add(time)
        return len(times)


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a container says about its end; None where it says nothing."""

    pictures: int | None
    seconds: float | None
    """After the first picture."""

    def check(self, name: str, packets: int, end: float, fps: float) -> None:
        """Compare it with the `packets` that came, the last of which ends at `end` seconds.

        Raises CameraError if much less came. If a little less came, the log says so.
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
    """The promise for a stream that starts at `starts_s`. Sound may last longer than the pictures."""
    pictures = int(stream.frames) or None
    if pictures is not None and pictures > container.size:
        return Promise(None, None)  # a place holder: the writer could not come back to fill it in
    if stream.duration and stream.time_base:
        return Promise(pictures, float(stream.duration * stream.time_base))
    told = re.match(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska
    if told:
        hours, minutes, seconds = map(float, told.groups())
        return Promise(pictures, hours * 3600 + minutes * 60 + seconds - starts_s)
    if container.duration and len(container.streams) == 1:
        return Promise(pictures, container.duration / av.time_base - max(0.0, starts_s))
    return Promise(pictures, None)
