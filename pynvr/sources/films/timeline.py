"""Corrects the times of a file's packets. Pure arithmetic.

A file's times may begin again where two recordings were joined, stand still, leap or be missing.
Only the distance of packets that follow each other as they should is known to be right.
"""

from collections.abc import Callable

BELIEVED_LEAP_S = 10.0
"""FFmpeg, too, takes a longer leap for a new count, in containers where that happens."""
STANDSTILL_S = 0.5
"""Times that fall back by less stand still or are not exact. They are no new count."""
USUAL_STEP_S = 2.0
"""Packets further apart say nothing about the rate."""


class Timeline:
    """Lays packets, in the order of decoding, onto one line of time that never falls back."""

    def __init__(self, step_s: float, believes: Callable[[float, float], bool]) -> None:
        """`step_s` is the distance of two packets if nothing better is known.

        `believes` is asked for each leap further than BELIEVED_LEAP_S, with the times before and after it.
        """
        self._step = step_s
        self._believes = believes
        self._offset = 0.0
        """Added to the file's times since they last began anew."""
        self._told: float | None = None
        self._decoded: float | None = None
        self._shown = float("-inf")
        """The latest times: as the file told it, and decoding and showing as they were laid."""
        self.laid_anew: list[float] = []
        """Resulting times from which on the file's times were laid anew."""

    def place(self, decoded: float | None, shown: float | None) -> tuple[float, float | None]:
        """Lay the next packet: return when it is decoded and when it is shown, None if the file does not say.

        The arguments are the same two times as the file has them, in seconds.
        """
        if decoded is None:  # the first packets of a file with B-frames, or all of a bare stream
            laid = 0.0 if self._decoded is None else self._decoded + self._step
            laid_shown = None if shown is None else shown + self._offset
            if shown is None:
                self._decoded = laid
        else:
            delay = 0.0 if shown is None else shown - decoded
            laid = decoded + self._offset
            if self._decoded is not None and self._told is not None:
                laid = self._following(decoded, self._told, self._decoded, delay)
            self._told, self._decoded = decoded, laid
            laid_shown = None if shown is None else laid + delay
        if laid_shown is not None:
            self._shown = max(self._shown, laid_shown)
        return laid, laid_shown

    def _following(self, decoded: float, told: float, laid: float, delay: float) -> float:
        """When to decode a packet of the time `decoded`, after one of `told` that was laid at `laid`."""
        gap, goes_on = decoded - told, decoded + self._offset
        if 0 < gap <= USUAL_STEP_S:
            self._step = gap
        leaps = gap > BELIEVED_LEAP_S and not self._believes(told, decoded)
        falls = gap <= -STANDSTILL_S or goes_on < laid - STANDSTILL_S
        if not leaps and not falls:
            return goes_on if goes_on > laid else laid + self._step
        # what was shown last is not shown after what begins here
        begin = max(laid, self._shown - delay) + self._step
        self._offset = begin - decoded
        self.laid_anew.append(begin)
        return begin
