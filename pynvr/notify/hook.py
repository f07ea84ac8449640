"""Receivers on this machine: what they have in common, and onEventFunc, the user's own Python function."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pynvr.archive.replaced_file import replace_file
from pynvr.notify.event import DeliveryError, Event, Parcel

log = logging.getLogger(__name__)


class Hook:
    """A `Receiver` that gets an event's picture as a file, which the next motion replaces."""

    name: str
    uses_files = True

    def __init__(self, timeout_s: float, archive: Path) -> None:
        """A call that takes longer than `timeout_s` has failed."""
        self._timeout_s = timeout_s
        self._archive = archive

    def deliver(self, parcel: Parcel) -> None:
        event = parcel.event
        if event is None:
            return
        if parcel.jpeg is not None:
            path = self._archive / f".pynvr.motion.{self.name}.jpg"
            try:
                replace_file(path, parcel.jpeg)
                event = replace(event, picture=str(path))
            except OSError as error:  # an alarm without its picture is better than none
                log.warning("%s cannot be written: %s", path, error)
        self.call(event)

    def call(self, event: Event) -> None:
        """Hand over the event; raises DeliveryError if that fails."""
        raise NotImplementedError

    def close(self) -> None:
        """End what is under way, if that is possible."""


class FunctionReceiver(Hook):
    """Calls a function with each event. After an exception it is called again."""

    name = "function"

    def __init__(self, function: Callable[[Event], object], timeout_s: float, archive: Path) -> None:
        """Until a call that takes longer than `timeout_s` returns, every delivery fails."""
        super().__init__(timeout_s, archive)
        self._function = function
        self._call: threading.Thread | None = None

    def call(self, event: Event) -> None:
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
