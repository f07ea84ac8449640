"""Reading on past what cannot be decoded: a failed read is the end of a stream only if nothing follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

Content = TypeVar("Content")

MOST_AT_ONCE = 100
"""Failed reads in a row. At the end of a stream they fail at once; each other one has used up a packet."""


class PastDamage(Generic[Content]):
    """Reads a capture, and counts what it could not decode."""

    def __init__(self, read: Callable[[], tuple[bool, Content]], longest_wait_s: float) -> None:
        """`read` is as VideoCapture's; after `longest_wait_s` without anything the stream is lost."""
        self._read = read
        self._longest_wait_s = longest_wait_s
        self.undecodable = 0
        """Packets so far, between others that could be decoded."""

    def read(self) -> Content | None:
        """The next picture or packet; None where none follows."""
        began = time.monotonic()
        for failed in range(MOST_AT_ONCE):
            received, content = self._read()
            if received:
                self.undecodable += failed
                return content
            if time.monotonic() - began > 0.9 * self._longest_wait_s:
                break
        return None
