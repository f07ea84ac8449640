"""onEventFunc: the user's own Python function."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from pynvr.notify.event import DeliveryError, Event, Parcel
from pynvr.notify.motion_picture import with_picture


class FunctionReceiver:
    """Calls a function with each event. After an exception it is called again."""

    name = "function"
    waits_for_picture = True

    def __init__(self, function: Callable[[Event], object], timeout_s: float, archive: Path) -> None:
        """A call that takes longer than `timeout_s` has failed; until it returns, every delivery fails."""
        self._function = function
        self._timeout_s = timeout_s
        self._archive = archive
        self._call: threading.Thread | None = None

    def deliver(self, parcel: Parcel) -> None:
        """As `Receiver` has it."""
        event = with_picture(parcel, self._archive, self.name)
        if event is None:
            return
        if self._call is not None and self._call.is_alive():
            raise DeliveryError("onEventFunc has not returned from an earlier event yet")
        failures: list[BaseException] = []

        def call() -> None:
            try:
                self._function(event)
            except BaseException as error:  # whatever a user's function can raise, sys.exit() too
                failures.append(error)

        # a thread of its own, since a hanging one cannot be ended
        self._call = threading.Thread(target=call, name="onEventFunc", daemon=True)
        self._call.start()
        self._call.join(self._timeout_s)
        if self._call.is_alive():
            raise DeliveryError(
                f"onEventFunc hangs: {event.type} took longer than EVENT_TIMEOUT_SECS = {self._timeout_s:g}"
            )
        if failures:
            raise DeliveryError(f"onEventFunc failed at {event.type}: {failures[0]!r}")

    def close(self) -> None:
        """Nothing can be done about a function that hangs; the process ends without it."""
