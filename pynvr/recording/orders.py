"""The orders of the capture loop to the writer's thread, and their queue, bounded in bytes."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynvr.media.packet import Recordable

log = logging.getLogger(__name__)

PACK_ABOVE_BYTES = 16 * 1024 * 1024
"""Above this size the queue keeps further live frames as JPEG."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a new recording. Times are the frame's or packet's own, `trigger_utc` is the wall clock."""

    trigger_s: float
    trigger_utc: datetime
    nominal_fps: float
    continues: bool = False
    """Whether the event began in the recording before this one."""
    nbytes: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class Write:
    """Add a frame or a packet to the open recording."""

    frame: Recordable
    changed_px: int = 0
    motion: bool = False
    hold_left_s: float | None = None
    """For the label, in seconds; None for a frame that gets no label."""

    @property
    def nbytes(self) -> int:
        return self.frame.nbytes


@dataclass(frozen=True, slots=True)
class Picture:
    """Put a picture beside the open recording; it replaces one of the same kind."""

    kind: Literal["picture", "strip"]
    jpeg: NDArray[np.uint8]
    facts: Mapping[str, object]
    """Fields of the index about it."""

    @property
    def nbytes(self) -> int:
        return self.jpeg.nbytes


@dataclass(frozen=True, slots=True)
class End:
    """Close the open recording."""

    dropped: int = 0
    """Frames of it that were dropped because the queue was full."""
    undecodable: int = 0
    """Pictures within it that could not be decoded."""
    last_motion_s: float | None = None
    """Copy mode: time of the latest motion, which the packets do not tell exactly."""
    nbytes: ClassVar[int] = 0


Order: TypeAlias = Begin | Write | Picture | End


class OrderQueue:
    """Takes orders. A live source never waits: frames without room are dropped, counted and logged."""

    def __init__(self, limit_bytes: int, live: bool) -> None:
        """At most `limit_bytes` of a live source's frames wait; of a file's, about `PACK_ABOVE_BYTES`."""
        self._limit_bytes = limit_bytes if live else PACK_ABOVE_BYTES
        self._live = live
        self._orders: deque[Order] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._finished = False
        """Whether no more orders will come."""
        self._changed = threading.Condition()
        """Guards the four above; notified at every change of them."""
        self._dropped_now = 0
        """Frames of this recording that were dropped."""
        self._broken = False
        """Whether a packet was dropped, so that those up to the next key packet cannot be decoded."""
        self._dropped = 0
        """Frames that were dropped for lack of room."""

    def begin(self, begin: Begin, pre_alarm: Iterable[Recordable] = ()) -> None:
        """Open a recording and add its pre-alarm. If that does not fit, its oldest frames are dropped.

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

    def write(self, order: Write) -> None:
        """Add a frame or packet of the event. Without room a live source's is packed or dropped."""
        if self._live:
            if self._bytes > PACK_ABOVE_BYTES:
                order = replace(order, frame=order.frame.packed())
            no_room = self._bytes + order.nbytes > self._limit_bytes
            self._broken = no_room or (self._broken and not order.frame.key)
            if self._broken:
                self._drop()
                return
        self._put(order)

    def keep(self, picture: Picture) -> None:
        """Put a picture beside the recording; a live source's is left out if there is no room for it."""
        if not self._live or self._bytes + picture.nbytes <= self._limit_bytes:
            self._put(picture)

    def end(self, undecodable: int = 0, last_motion_s: float | None = None) -> None:
        """Close the recording after all that was handed over; the arguments are as `End` has them."""
        if self._dropped_now:
            log.error("%d frames of this recording were dropped: writing was too slow", self._dropped_now)
        self._put(End(self._dropped_now, undecodable, last_motion_s))
        self._dropped_now = 0

    def has_room(self, timeout_s: float) -> bool:
        """Wait for room for a file's frame, which is never dropped; False if there is none yet.

        True at once for a live source, and if the thread has failed.
        """
        with self._changed:
            return self._live or bool(
                self._changed.wait_for(lambda: self._bytes <= self._limit_bytes or self._failure, timeout_s)
            )

    @property
    def is_over(self) -> bool:
        """Whether all orders were taken and no more will come."""
        with self._changed:
            return self._finished and not self._orders

    def finish(self, failure: Exception | None = None) -> None:
        """No more orders will come; after a failure every call that adds one raises it."""
        with self._changed:
            self._finished = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def take(self, timeout_s: float) -> Order | None:
        """Wait for the oldest order and take it; None if none has come, or no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._orders or self._finished, timeout_s)
            if not self._orders:
                return None
            order = self._orders.popleft()
            self._bytes -= order.nbytes
            self._changed.notify_all()
            return order

    def _put(self, *orders: Order) -> None:
        with self._changed:
            self.raise_failure()
            self._orders.extend(orders)
            self._bytes += sum(order.nbytes for order in orders)
            self._changed.notify_all()

    def _drop(self) -> None:
        if not self._dropped_now:
            log.warning("writing is too slow: frames are dropped (WRITER_QUEUE_LIMIT_MB bounds the queue)")
        self._dropped += 1
        self._dropped_now += 1
