"""A queue between two threads, bounded in bytes, for what was read and is not yet used."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from pynvr.errors import PynvrError
from pynvr.media.frame import Frame, Gap
from pynvr.media.packet import TimedPacket

LOOK_EVERY_S = 0.1
"""A stop does not wake a thread that waits here, so it looks for itself."""
TOO_SLOW = "motion detection is too slow, %d frames dropped so far"

Item = TypeVar("Item", bound=Frame | TimedPacket)


class ItemQueue(Generic[Item]):
    """Items and gaps in order. Filled by the reader's thread, emptied by one other."""

    def __init__(
        self,
        limit_bytes: int,
        whole_groups: bool = False,
        limit_s: float = math.inf,
        overflow: str = TOO_SLOW,
    ) -> None:
        """Hold at most `limit_bytes` of items, or a single larger one.

        When it is full, the newest item is dropped. With `whole_groups` the oldest group of pictures is
        dropped instead: a part of a group could not be decoded. And all that is there is dropped when a key
        packet comes that is more than `limit_s` later. `overflow` is what the log says of it.
        """
        self.limit_bytes = limit_bytes
        self.overflow = overflow
        self._whole_groups = whole_groups
        self._limit_s = limit_s
        self._items: deque[Item | Gap] = deque()
        self._bytes = 0
        self._lost_at: deque[float] = deque()
        """When each of the gaps came, on the monotonic clock."""
        self._over = False
        """Nobody takes items any more: what comes now counts neither as received nor as dropped."""
        self._failure: PynvrError | None = None
        self.received = self.dropped = 0
        """Items that came, and how many were dropped because the queue was full."""
        self._changed = threading.Condition()
        """Guards all of the above; notified when something was added or the queue has failed."""

    def put(self, item: Item | Gap) -> int:
        """Add an item or gap; return how many items were dropped for it."""
        with self._changed:
            if self._over:
                return 0
            dropped = 0
            if isinstance(item, Gap):
                self._lost_at.append(time.monotonic())
            else:
                self.received += 1
                late = self._whole_groups and self._is_late(item)
                if late or (self._bytes and self._bytes + item.nbytes > self.limit_bytes):
                    dropped = self._drop(late) if self._whole_groups else 1
                    self.dropped += dropped
                    if not self._whole_groups:
                        return dropped
                self._bytes += item.nbytes
            self._items.append(item)
            self._changed.notify()
            return dropped

    def fail(self, error: PynvrError) -> None:
        """Have every take raise this error from now on."""
        with self._changed:
            self._failure = error
            self._changed.notify()

    def take(self, ended: Callable[[], bool]) -> Item | Gap | None:
        """Wait for the oldest item; None once it is empty and `ended()`."""
        with self._changed:
            while not self._items:
                if self._failure is not None:
                    raise self._failure
                if ended():
                    self._over = True
                    return None
                self._changed.wait(LOOK_EVERY_S)
            return self._pop()

    def take_until(self, moment: float, ended: Callable[[], bool]) -> Item | Gap | None:
        """The oldest item, if its time or that of the loss behind it is up to the moment; never waits."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if not self._items:
                self._over = ended()
                return None
            item = self._items[0]
            # what a connection has left waits no longer than until its loss, whatever its clock said
            if isinstance(item, Gap) or item.time <= moment or (self._lost_at and self._lost_at[0] <= moment):
                return self._pop()
            return None

    def peek(self, timeout_s: float) -> Item | None:
        """Wait for an item, which stays where it is; None if none comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._failure, timeout_s)
            if self._failure is not None:
                raise self._failure
            return next((item for item in self._items if not isinstance(item, Gap)), None)

    def wait_for_gap(self, timeout_s: float, ended: Callable[[], bool]) -> None:
        """Wait until a gap is there, or `ended()`."""
        with self._changed:
            self._changed.wait_for(lambda: self._lost_at or ended(), timeout_s)

    def _is_late(self, item: Item) -> bool:
        """Whether so much waits that it is better to go on with this item."""
        first = next((each for each in self._items if not isinstance(each, Gap)), item)
        return item.key and item.time - first.time > self._limit_s

    def _drop(self, everything: bool) -> int:
        """Drop the oldest group of pictures, or all, but no gap; return how many pictures they were."""
        count = 0
        gaps: list[Gap] = []
        while self._items:
            oldest = self._items[0]
            if count and not everything and (isinstance(oldest, Gap) or oldest.key):
                break
            self._items.popleft()
            if isinstance(oldest, Gap):
                gaps.append(oldest)
            else:
                self._bytes -= oldest.nbytes
                count += 1
        self._items.extendleft(reversed(gaps))
        return count

    def _pop(self) -> Item | Gap:
        item = self._items.popleft()
        if isinstance(item, Gap):
            self._lost_at.popleft()
        else:
            self._bytes -= item.nbytes
        return item
