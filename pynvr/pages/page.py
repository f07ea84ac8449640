"""Keeps the page up to date while the recorder works, which never waits for it.

A thread of its own takes the changes from a queue and writes the files. A full disk harms the page only, and
the next start makes it whole again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pynvr.archive.entry import Known
from pynvr.pages.day import Kind
from pynvr.pages.site import Site

log = logging.getLogger(__name__)

ALIVE_EVERY_S = 30.0
"""How often `page/now.js` says that the recorder is alive; the page believes it for 90 s."""
OFF_AFTER_S = 90.0
STOPPING_S = 10.0
"""How long a stop waits for the page; its disk may hang."""
QUEUE_LIMIT = 1000
"""Changes that may wait. Further ones are lost until the next start."""
GAP_STATES: Mapping[str, Kind] = {"connecting": "lost", "disarmed": "disarmed"}
"""States of the recorder in which nothing is watched -> what the page calls them."""


class ArchivePage:
    """The page of one archive; started and stopped with a `with`."""

    def __init__(
        self,
        root: Path,
        camera: str,
        page_root: Path | None,
        entries: Callable[[], Iterable[Known]],
    ) -> None:
        """`root` is the archive, `camera` its name for people, `entries` reads the lines of its index.

        `page_root` is a folder above the archives that has one page for all of them, if there is one.
        """
        self._site = Site(root)
        self._camera = camera
        self._page_root = page_root
        self._entries = entries
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(QUEUE_LIMIT)
        self._ending = False
        self._now: dict[str, Any] = {"state": "starting", "recording": None}
        self._told: tuple[str, str | None] | None = None
        self._gap: tuple[float, Kind] | None = None
        """When nothing more was watched, monotonic, and why."""
        self._refused = False
        self._thread = threading.Thread(target=self._work, name="page", daemon=True)

    def __enter__(self) -> ArchivePage:
        self._put(self._begin)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.state("stopped", None)
        self._ending = True
        self._put(lambda: None)  # wakes the thread, which may wait for half a minute
        self._thread.join(STOPPING_S)

    def closed(self, entry: Mapping[str, Any]) -> None:
        """Show a recording; `entry` is its line of the index."""
        self._put(lambda: self._site.add(msgspec.convert(entry, Known)))

    def removed(self, names: Collection[str]) -> None:
        """Forget recordings; `names` as the index has them."""
        self._put(partial(self._site.remove, list(names)))

    def kept(self, name: str) -> None:
        """Show whether a recording is kept."""
        self._put(partial(self._site.look_again, name))

    def status(self, facts: Mapping[str, Any]) -> None:
        """Take the recorder's status, as its status file has it."""
        disarmed = facts.get("armed") is False and facts["state"] != "stopped"
        self.state("disarmed" if disarmed else str(facts["state"]), facts["recording"])

    def state(self, state: str, recording: str | None) -> None:
        """Say what the recorder does, and which recording is open, if one is."""
        if (state, recording) != self._told:
            self._told = state, recording
            self._put(
                partial(self._change_state, state, recording, datetime.now(timezone.utc), time.monotonic())
            )

    def _put(self, job: Callable[[], None]) -> None:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            log.warning("the archive's page cannot follow: it is made whole again at the next start")

    # --- on the page's thread -------------------------------------------------------------------

    def _work(self) -> None:
        while not (self._ending and self._jobs.empty()):
            try:
                job = self._jobs.get(timeout=ALIVE_EVERY_S)
            except queue.Empty:
                job = self._say_now
            try:
                job()
            except Exception as error:  # the page must not end the watch
                log.log(logging.DEBUG if self._refused else logging.WARNING, "ARCHIVE_PAGE: %s", error)
                self._refused = True

    def _begin(self) -> None:
        self._site.install(self._camera, self._page_root)
        self._site.reconcile(self._entries())
        alive, now = self._site.last_alive(), datetime.now(timezone.utc)
        if alive is not None:  # by a clock that perhaps was not set yet
            alive = max(alive, self._site.newest)
            if (now - alive).total_seconds() > OFF_AFTER_S:
                self._site.note_gap(alive, now, "off")
        self._say_now()

    def _change_state(self, state: str, recording: str | None, moment: datetime, now_s: float) -> None:
        kind = GAP_STATES.get(state)
        if self._gap is not None and self._gap[1] != kind:
            # the wall clock may have been set meanwhile
            self._site.note_gap(moment - timedelta(seconds=now_s - self._gap[0]), moment, self._gap[1])
            self._gap = None
        if kind is not None and self._gap is None:
            self._gap = now_s, kind
        if recording != self._now["recording"] or "since" not in self._now:
            self._now["since"] = moment.isoformat(timespec="seconds")
        self._now |= {"state": state, "recording": recording, "gap": kind}
        self._say_now()

    def _say_now(self) -> None:
        self._site.write_now(self._now | {"alive": datetime.now(timezone.utc).isoformat(timespec="seconds")})
        self._refused = False
