"""Whether motion counts just now, and recordings that somebody asks for: said by a rule, a file or a word.

The last word counts. The rule (armedFunc, ARMED_TIMES) has it when it changes; in between anybody else
may: MQTT, a signal. That word is kept over a restart. A file `.disarmed` in the archive disarms for as long
as it is there, or until the word `armed`. A file `.record` asks for a recording.

The files lie on a disk that may hang, so a thread of its own looks at them; the capture loop only asks
what it has found.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from queue import Empty, SimpleQueue

from pynvr.archive.replaced_file import replace_file
from pynvr.events import Change, MotionEvents
from pynvr.recording.armed_times import ArmedTimes

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
REQUEST_EXPIRES_S = 60.0
"""A recording that is asked for while there is no picture is not made so much later."""
DISARMED_NAME = ".disarmed"
RECORD_NAME = ".record"
WORD_NAME = ".pynvr.armed"
RECORD = "record"

Rule = Callable[[datetime], bool]
"""From the local time to whether it is armed."""


class Arming:
    """Started and stopped with a `with`."""

    def __init__(self, archive: Path, rule: Rule | None) -> None:
        """Without a rule it is armed until somebody says otherwise."""
        self._archive = archive
        self._rule = rule or (lambda local: True)
        self._said: SimpleQueue[bool | str | None] = SimpleQueue()
        """Words from outside, for the thread; a signal may come at any moment. None: stop."""
        self._word: bool | None = None
        """What was said last since the rule changed last."""
        self._rule_failed = False
        self._ignored: set[str] = set()
        """Names of files that cannot be removed, which has been said."""
        self._asked_at: float | None = None
        self.armed = True
        """Read by the capture loop."""
        self.on_change: Callable[[bool], None] = lambda armed: None
        """Told of each change, and of how it is at the start; on the thread that has noticed."""
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
        self._said.put(None)
        self._thread.join(LOOK_EVERY_S)

    def say(self, armed: bool) -> None:
        """Have the last word; from any thread or signal handler."""
        self._said.put(armed)

    def record(self) -> None:
        """Ask for a recording; from any thread."""
        self._said.put(RECORD)

    def asked_to_record(self) -> bool:
        """Whether a recording has been asked for since the last question; for the capture loop."""
        asked_at = self._asked_at
        if asked_at is None:
            return False
        self._asked_at = None  # only now: a request that comes meanwhile must not be lost
        if time.monotonic() - asked_at > REQUEST_EXPIRES_S:
            log.warning("a recording was asked for while there was no picture: too late now")
            return False
        return True

    # --- on its thread --------------------------------------------------------------------------

    def _run(self) -> None:
        self.on_change(self.armed)
        while True:
            try:
                said = self._said.get(timeout=LOOK_EVERY_S)
            except Empty:
                said = self._record_file()
            else:
                if said is None:
                    return
            if isinstance(said, bool):
                self._hear(said)
            self._decide()
            if said == RECORD:
                self._ask()

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
        if not _there(path):
            self._ignored.discard(path.name)
        elif path.name not in self._ignored:
            return False
        return self._now_by_rule if self._word is None else self._word

    def _by_rule(self) -> bool:
        """What the rule says; a function that fails arms, since nothing is missed then."""
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

    def _kept_word(self) -> bool | None:
        """The word of before the restart, unless the rule has changed since."""
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

    def _record_file(self) -> str | None:
        """Take the request that a file `.record` is."""
        path = self._archive / RECORD_NAME
        return RECORD if _there(path) and self._remove(path) else None

    def _remove(self, path: Path) -> bool:
        """Remove a file; False where that is refused, which is said once: it would be obeyed for ever."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            if path.name not in self._ignored:
                log.error("%s cannot be removed, and is ignored: %s", path, error.strerror)
            self._ignored.add(path.name)
            return False
        self._ignored.discard(path.name)
        return True


class ArmedEvents:
    """The event rule while it is armed; disarmed nothing begins, and what goes on ends at once."""

    def __init__(self, events: MotionEvents, arming: Arming) -> None:
        self._events = events
        self._arming = arming

    def reset(self) -> None:
        """As `MotionEvents` has it."""
        self._events.reset()

    def update(self, time: float, motion: bool) -> Change:
        """As `MotionEvents` has it; a recording that is asked for begins like one of motion."""
        if not self._arming.armed:
            return self._events.end(time)
        return self._events.update(time, motion, self._arming.asked_to_record())


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
