"""What of a stream could not be decoded, and when it would have been shown."""

from __future__ import annotations

SHOWN_AT_MOST = 5
"""So many stretches are named one by one."""
CONNECTED_S = 1.0
"""Losses closer to each other are told as one stretch."""


class Losses:
    """Told what goes into a decoder and what comes out; knows what got lost between."""

    def __init__(self) -> None:
        self._waiting: list[float] = []
        self._suspicious = True
        """Whether a packet was refused since the last picture; before the first one anything may be."""
        self._stretches: list[tuple[float, float, int]] = []
        self.count = 0
        """Pictures lost so far."""

    def sent(self, time: float) -> None:
        """A packet that is to be shown at `time`, in seconds, goes into the decoder."""
        self._waiting.append(time)

    def refused(self) -> None:
        """The decoder could not make a picture of what it was given."""
        self._suspicious = True

    def shown(self, time: float, half: bool = False) -> int:
        """A picture came out; return how many before it are lost: they would have come before.

        Of pictures that come in two packets (`half`) only those of a refused packet count.
        """
        lost = [waiting for waiting in self._waiting if waiting < time]
        self._waiting = [waiting for waiting in self._waiting if waiting > time]
        suspicious, self._suspicious = self._suspicious, False
        return self._add(lost) if suspicious and not half else 0

    def rest(self) -> int:
        """The decoder is empty: what it still owes is lost, if it has refused anything."""
        waiting, self._waiting = self._waiting, []
        return self._add(waiting) if self._suspicious else 0

    def _add(self, times: list[float]) -> int:
        for time in sorted(times):
            last = self._stretches[-1] if self._stretches else None
            if last is not None and time - last[1] <= CONNECTED_S:
                self._stretches[-1] = (last[0], time, last[2] + 1)
            else:
                self._stretches.append((time, time, 1))
        self.count += len(times)
        return len(times)

    def __str__(self) -> str:
        """Say it in one line: `14.0-14.0 s: 1 picture could not be decoded`."""
        told = [f"{first:.1f}-{last:.1f} s: {_pictures(n)}" for first, last, n in self._stretches]
        if len(told) > SHOWN_AT_MOST:
            told = [*told[:SHOWN_AT_MOST], f"and so on, {_pictures(self.count)} in all"]
        return f"{', '.join(told)} could not be decoded"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
