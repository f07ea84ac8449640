"""What the log says about a camera: each thing when it happens, and again only after a while."""

import logging
import math
import time

log = logging.getLogger(__name__)

REPEAT_S = 60.0
"""How often something that goes on is mentioned."""


class CameraLog:
    """Writes about one camera."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lost_at: float | None = None
        self._told_at: dict[str, float] = {}
        """When each kind of thing was mentioned last."""
        self._missing_s = 0.0
        """How much of the connection's stream was told to be missing."""

    def lost(self, error: Exception) -> None:
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = self._told_at["away"] = now
            log.error("%s; trying again", error)
        elif self._due("away"):
            log.error("camera %s: still away, for %.0f s now (%s)", self._name, now - self._lost_at, error)

    def found(self) -> None:
        away = "" if self._lost_at is None else f", was away for {time.monotonic() - self._lost_at:.1f} s"
        self._lost_at = None
        log.info("camera %s: connected%s", self._name, away)

    def failed(self) -> None:
        """A bug has ended a connection. Call it while the exception is handled."""
        log.exception("camera %s: reading failed", self._name)

    def dropped(self, overflow: str, count: int) -> None:
        """So many items so far were dropped; `overflow` is the message, which says why."""
        if self._due(overflow):
            log.warning(f"camera %s: {overflow} (CAMERA_QUEUE_LIMIT_MB bounds the queue)", self._name, count)

    def keyless(self, seconds: float) -> None:
        """It has sent packets for so long, and none that could be decoded without those before it."""
        if self._due("keyless"):
            log.warning(
                "camera %s: has sent no key frame for %.0f s, without which nothing can be seen or recorded; "
                "let it send them more often", self._name, seconds,
            )  # fmt: skip

    def undecodable(self, count: int) -> None:
        """So many packets so far could not be decoded."""
        if self._due("undecodable"):
            log.warning("camera %s: %d packets so far could not be decoded", self._name, count)

    def missing(self, seconds: float) -> None:
        """So much of this connection's stream was never there to be read."""
        if seconds < self._missing_s:
            self._missing_s = 0.0  # another connection counts anew
        if seconds > self._missing_s and self._due("missing"):
            self._missing_s = seconds
            log.warning("camera %s: %.0f s of its stream are missing so far", self._name, seconds)

    def clock(self, what: str | None) -> None:
        """What is wrong with its clock, if anything is. This is mentioned once."""
        if what is not None and "clock" not in self._told_at:
            self._told_at["clock"] = time.monotonic()
            log.warning("camera %s: %s; its pictures get the times at which they come", self._name, what)

    def _due(self, kind: str) -> bool:
        due = time.monotonic() - self._told_at.get(kind, -math.inf) >= REPEAT_S
        if due:
            self._told_at[kind] = time.monotonic()
        return due
