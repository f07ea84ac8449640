"""onEventFunc and ON_EVENT_COMMAND: what arrives, what hangs, what is left behind."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from running import children, until

from pynvr.errors import SettingsError
from pynvr.notify.command import CommandReceiver
from pynvr.notify.event import DeliveryError, Event, Parcel, happened
from pynvr.notify.hook import FunctionReceiver

PRINT_ALL = """
import json, os, sys
taken = {"arguments": sys.argv[2:], "stdin": sys.stdin.read(),
         "environment": {k: v for k, v in os.environ.items() if k.startswith("PYNVR_")}}
open(sys.argv[1], "w").write(json.dumps(taken))
"""
"""A program that writes down what it is given."""

NASTY = [
    "plain",
    "with \"quotes\" and 'others'",
    "$(touch pwned) `touch pwned` ; touch pwned | & > pwned",
    "two\nlines\r\n",
    "--help",
    "-rf /",
    "{file} {{id}} {0} {camera.__class__}",
    "%s %(camera)s $HOME ~ * ?",
    "Tür \u00e9 \U0001f6b6 \t",
    "",
    " spaces  around ",
    "\\",
]


def motion(camera: str = "Front door", message: str | None = None) -> Parcel:
    return Parcel(happened("motion_started", camera, time_s=1.5, message=message))


def deliver(tmp_path: Path, *command: str, timeout_s: float = 20.0, parcel: Parcel | None = None) -> None:
    CommandReceiver(command, timeout_s, tmp_path).deliver(parcel or motion())


@pytest.fixture
def print_all(tmp_path: Path) -> list[str]:
    script = tmp_path / "print_all.py"
    script.write_text(PRINT_ALL)
    return [sys.executable, str(script), str(tmp_path / "taken.json")]


def taken(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "taken.json").read_text())
    return found


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_command_is_given_arrives_as_it_is(
    tmp_path: Path, print_all: list[str], nasty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parcel = motion(camera=nasty)
    deliver(tmp_path, *print_all, "{camera}", "a {camera} b", "--x={type}", "{{camera}}", "{not one}", "{}",
            '{"json": {"a": 1}}', "$HOME", parcel=parcel)  # fmt: skip
    found = taken(tmp_path)
    assert found["arguments"] == [nasty, f"a {nasty} b", "--x=motion_started", "{camera}", "{not one}", "{}",
                                  '{"json": {"a": 1}}', "$HOME"]  # fmt: skip
    assert parcel.event is not None
    assert json.loads(found["stdin"]) == json.loads(parcel.event.as_json())
    assert found["environment"]["PYNVR_CAMERA"] == nasty
    assert found["environment"]["PYNVR_TIME_S"] == "1.5"
    assert found["environment"]["PYNVR_FILE"] == ""
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("strange", ["nul \0 in it", "half \ud83d of a sign"])
def test_what_the_system_cannot_take_is_left_out(tmp_path: Path, print_all: list[str], strange: str) -> None:
    deliver(tmp_path, *print_all, "{camera}", parcel=motion(camera=strange))
    assert taken(tmp_path)["arguments"][0].startswith(strange[:4])


def test_a_file_name_that_is_no_text_arrives(tmp_path: Path, print_all: list[str]) -> None:
    event = Event("recording_closed", "1", "cam", "", file=os.fsdecode(b"/v/\xff\xfe.mp4"))
    deliver(tmp_path, *print_all, "{file}", parcel=Parcel(event))
    assert os.fsencode(taken(tmp_path)["arguments"][0]) == b"/v/\xff\xfe.mp4"


def test_the_picture_of_the_moment_is_a_file(tmp_path: Path, print_all: list[str]) -> None:
    event = happened("motion_started", "cam")
    deliver(tmp_path, *print_all, "{picture}", parcel=Parcel(event, b"JPEG"))
    assert Path(taken(tmp_path)["arguments"][0]).read_bytes() == b"JPEG"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], "empty"),
        (["/no/such/program"], "no program"),
        ([sys.executable, "{tpye}"], "{tpye}"),
        ([sys.executable, "{recording}"], "{recording}"),
    ],
)
def test_a_command_that_cannot_work_is_refused(tmp_path: Path, command: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        CommandReceiver(command, 1.0, tmp_path)


def test_a_command_that_fails_is_to_be_tried_again(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="ended with 3"):
        deliver(tmp_path, "/bin/sh", "-c", "exit 3")


def test_a_program_that_is_gone_is_to_be_tried_again(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    receiver = CommandReceiver([str(program)], 1.0, tmp_path)
    program.unlink()
    with pytest.raises(DeliveryError, match="cannot be started"):
        receiver.deliver(motion())


def test_the_output_goes_into_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    deliver(tmp_path, "/bin/sh", "-c", "echo one; echo two >&2; printf '\\377 three'")
    assert [record.getMessage() for record in caplog.records] == ["sh: one", "sh: two", "sh: \ufffd three"]


def test_endless_output_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(DeliveryError, match="hung"):
        deliver(tmp_path, "/bin/sh", "-c", "yes", timeout_s=0.3)
    assert len(caplog.records) <= 20


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait", "hung"),
        ("trap '' TERM INT HUP; echo $$ > {pids}; while :; do sleep 1; done", "hung"),
        ("exec <&- >&- 2>&-; sleep 60 & echo $! > {pids}; echo $$ >> {pids}; wait", "hung"),
        ("sleep 60 & echo $! > {pids}", None),
        ("cat > /dev/null; echo $$ > {pids}", None),
        ("exec <&-; echo $$ > {pids}", None),
    ],
    ids=["hangs", "ignores signals", "closes all", "leaves one behind", "reads", "does not read"],
)
def test_nothing_is_left_of_a_command(tmp_path: Path, script: str, error: str | None) -> None:
    before, others = descriptors(), children()
    text = script.replace("{pids}", str(tmp_path / "pids"))
    # more than a pipe holds
    parcel = Parcel(Event("recording_closed", "1", "cam", "", recording={"long": "x" * 300_000}))
    if error is None:
        deliver(tmp_path, "/bin/sh", "-c", text, parcel=parcel)
    else:
        with pytest.raises(DeliveryError, match=error):
            deliver(tmp_path, "/bin/sh", "-c", text, timeout_s=0.5, parcel=parcel)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert pids
    until(lambda: not any(alive(pid) for pid in pids), 5, "all to be gone")
    assert not children() - others  # no zombie
    assert descriptors() == before


def test_a_stop_ends_a_command_that_hangs(tmp_path: Path) -> None:
    receiver = CommandReceiver(["/bin/sh", "-c", f"echo $$ > {tmp_path}/pids; sleep 60"], 60.0, tmp_path)
    failed: list[DeliveryError] = []

    def run() -> None:
        try:
            receiver.deliver(motion())
        except DeliveryError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text(), 5, "the program")
    receiver.close()
    thread.join(5)
    assert failed


# ---- the function


def test_the_function_is_given_the_event(tmp_path: Path) -> None:
    taken: list[Event] = []
    parcel = motion()
    FunctionReceiver(taken.append, 5.0, tmp_path).deliver(parcel)
    assert taken == [parcel.event]


@pytest.mark.parametrize("error", [KeyError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_what_the_function_raises_is_told(tmp_path: Path, error: BaseException) -> None:
    def fail(_: Event) -> None:
        raise error

    with pytest.raises(DeliveryError, match=f"motion_started: {type(error).__name__}"):
        FunctionReceiver(fail, 5.0, tmp_path).deliver(motion())


def test_a_function_that_hangs_is_called_no_second_time(tmp_path: Path) -> None:
    go, calls = threading.Event(), []

    def hang(event: Event) -> None:
        calls.append(event)
        go.wait(30)

    receiver = FunctionReceiver(hang, 0.1, tmp_path)
    asked = time.monotonic()
    with pytest.raises(DeliveryError, match="hangs"):
        receiver.deliver(motion())
    with pytest.raises(DeliveryError, match="not returned"):
        receiver.deliver(motion())
    assert time.monotonic() - asked < 5
    assert len(calls) == 1
    go.set()
    until(lambda: threading.active_count() == 1 or not _alive("onEventFunc"), 5, "its end")
    receiver.deliver(motion())
    assert len(calls) == 2


def _alive(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())
