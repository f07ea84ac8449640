"""Arms and disarms motion detection, and takes requests for a recording.

The last word counts. The rule (armedFunc, ARMED_TIMES) speaks when its answer changes. In between an order by
MQTT or a signal does; a restart does not forget it. A file `.disarmed` in the archive disarms as long as it
is there; the order to arm removes it. A file `.record` asks for a recording.

The files are on a disk that may hang, so a thread of its own looks at them. The capture loop only reads what
that thread has found.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from pynvr.archive.replaced_file import replace_file
from pynvr.recording.armed_times import ArmedTimes

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
REQUEST_EXPIRES_S = 60.0
"""A request expires if no picture comes for so long."""
DISARMED_NAME = ".disarmed"
RECORD_NAME = ".record"
WORD_NAME = ".pynvr.armed"

Rule = Callable[[datetime], bool]
"""Takes the local time; returns whether motion counts then."""


class Arming:
    """Whether motion counts, and requests for a recording; a `with` starts and stops its thread."""

    def __init__(self, archive: Path, rule: Rule | None) -> None:
        """Without a rule it is armed until somebody disarms it."""
        self._archive = archive
        self._rule = rule or (lambda local: True)
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        """What the thread has to do. A signal may come at any moment, and a `SimpleQueue` endures that."""
        self._stopping = False
        self._word: bool | None = None
        """The latest order to arm or disarm since the rule's answer changed."""
        self._rule_failed = False
        self._ignored: set[str] = set()
        """Names of files that cannot be removed; the log has said so."""
        self._asked_at: float | None = None
        """When a recording was asked for, monotonic; None: it was not, or the capture loop knows."""
        self.armed = True
        """Read by the capture loop."""
        self.on_change: Callable[[bool], None] = lambda armed: None
        """Called with `armed` at the start and at each change, on the arming thread."""
        self._now_by_rule = True
        self._thread = threading.Thread(target=self._run, name="arming", daemon=True)

    def __enter__(self) -> Arming:
        self._now_by_rule = self._by_rule()
        self._word = self._kept_word()
        self.armed = self._judge()
        if not self.armed:
            log.warning("disarmed: nothing is recorded")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._orders.put(lambda: None)  # wakes the thread
        self._thread.join(LOOK_EVERY_S)

    def say(self, armed: bool) -> None:
        """Arm or disarm; from any thread or signal handler."""
        self._orders.put(partial(self._hear, armed))

    def record(self) -> None:
        """Ask for a recording; from any thread."""
        self._orders.put(self._ask)

    def asked_to_record(self) -> bool:
        """Whether a recording has been asked for since the last call; for the capture loop."""
        asked_at = self._asked_at
        if asked_at is None:
            return False
        self._asked_at = None  # only if there was a request: one that comes meanwhile must not be lost
        if time.monotonic() - asked_at > REQUEST_EXPIRES_S:
            log.warning("a recording was asked for while there was no picture: too late now")
            return False
        return True

    # --- on its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        self.on_change(self.armed)
        while not (self._stopping and self._orders.empty()):
            try:
                order = self._orders.get(timeout=LOOK_EVERY_S)
            except Empty:
                order = self._look
            order()

    def _look(self) -> None:
        """Look for a file `.record`, and whether the rule or a file `.disarmed` says something new."""
        path = self._archive / RECORD_NAME
        if os.access(path, os.F_OK) and self._remove(path):
            self._ask()
        else:
            self._decide()

    def _decide(self) -> None:
        by_rule = self._by_rule()
        if by_rule != self._now_by_rule:
            self._now_by_rule, self._word = by_rule, None
            self._remove(self._archive / WORD_NAME)
        armed = self._judge()
        if armed != self.armed:
            log.warning("armed" if armed else "disarmed: nothing is recorded until it is armed again")
            self.armed = armed
            self.on_change(armed)

    def _judge(self) -> bool:
        path = self._archive / DISARMED_NAME
        if not os.access(path, os.F_OK):
            self._ignored.discard(path.name)
        elif path.name not in self._ignored:
            return False
        return self._now_by_rule if self._word is None else self._word

    def _by_rule(self) -> bool:
        """The rule's answer; a function that fails arms, so that nothing is missed."""
        time.tzset()  # or a zone that is set while this runs would count after a restart only
        try:
            armed = bool(self._rule(datetime.now().astimezone()))
        except Exception as error:  # whatever a user's function can raise
            if not self._rule_failed:
                log.error("armedFunc failed, which arms: %r", error)
            self._rule_failed = True
            return True
        self._rule_failed = False
        return armed

    def _ask(self) -> None:
        self._decide()
        if self.armed:
            log.info("a recording is asked for")
            self._asked_at = time.monotonic()
        else:
            log.warning("a recording is asked for and not made: disarmed")

    def _hear(self, armed: bool) -> None:
        self._word = armed
        if armed:
            self._remove(self._archive / DISARMED_NAME)
        kept = {"armed": armed, "rule": self._now_by_rule, "utc": datetime.now(timezone.utc).isoformat()}
        path = self._archive / WORD_NAME
        try:
            replace_file(path, f"{json.dumps(kept)}\n".encode())
        except OSError as error:
            log.warning("%s: %s; after a restart that is forgotten", path, error)
        self._decide()

    def _kept_word(self) -> bool | None:
        """The order from before the restart, unless the rule's answer has changed since."""
        try:
            kept = json.loads((self._archive / WORD_NAME).read_text(encoding="utf-8"))
            armed, by_rule = bool(kept["armed"]), bool(kept["rule"])
            since = datetime.fromisoformat(kept["utc"])
            now = datetime.now(timezone.utc)
            over = by_rule != self._now_by_rule or (
                isinstance(self._rule, ArmedTimes) and self._rule.changed_between(since, now)
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is not understood: %r", WORD_NAME, error)
            return None
        return None if over else armed

    def _remove(self, path: Path) -> bool:
        """Remove a file. If the disk refuses, log it once, ignore the file from now on and return False."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            if path.name not in self._ignored:
                log.error("%s cannot be removed, and is ignored: %s", path, error.strerror)
            self._ignored.add(path.name)
            return False
        self._ignored.discard(path.name)
        return True
