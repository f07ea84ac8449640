"""The recorder, started from a process that has imported it already: a run costs its own work only.

Each line of standard input is a request, a JSON list: "record" or "decode", a folder, and arguments. A
process of its own does it, whose output lies in the folder as `out` and `err` then. The answer is its exit
code, as `subprocess` gives it: negative where a signal ended it. "hung": it did not end.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
HANG_S = 30.0

sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402

from pynvr.cli import record  # noqa: E402
from pynvr.demo.frame_number import read_frame_number  # noqa: E402

FALSE_READS = 500
"""So many in a row are the end."""


def load_config() -> ModuleType:
    """config.py, without settings of this machine."""
    sys.modules["machine_specific_configuration"] = None  # type: ignore[assignment]
    spec = importlib.util.spec_from_file_location("config", ROOT / "config.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decode(path: str) -> None:
    """Print the number in each picture that OpenCV can decode, going on after false reads."""
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    numbers, failed = [], 0
    while failed < FALSE_READS and capture.isOpened():
        read, image = capture.read()
        failed = 0 if read else failed + 1
        if read:
            numbers.append(read_frame_number(image))
    print(json.dumps(numbers))


def begin(task: str, folder: Path, arguments: list[str]) -> int:
    """Fork; the child does it."""
    child = os.fork()
    if child:
        return child
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in ("out", "err")]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    sys.exit(record(load_config, arguments) if task == "record" else decode(*arguments))


def end(child: int) -> int | str:
    """Wait for it; one that goes on for too long is killed."""
    watch = os.pidfd_open(child)
    ended = select.select([watch], [], [], HANG_S)[0]
    os.close(watch)
    if not ended:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status) if ended else "hung"


if __name__ == "__main__":
    print("ready", flush=True)
    while line := sys.stdin.readline():
        what, where, *rest = json.loads(line)
        print(json.dumps(end(begin(what, Path(where), rest))), flush=True)
