"""Finds the picture that a piece of sound belongs to: pure arithmetic on stream times and arrivals."""

from collections import deque

from pynvr.media.packet import SoundPacket
from pynvr.sources.sound.beginning import Beginning
from pynvr.sources.sound.drift import Drift

FURTHEST_APART_S = 2.0
"""Picture and sound that come together are no further apart; if their times are, their clocks differ."""
BESIDE_S = 0.5
"""Arrivals are compared only where sound came so shortly before a picture."""


class Interleaver:
    """Puts sound beside the pictures that it came with. Times are seconds."""

    def __init__(
        self,
        furthest_apart_s: float = FURTHEST_APART_S,
        drift: Drift | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        """Sound further than this from the picture that it came with has another clock.

        `drift` follows slower differences, and `beginning` tells what they begin with; without them the
        times are believed.
        """
        self._furthest_s, self._drift, self._beginning = furthest_apart_s, drift, beginning
        self._early: list[tuple[float, bytes, float]] = []
        """Sound that came while it was not known what the times begin with."""
        self.until_s = self._heard_at_s = float("-inf")
        """The latest sound's time and arrival."""
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._shift_s = 0.0
        """Added to the times of the sound if it has another clock than the pictures."""
        self._seen: tuple[float, float] | None = None
        """The latest picture's time and arrival."""
        self._leapt = False
        """Whether the latest picture's time was not believed."""

    def believe(self) -> None:
        """From now on the camera itself says how far apart the times are."""
        self._beginning = None
        self._add_early()

    def add_sound(self, stream_s: float, data: bytes, arrival_s: float = 0.0, length_s: float = 0.0) -> None:
        self._early.append((stream_s, data, arrival_s))
        if self._beginning is not None:
            self._beginning.note_sound(stream_s + length_s, arrival_s)
        self._add_early()

    def _add_early(self) -> None:
        begin_s = 0.0 if self._beginning is None else self._beginning.shift_s
        if begin_s is not None:
            for piece in self._early:
                self._add(*piece, begin_s)
            self._early.clear()

    def _add(self, stream_s: float, data: bytes, arrival_s: float, begin_s: float) -> None:
        if self._seen is not None:
            expected_s = self._seen[0] + arrival_s - self._seen[1]
            shifts = (begin_s, self._shift_s, expected_s - stream_s)
            near = (one for one in shifts if abs(stream_s + one - expected_s) <= self._furthest_s)
            self._shift_s = next(near, begin_s)
        self.until_s, self._heard_at_s = stream_s + self._shift_s, arrival_s
        while self._waiting and self._waiting[-1][0] > self.until_s:
            self._waiting.pop()  # its time was damaged, and would hold up all that follows
        self._waiting.append((self.until_s, data))

    def sound_for(self, stream_s: float, arrival_s: float = 0.0) -> tuple[SoundPacket, ...]:
        """The sound up to a picture of this time. Later sound waits for a later picture.

        All of it waits if the time has leapt, and the next picture tells whether only this one is damaged.
        """
        blind_s = 0.0 if self._seen is None else arrival_s - self._seen[1]
        if self._seen is not None and blind_s > 0 and not self._leapt:
            self._leapt = abs(stream_s - self._seen[0] - blind_s) > self._furthest_s
            if self._leapt:
                return ()
        self._leapt = False
        earliest_s = stream_s - blind_s - self._furthest_s  # earlier sound is from before the clocks were set
        self._seen = stream_s, arrival_s
        if self._beginning is not None:
            self._beginning.note_picture(stream_s, arrival_s)
        self._add_early()
        shift_s = self._followed(stream_s, arrival_s)
        taken = []
        while self._waiting and not 0 < self._waiting[0][0] + shift_s - stream_s <= self._furthest_s:
            heard_s, data = self._waiting.popleft()
            heard_s += shift_s
            if earliest_s <= heard_s <= stream_s:
                taken.append(SoundPacket(data, heard_s - stream_s))
        return tuple(taken)

    def _followed(self, stream_s: float, arrival_s: float) -> float:
        """By how much the sound's clock has drifted, as the sound beside this picture tells."""
        if self._drift is None:
            return 0.0
        if arrival_s - self._heard_at_s <= BESIDE_S:
            self._drift.note(self._heard_at_s - self.until_s - (arrival_s - stream_s), arrival_s)
        return self._drift.shift_s
