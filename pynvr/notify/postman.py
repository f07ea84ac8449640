"""One receiver and its thread: what is to be delivered, in which order, how often it is tried.

Two lanes. Events about the present go first, and expire after a minute: an alarm an hour late is worse
than none. Closed recordings follow in the order of the index, each at least once, however long it takes.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from pynvr.notify.backlog import Cursor
from pynvr.notify.event import DeliveryError, Event, Parcel

log = logging.getLogger(__name__)

EXPIRES_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Seconds between two tries; each pause is twice the one before."""
MOST_WAITING = 100
"""Parcels about the present; beyond that the oldest is given up. Few hold a picture."""
STOPPING_S = 5.0
"""How long a stop waits for a receiver. Recordings that are left follow after the next start."""


class Receiver(Protocol):
    """Somebody who is told. Only its postman's thread uses it, except for `close`."""

    name: str
    """In the cursor's file name, the log and the status."""
    uses_files: bool
    """Whether it works with files: it is told of motion together with the picture. If not, of the motion at
    once and of the picture later."""

    def deliver(self, parcel: Parcel) -> None:
        """Deliver it; raises DeliveryError if it has to be tried again."""

    def close(self) -> None:
        """Release everything, which makes a delivery under way fail; another thread calls this."""


class Postman:
    """Delivers to one receiver."""

    def __init__(
        self,
        receiver: Receiver,
        cursor: Cursor,
        backlog: Callable[[str], Sequence[Event]],
        is_gone: Callable[[Event], bool],
    ) -> None:
        """`backlog` fetches the next events of closed recordings after an id; it may raise OSError.

        `is_gone` tells whether such a recording was removed since.
        """
        self.receiver = receiver
        self._cursor = cursor
        self._backlog = backlog
        self._is_gone = is_gone
        self._now: deque[tuple[Parcel, float]] = deque()
        """What is about now, and the monotonic time at which it expires."""
        self._closed: deque[Event] = deque()
        self._unread = 0
        """Lines added to the index since it was last read."""
        self._more = True
        """Whether it may hold others that are not fetched yet, as at the start."""
        self._away = False
        """Whether it could not be read the last time."""
        self._failed = self._expired = 0
        self._hurry = self._stopping = self._over = False
        self._changed = threading.Condition()
        """Guards all but the cursor; notified when there is more to do, or no reason to wait any more."""
        self._thread = threading.Thread(target=self._run, name=f"to {receiver.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def counts(self) -> dict[str, int]:
        """For the status: what is pending, the tries that failed, and the parcels that were given up."""
        with self._changed:
            pending = len(self._now) + len(self._closed) + self._unread
            return {"pending": pending, "failed": self._failed, "expired": self._expired}

    def tell(self, parcel: Parcel) -> None:
        """Take something that is about now; never waits. A receiver that failed is tried again at once."""
        with self._changed:
            self._hurry = True
            if len(self._now) >= MOST_WAITING:
                self._now.popleft()
                self._expired += 1
            self._now.append((parcel, time.monotonic() + EXPIRES_S))
            self._changed.notify()

    def recording_closed(self) -> None:
        """Note that the index has one more line; never waits."""
        with self._changed:
            self._unread += 1
            self._changed.notify()

    def hurry(self) -> None:
        """Try again at once: the receiver can be reached."""
        with self._changed:
            self._hurry = True
            self._changed.notify()

    def close(self) -> None:
        """Deliver what can be delivered at once, then close the receiver."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOPPING_S)
        with self._changed:
            self._over = True
        self.receiver.close()
        self._thread.join(1.0)

    # --- on its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while (parcel := self._next()) is not None:
            try:
                self.receiver.deliver(parcel)
            except DeliveryError as error:
                level = logging.WARNING if pause_s == FIRST_PAUSE_S else logging.DEBUG
                log.log(level, "%s: %s; trying again", self.receiver.name, error)
            except Exception:  # a bug must not end the deliveries
                log.exception("%s: delivering failed; trying again", self.receiver.name)
            else:
                if pause_s > FIRST_PAUSE_S:
                    log.info("%s: takes events again", self.receiver.name)
                pause_s = FIRST_PAUSE_S
                self._done(parcel)
                continue
            if self.receiver.uses_files and parcel.event is not None and self._is_gone(parcel.event):
                with self._changed:
                    self._expired += 1
                self._done(parcel)  # who wants the file would fail for ever, and never hear of a later one
                continue
            if not self._pause(pause_s):
                return
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    def _next(self) -> Parcel | None:
        """Wait for the next parcel and leave it in its lane; None: it is time to end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._has_work() or self._stopping)
                self._hurry = False
                while self._now and self._now[0][1] < time.monotonic():
                    self._now.popleft()
                    self._expired += 1
                if self._over or (self._stopping and not self._has_work()):
                    return None
                if self._now:
                    return self._now[0][0]
                if self._closed:
                    return Parcel(self._closed[0])
                self._unread, self._more = 0, False
            if not self._fetch() and not self._pause(FIRST_PAUSE_S):
                return None

    def _has_work(self) -> bool:
        return bool(self._now or self._closed or self._unread or self._more)

    def _fetch(self) -> bool:
        """Read the next recordings from the index; return False if it cannot be read now."""
        try:
            fetched = self._backlog(self._cursor.id)
        except OSError as error:
            level = logging.DEBUG if self._away else logging.WARNING
            log.log(level, "the index cannot be read: %s; trying again", error)
            with self._changed:
                self._more = self._away = True
            return False
        with self._changed:
            self._away = False
            self._closed.extend(fetched)
            self._more = bool(fetched)  # there may be more than are fetched at a time
        return True

    def _done(self, parcel: Parcel) -> None:
        event = parcel.event
        if event is not None and event.type == "recording_closed":
            self._cursor.move(event.id)
            with self._changed:
                self._closed.popleft()
            return
        with self._changed:
            if self._now and self._now[0][0] is parcel:  # it may have been pushed out meanwhile
                self._now.popleft()

    def _pause(self, seconds: float) -> bool:
        """Count a failure, and wait before another try; False if there is to be none."""
        with self._changed:
            self._failed += 1
            self._changed.wait_for(lambda: self._hurry or self._stopping, seconds)
            return not self._stopping
