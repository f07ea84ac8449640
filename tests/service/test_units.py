"""The units of `service/`: the recorder lives within the system calls that they allow."""

from __future__ import annotations

import ctypes
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "service").glob("*.service"))
# systemd's group @resources by number, as x86-64 counts them
RESOURCES = (141, 142, 144, 160, 203, 237, 238, 251, 256, 279, 314)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM = 1


def _deny(answer: int) -> None:
    """Answer the system calls of @resources with `answer` in this process, and those that it starts."""
    load, equal, give = 0x20, 0x15, 0x06
    program = struct.pack("HBBI", load, 0, 0, 0)
    for count, number in enumerate(RESOURCES):
        program += struct.pack("HBBI", equal, len(RESOURCES) - count, 0, number)
    program += struct.pack("HBBI", give, 0, 0, ALLOW) + struct.pack("HBBI", give, 0, 0, answer)
    code = ctypes.create_string_buffer(program)
    filtered = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filtered
    ):
        raise OSError("no system call can be denied here")


@pytest.mark.slow
@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the numbers of its system calls are those of x86-64"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_denied_system_call_does_not_end_the_recorder(unit: Path, tmp_path: Path) -> None:
    lines = unit.read_text().splitlines()
    assert "SystemCallFilter=~@privileged @resources" in lines
    answer = ERRNO | EPERM if "SystemCallErrorNumber=EPERM" in lines else KILL
    command = [
        sys.executable,
        "motion_driven_recorder.py",
        "--cam=demo",
        f"--path-for-video={tmp_path}",
        "--check",
    ]
    checked = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=lambda: _deny(answer)
    )
    assert checked.returncode == 0, checked


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_tells_the_recorder_alone_to_end(unit: Path) -> None:
    """Programs that it has started for events are its own to end: they may finish, and `stopped` is told."""
    assert "KillMode=mixed" in unit.read_text().splitlines()


def test_the_units_differ_in_the_camera_only() -> None:
    one, each = (unit.read_text().splitlines()[1:] for unit in UNITS)
    different = {line.partition("=")[0] for line in set(one) ^ set(each)}
    assert different == {"Description", "ExecStart"}
