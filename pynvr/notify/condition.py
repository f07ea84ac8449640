"""Makes events from changes of the recorder's state: a camera is lost, recording is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynvr.notify.event import EventType, happened
from pynvr.notify.outbox import Outbox

CANNOT_RECORD = ("cannot record", "waiting for the disk", "stuck")
"""States of the status file."""
NOT_KNOWN = ("stuck", "stopped", "failed")
"""States that do not say whether the camera is there."""


class Condition:
    """Compares each status with the previous one, and tells the outbox what has changed."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._lost = self._refused = False
        self._connecting = False
        """Whether the previous status said so. At the start it takes two of them to lose a camera."""
        self._ever = False
        self._reconnects = 0

    def __call__(self, facts: Mapping[str, Any]) -> None:
        """Compare with the previous status."""
        error = facts.get("last_error")
        away = facts["state"] == "connecting"
        reconnects = int(facts.get("reconnects") or 0)
        if not self._lost and ((away and (self._ever or self._connecting)) or reconnects > self._reconnects):
            self._tell("camera_lost", error)
            self._lost = True
        if self._lost and not away and facts["state"] not in NOT_KNOWN:
            self._tell("camera_found", None)
            self._lost = False
        self._connecting, self._reconnects = away, reconnects
        self._ever = self._ever or not away
        refused = facts["state"] in CANNOT_RECORD
        if refused and not self._refused:
            self._tell("cannot_record", error if facts["state"] == "cannot record" else facts["state"])
        well = facts["state"] in ("recording", "watching")
        if self._refused and well:
            self._tell("recording_again", None)
        self._refused = refused or (self._refused and not well)

    def _tell(self, kind: EventType, message: str | None) -> None:
        self._outbox.tell(happened(kind, self._outbox.camera, message=message))
