"""The writer thread: everything that a disk or an encoder may delay happens here.

The capture loop puts orders into a queue (`orders.py`) and goes on. The thread carries them out
(`retry.py`) and does the archive's housekeeping in between.
"""

import logging
import threading
import time
from collections.abc import Callable

from pynvr.archive.archive import Archive
from pynvr.errors import HangingError, PynvrError, RecordingError
from pynvr.recording.open_recording import PartMaker
from pynvr.recording.orders import OrderQueue, Write
from pynvr.recording.retry import RETRY_S, RetriedRecordings

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 60.0
LOOK_EVERY_S = 1.0
HANG_S = 40.0
"""How long one order may take: the recorder has to survive a disk that stalls for 20 s."""


class RecordingWriter(OrderQueue):
    """Carries out the orders that it gets, one after the other, on a thread of its own.

    With a file source an error of the disk ends the run: the next call raises it. With a live source it is
    logged once, and recording is tried again until it works.
    """

    def __init__(
        self,
        archive: Archive,
        make_part: PartMaker,
        limit_bytes: int,
        live: bool,
        housekeeping: Callable[[], bool | None] = lambda: None,
        failed: Callable[[BaseException, str], None] = lambda error, thread: None,
    ) -> None:
        """At most `limit_bytes` of a live source's frames wait; beyond that they are dropped and counted.

        `housekeeping` is called on the thread: after each recording, about once a minute, every few seconds
        while the disk refuses, and soon again if it returns True (there is more to do). `failed` is called
        with the reason and the thread's name if the thread ends before it is told to.
        """
        super().__init__(limit_bytes, live)
        self.state = RetriedRecordings(archive, make_part, live)
        """What is open and what was recorded; others only read it."""
        self._housekeeping = housekeeping
        self._tell_failure = failed
        self._tidied_at = time.monotonic()
        self._more_to_tidy = False
        self.busy_since: float | None = None
        """Monotonic time at which the thread began its current order or housekeeping; None while it waits."""
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames lost because the queue was full or the disk refused."""
        return self._dropped + self.state.lost

    # --- on the capture loop's thread -----------------------------------------------------------

    def write(self, order: Write) -> None:
        """Wait for room if the source is a file; raises HangingError if the disk does not answer."""
        while not self.has_room(LOOK_EVERY_S):
            self._raise_if_hanging()
        super().write(order)

    def close(self) -> None:
        """Wait until all is written and closed. Raises what ended the thread, or HangingError if it hangs."""
        self.finish()
        while self._thread.is_alive():
            self._thread.join(LOOK_EVERY_S)
            self._raise_if_hanging()
        self.raise_failure()

    def _raise_if_hanging(self) -> None:
        """Raise HangingError if the current order takes so long that it may never end."""
        busy = self.busy_since
        if busy is not None and time.monotonic() - busy > HANG_S + self.state.allowance_s:
            raise HangingError(
                "the disk does not answer (PATH_FOR_VIDEO); the next start closes what is open"
            )

    # --- on the writer's thread -----------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (order := self.take(self._tidy_every_s)) is not None or not self.is_over:
                if order is not None:
                    self.busy_since = time.monotonic()
                    if self.state.carry_out(order):
                        self._tidied_at = 0.0
                self._tidy()
                self.busy_since = None
        except BaseException as error:
            self._give_up(error)
        self.busy_since = None

    def _give_up(self, error: BaseException) -> None:
        """Tell the callers that this thread has ended, then save what there is."""
        # raised on the caller's thread, a SystemExit would end the process with exit code 0
        told = error if isinstance(error, Exception) else RecordingError(f"the writer ended: {error!r}")
        self.finish(told)
        if not isinstance(error, PynvrError | OSError):
            log.exception("the writer failed")
        self._tell_failure(error, self._thread.name)
        try:
            self.state.abandon()
        except Exception:  # the next start closes it
            log.exception("the open recording could not be closed")

    @property
    def _tidy_every_s(self) -> float:
        if self._more_to_tidy:
            return LOOK_EVERY_S
        return RETRY_S if self.state.failing else HOUSEKEEPING_S

    def _tidy(self) -> None:
        """When it is time, make room, then close what an ill disk has left open."""
        if time.monotonic() - self._tidied_at < self._tidy_every_s:
            return
        self._tidied_at = self.busy_since = time.monotonic()
        self._more_to_tidy = False
        try:
            self._more_to_tidy = bool(self._housekeeping())
        except OSError as error:
            level = logging.DEBUG if self.state.failing else logging.ERROR  # a failing disk is known
            log.log(level, "housekeeping of the archive failed: %s", error)
        except Exception:  # recording matters more
            log.exception("housekeeping of the archive failed")
        self.state.recover()
