"""ON_EVENT_COMMAND: a program for each event, never through a shell, always ended and waited for."""

import logging
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pynvr.errors import SettingsError
from pynvr.notify.event import TEXT_FIELDS, DeliveryError, Event
from pynvr.notify.hook import Hook

log = logging.getLogger(__name__)

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
"""{file} is filled in, {{file}} is the text {file}; all other braces are left alone."""
LOGGED_BYTES, LOGGED_LINES = 4096, 20
"""So much of a program's output is logged; the rest is dropped."""


class CommandReceiver(Hook):
    """Runs the program; exit code 0 means that it has taken the event."""

    name = "command"

    def __init__(self, command: Sequence[str], timeout_s: float, archive: Path) -> None:
        """Check the argument list; raises SettingsError for an unknown placeholder or a missing program."""
        super().__init__(timeout_s, archive)
        check(command)
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def call(self, event: Event) -> None:
        try:
            process = self._start(event)
        except (OSError, ValueError) as error:
            raise DeliveryError(f"ON_EVENT_COMMAND cannot be started: {error}") from None
        self._process = process
        if self._over:  # `close` came while it was started
            kill_group(process)
        with process:
            try:
                output, in_time = self._listen(process)
            finally:
                # before it is waited for: until then no other process can get its number
                kill_group(process)
                self._process = None
        for line in output.decode(errors="replace").splitlines()[:LOGGED_LINES]:
            log.info("%s: %s", Path(self._command[0]).name, line)
        if not in_time:
            limit = f"EVENT_TIMEOUT_SECS = {self._timeout_s:g}"
            raise DeliveryError(f"ON_EVENT_COMMAND hung at {event.type} and was ended after {limit}")
        if process.returncode:
            raise DeliveryError(f"ON_EVENT_COMMAND ended with {process.returncode} at {event.type}")

    def close(self) -> None:
        """End the program that runs, if any."""
        self._over = True
        process = self._process
        if process is not None:
            kill_group(process)

    def _start(self, event: Event) -> subprocess.Popen[bytes]:
        values = {name: _text(getattr(event, name)) for name in TEXT_FIELDS}
        environment = {f"PYNVR_{name.upper()}": value for name, value in values.items()}
        # in memory: a pipe would have to be filled while the program reads, if it reads at all
        with os.fdopen(os.memfd_create("event"), "w+b") as stdin:
            stdin.write(event.as_json().encode(errors="replace") + b"\n")
            stdin.seek(0)
            return subprocess.Popen(
                [self._command[0], *(fill(part, values) for part in self._command[1:])],
                env=os.environ | environment,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _listen(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
        """Take the program's output until it ends or its time is over; return both."""
        assert process.stdout is not None
        stdout = process.stdout.fileno()
        output = b""
        deadline = time.monotonic() + self._timeout_s
        ended = os.pidfd_open(process.pid)
        try:
            waiting = select.poll()
            waiting.register(stdout, select.POLLIN)
            waiting.register(ended, select.POLLIN)
            while (left_s := deadline - time.monotonic()) > 0:
                ready = dict(waiting.poll(left_s * 1000))
                if stdout in ready:
                    some = os.read(stdout, 65536)
                    output += some[: LOGGED_BYTES - len(output)]
                    if not some:
                        waiting.unregister(stdout)
                elif ended in ready:  # and its output is read to the end
                    return output, True
            return output, False
        finally:
            os.close(ended)


def check(command: Sequence[str]) -> None:
    """Raise SettingsError for an argument list that cannot work."""
    if not command:
        raise SettingsError("ON_EVENT_COMMAND: is empty; set None for no command")
    for part in command:
        for match in PLACEHOLDER.finditer(part):
            if match[2] is not None and match[2] not in TEXT_FIELDS:
                known = ", ".join(f"{{{name}}}" for name in TEXT_FIELDS)
                raise SettingsError(
                    f"ON_EVENT_COMMAND: there is no {match[0]}, only {known}; "
                    f"{{{match[0]}}} stands for that text itself"
                )
    if shutil.which(command[0]) is None:
        raise SettingsError(f"ON_EVENT_COMMAND: {command[0]!r} is no program that can be run")


def fill(argument: str, values: Mapping[str, str]) -> str:
    """Put the values into one argument. Braces within a value are not filled in again."""
    return PLACEHOLDER.sub(lambda match: values[match[2]] if match[2] else f"{{{match[1]}}}", argument)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the program with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _text(value: object) -> str:
    """A field as the system accepts it: without NUL, which ends an argument."""
    text = "" if value is None else str(value).replace("\0", "")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # half of a character, as JSON can have it
        return text.encode(errors="replace").decode()
    return text
