"""Every command of the documents works: those of a page are run from top to bottom."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from copies import make
from rtsp import needs_rtsp
from test_docs import NAMES, ROOT, text

pytestmark = [needs_rtsp, pytest.mark.slow]  # for ffmpeg

STAND_INS = {
    "--cam 0": "--cam clip.mp4",
    "--cam demo ": "--cam clip.mp4 ",
    "--cam demo:rain": "--cam clip.mp4",
    r"rtsp://[^\"]*": "clip.mp4",
    r"/dev/v4l/by-id/[^\"]*": "clip.mp4",
    "/srv/video": "disk",
}
"""A clip takes the place of a camera, which a test does not have, and of the drawn scene, which is longer."""

NOT_RUN = {
    "sudo": "needs root, and changes the machine",
    "cd /opt/pynvr": "is where a service's project is",
    "journalctl": "needs a service that runs",
    "systemctl": "needs a service that runs",
    ".venv/bin/pip": "would change the environment of the tests; make installs the same file",
    ".venv/bin/python -m pynvr.pages.serve": "serves until Ctrl-C; tests/pages asks it for files",
    "pynvr export": "is the command that pip installs; tests/pages exports archives",
    "pip install .": "would change the environment of the tests",
}
"""What begins so, and why it is not run."""

PROGRAMS = ("make", ".venv/bin/", "ffmpeg", "ffprobe", "mpv", "pip", "curl", *NOT_RUN)


@dataclass
class Block:
    """Commands, or settings in between them."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(sh|python)\n(.*?)^```", page, re.M | re.S)]


def commands(page: str) -> list[str]:
    return [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]


def reason_not_to_run(command: str) -> str | None:
    return next((reason for begin, reason in NOT_RUN.items() if command.startswith(begin)), None)


def with_stand_ins(text: str) -> str:
    for pattern, stand_in in STAND_INS.items():
        text = re.sub(pattern, stand_in, text + " ").removesuffix(" ")
    return text


def run(command: str, folder: Path) -> None:
    """Run it as it is, or what tells the most about it in reasonable time."""
    program, *arguments = shlex.split(command.replace("[", "").replace("]", ""))
    if program == "make":  # that there is such a target; .ci/run makes them
        command, folder = f"make -n {shlex.join(arguments)}", ROOT
    elif "benchmarks/" in command:
        for part in command.split("|"):
            _, script, *options = shlex.split(part.replace("[", "").replace("]", ""))
            check_options(script, [option for option in options if option.startswith("--")])
        return
    elif "pytest" in command:  # that there are such tests
        command, folder = f"{command} --collect-only -q -p no:cacheprovider", ROOT
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def check_options(script: str, options: list[str]) -> None:
    assert (ROOT / script).exists()
    if not options:
        return
    told = subprocess.run(
        [sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=True
    )
    assert [option for option in options if option not in told.stdout] == []


def write_settings(block: str, folder: Path) -> None:
    """Into the file that the first line names, or else where a machine's own settings are."""
    named = re.match(r"# ([\w/]+\.py)\n", block)
    name = named[1] if named else "machine_specific_configuration.py"
    (folder / name).write_text(with_stand_ins(block))


@pytest.fixture
def folder(project: Path) -> Path:
    """A clone with an environment and a camera, for which a clip stands."""
    (project / ".venv").symlink_to(sys.prefix)
    for name in ("machine_specific_configuration.py.example", "requirements-report.txt"):
        shutil.copy(ROOT / name, project)
    make(project / "clip.mp4", seconds=8, moving=(6, 7))
    write_settings('cam = "clip.mp4"', project)
    for made in ("video", "disk"):  # by a recorder that ran, and by somebody who mounts disks
        (project / made).mkdir()
    return project


WITH_COMMANDS = [name for name in NAMES if commands(text(name))]


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_commands_work(name: str, folder: Path) -> None:
    for block in blocks(text(name)):
        if block.language == "python":
            write_settings(block.text, folder)
            continue
        for command in block.text.splitlines():
            if reason_not_to_run(command) is None:
                run(with_stand_ins(command), folder)


@pytest.mark.parametrize("name", NAMES)
def test_commands_within_a_line_are_known(name: str) -> None:
    """`make …` names a target; everything else stands in a block as well, is not run, or is for any file."""
    for command in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text(name)):
        if not command.startswith(tuple(f"{program} " for program in PROGRAMS)) or " " not in command:
            continue
        if command.startswith("make "):
            run(command, ROOT)
        else:
            assert reason_not_to_run(command) or command in commands(text(name)) or "FILE" in command, command


def test_file_commands_of_ffmpeg_work(folder: Path) -> None:
    """What is told within a line for FILE."""
    found = {c for name in NAMES for c in re.findall(r"`(ffmpeg [^`]*FILE[^`]*)`", text(name))}
    for command in found:
        run(command.replace("FILE", "clip.mp4"), folder)
