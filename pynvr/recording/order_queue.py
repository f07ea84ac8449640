"""The queue from the capture loop to the writer's thread, bounded in bytes."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable

from pynvr.media.packet import Recordable
from pynvr.recording.orders import Begin, End, Order, Picture, Write

log = logging.getLogger(__name__)

PACK_ABOVE_BYTES = 16 * 1024 * 1024
"""Above this size the queue keeps further live frames as JPEG."""


class OrderQueue:
    """Takes orders. A live source never waits: frames without room are dropped, counted and logged."""

    def __init__(self, limit_bytes: int, live: bool) -> None:
        """At most `limit_bytes` of a live source's frames wait; of a file's, about `PACK_ABOVE_BYTES`."""
        self._limit_bytes = limit_bytes if live else PACK_ABOVE_BYTES
        self._live = live
        self._orders: deque[Order | None] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        """Guards the three above; notified at every change of them."""
        self._dropped_now = 0
        """Frames of this recording that were dropped."""
        self._broken = False
        """Whether a packet was dropped, so that those up to the next key packet cannot be decoded."""
        self.dropped = 0
        """Frames that were dropped for lack of room."""

    def begin(self, begin: Begin, pre_alarm: Iterable[Recordable]) -> None:
        """Add the order to begin, and the pre-alarm. If it does not fit, its oldest frames are dropped.

        A full ring fits, unless the previous recording still waits to be written.
        """
        waiting = deque(pre_alarm)
        beginning = bool(waiting)
        surplus = self._bytes + sum(frame.nbytes for frame in waiting) - self._limit_bytes
        while self._live and waiting and (surplus > 0 or not waiting[0].key):
            surplus -= waiting.popleft().nbytes
            self._drop()
        self._broken = beginning and not waiting
        self._put(begin, *map(Write, waiting))

    def has_room(self, timeout_s: float) -> bool:
        """Wait for room for a file's frame, which is never dropped; False if there is none yet.

        True at once for a live source, and if the thread has failed.
        """
        with self._changed:
            return self._live or bool(
                self._changed.wait_for(lambda: self._bytes <= self._limit_bytes or self._failure, timeout_s)
            )

    def write(self, write: Write) -> None:
        """Add a frame or packet. Without room a live source's frame is packed or dropped."""
        if self._live:
            if self._bytes > PACK_ABOVE_BYTES:
                write = write.packed()
            no_room = self._bytes + write.nbytes > self._limit_bytes
            self._broken = no_room or (self._broken and not write.frame.key)
            if self._broken:
                self._drop()
                return
        self._put(write)

    def keep(self, picture: Picture) -> None:
        """Add a picture; a live source's is left out if there is no room for it."""
        if not self._live or self._bytes + picture.nbytes <= self._limit_bytes:
            self._put(picture)

    def end(self, undecodable: int = 0, last_motion_s: float | None = None) -> None:
        """Add a recording's end; the numbers are as `End` has them."""
        if self._dropped_now:
            log.error("%d frames of this recording were dropped: writing was too slow", self._dropped_now)
        self._put(End(self._dropped_now, undecodable, last_motion_s))
        self._dropped_now = 0

    def finish(self) -> None:
        """Tell the thread to end when it has carried out everything."""
        with self._changed:
            self._orders.append(None)
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """From now on raise this error in every call that adds an order."""
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def raise_failure(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def wait(self, timeout_s: float) -> bool:
        """Wait for an order; False if none has come."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._orders, timeout_s))

    def take(self) -> Order | None:
        """Take the oldest order; there has to be one. None means that no more will come."""
        with self._changed:
            order = self._orders.popleft()
            self._bytes -= _nbytes(order)
            self._changed.notify_all()
            return order

    def _put(self, *orders: Order) -> None:
        with self._changed:
            self.raise_failure()
            self._orders.extend(orders)
            self._bytes += sum(map(_nbytes, orders))
            self._changed.notify_all()

    def _drop(self) -> None:
        if not self._dropped_now:
            log.warning("writing is too slow: frames are dropped (WRITER_QUEUE_LIMIT_MB bounds the queue)")
        self.dropped += 1
        self._dropped_now += 1


def _nbytes(order: Order | None) -> int:
    return order.nbytes if isinstance(order, Write | Picture) else 0
