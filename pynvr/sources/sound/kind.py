"""Notices sound that is no longer what its stream announced.

A camera whose settings are changed may go on within the connection, under the old description. What it then
sends would play as noise, at another speed, or not at all. Times are seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

log = logging.getLogger(__name__)

WITH_HEADS = ("aac", "mp2", "mp3")
"""Codecs whose pieces may say their rate themselves."""
SEAM_S = 0.25
"""A longer step from one piece to the next is a pause."""
WATCHED_S = 3.0
ALIKE = 1.5
"""Sound without a pause is as long as its pictures, but for this factor: some clocks are wrong by 16 %."""
STOPPED_S = 10.0


def first_known(sounds: Iterable[AudioStream]) -> AudioStream | None:
    """The first sound of a codec that FFmpeg knows; others have no context."""
    return next((one for one in sounds if one.codec_context is not None), None)


class SoundKind:
    """What a stream's sound is like."""

    def __init__(self, name: str, codec: str) -> None:
        """`name` is for the log, `codec` as FFmpeg calls it."""
        self._name, self._has_heads = name, codec in WITH_HEADS
        self._head: bytes | None = None
        self._fits = True
        self._latest_s = 0.0
        """Where the latest piece began."""
        self._run: tuple[float, float, float] | None = None
        """Sound, picture and arrival from which on there was no pause."""
        self._promised = bool(codec)
        self._heard_s: float | None = None
        """When sound that fits last came; before that, when the first picture did."""
        self._said = False

    def fits(self, data: bytes) -> bool:
        """Whether a piece is of the stream's kind, as far as it tells itself."""
        head = _head(data) if self._has_heads else None
        if self._head is None:
            self._head = head
        same = head is None or head == self._head
        if not same:
            self._warn()
        return same

    def goes_with(self, begin_s: float, picture_s: float | None, arrival_s: float) -> bool:
        """Whether live sound passes as fast as the pictures do."""
        step_s, self._latest_s = begin_s - self._latest_s, begin_s
        here = None if picture_s is None else (begin_s, picture_s, arrival_s)
        if here is None or self._run is None or not 0 <= step_s <= SEAM_S:
            self._run = here
        else:
            sound_s, seen_s, waited_s = (now - then for now, then in zip(here, self._run, strict=True))
            if min(seen_s, waited_s) >= WATCHED_S:
                self._fits = min(seen_s, waited_s) / ALIKE <= sound_s <= max(seen_s, waited_s) * ALIKE
                self._run = here
        if self._fits:
            self._heard_s = arrival_s
        return self._fits

    def note_picture(self, arrival_s: float) -> None:
        """Warn if sound has stopped, has never come or does not fit any more, while pictures come."""
        if self._heard_s is None and self._promised:
            self._heard_s = arrival_s
        if self._heard_s is not None and arrival_s - self._heard_s > STOPPED_S:
            self._warn()

    def _warn(self) -> None:
        if not self._said:
            log.warning("%s: its sound is missing or has changed, and is left out (RECORD_SOUND)", self._name)
        self._said = True


def _head(data: bytes) -> bytes | None:
    """What a piece says of its rate; None if it has no head."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    is_adts = not data[1] & 0x06
    return bytes([data[1] & 0x1E, data[2] & (0x3C if is_adts else 0x0C)])
