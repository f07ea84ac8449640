"""The recorder as a process of its own, its log as it comes, and what it has made so far."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any, TextIO, TypeVar

from recordings import read_index

ROOT = Path(__file__).resolve().parent.parent

Something = TypeVar("Something")
ScriptResult = subprocess.CompletedProcess[str]
Start = Callable[..., "RecorderProcess"]
"""Starts a recorder with these settings: `start(cam=…, OTHER_SETTING=…)`."""


def defaults(tmp_path: Path) -> dict[str, object]:
    """Settings with which a test can tell frame by frame what is to be recorded, quietly."""
    return {
        "cam": "demo",
        "PATH_FOR_VIDEO": str(tmp_path / "video"),
        "LOG_FILE_PATH": str(tmp_path / "logs" / "pynvr.log"),
        "LOG_TO_CONSOLE": False,
        "ARCHIVE_PAGE": False,
        "MOTION_DETECTOR": "classic",
    }


def until(
    look: Callable[[], Something | None], timeout_s: float, what: str, every_s: float = 0.05
) -> Something:
    """Look until there is something (neither None nor False) to be seen; raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(every_s)
    return found


@dataclass(frozen=True)
class Line:
    """A line of the recorder's log and when it came, on the monotonic clock."""

    time: float
    text: str


class RecorderProcess:
    """motion_driven_recorder.py (or another script) at work in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        script: str | None = None,
        environment: dict[str, str] | None = None,
        **settings: object,
    ) -> None:
        """`script`: Python text to run instead, in the same surroundings."""
        self.folder = folder
        self.archive = folder / "video"
        self.status_path = folder / "logs" / "status.json"
        self.log_path = folder / "logs" / "pynvr.log"
        project = folder / "project"
        project.mkdir(parents=True, exist_ok=True)
        for name in ("motion_driven_recorder.py", "config.py"):
            shutil.copy(ROOT / name, project)
        if not (project / "pynvr").exists():
            (project / "pynvr").symlink_to(ROOT / "pynvr")
        self._script = project / "motion_driven_recorder.py"
        if script is not None:
            self._script = project / "driver.py"
            self._script.write_text(script, encoding="utf-8")
        self._settings: dict[str, object] = {
            "PATH_FOR_VIDEO": str(self.archive),
            "LOG_FILE_PATH": str(self.log_path),
            "STATUS_FILE_PATH": str(self.status_path),
            "ARCHIVE_PAGE": False,
        }
        self.configure(**settings)
        self.lines: list[Line] = []
        self._environment = environment or {}
        self._changed = threading.Condition()  # guards lines
        self.process: subprocess.Popen[str] | None = None

    def configure(self, **settings: object) -> None:
        """Change settings for the next start."""
        self._settings |= settings
        self.archive = Path(str(self._settings["PATH_FOR_VIDEO"]))
        text = "".join(f"{name} = {value!r}\n" for name, value in self._settings.items())
        self._config = self.folder / "chosen.py"
        self._config.write_text(text, encoding="utf-8")
        self._config.chmod(0o600)

    def __enter__(self) -> RecorderProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(SIGCONT)
            self.kill()

    def start(self) -> float:
        """Start it; returns the time of that."""
        self._seen = len(self.lines)
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(self._script), "--config", str(self._config)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env=os.environ | self._environment,
        )
        self._reader = threading.Thread(target=self._collect, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        return started

    def _collect(self, stream: TextIO) -> None:
        with stream:
            for text in stream:
                with self._changed:
                    self.lines.append(Line(time.monotonic(), text.rstrip("\n")))
                    self._changed.notify_all()

    @property
    def connections(self) -> int:
        """To the camera: another one only if what is recorded is not what is watched."""
        return 2 if self._settings.get("RECORDING_CAM") else 1

    @property
    def copies(self) -> bool:
        return self._settings.get("RECORDING_MODE") == "copy"

    def wait_for(self, words: str, timeout_s: float = 20.0, after: float = 0.0, count: int = 1) -> Line:
        """The first line (or the second one …) of this run with these words that came `after` that time."""

        def find() -> Line | None:
            lines = self.lines[self._seen :]
            found = [line for line in lines if words in line.text and line.time > after]
            return found[count - 1] if len(found) >= count else None

        with self._changed:
            line = self._changed.wait_for(find, timeout_s)
        if line is None:
            log = "\n".join(f"{entry.time - after:.1f} {entry.text}" for entry in self.lines[-30:])
            raise TimeoutError(f"no {words!r} within {timeout_s:g} s; exit {self.exit_code}; log:\n{log}")
        return line

    def count(self, words: str) -> int:
        """How many lines so far have these words."""
        return sum(words in line.text for line in self.lines)

    @property
    def exit_code(self) -> int | None:
        assert self.process is not None
        return self.process.poll()

    @property
    def received(self) -> int:
        """Frames, or in copy mode packets, that came, as the status says."""
        return int(self.status()["packets_received" if self.copies else "frames_received"])

    def signal(self, number: int = SIGTERM) -> float:
        assert self.process is not None
        self.process.send_signal(number)
        return time.monotonic()

    def freeze(self) -> None:
        """SIGSTOP, and wait until none of its threads runs any more."""
        assert self.process is not None
        self.process.send_signal(SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        until(
            lambda: all("\nState:\tT" in (thread / "status").read_text() for thread in threads.iterdir()),
            5,
            "all threads to stop",
        )

    def wait(self, timeout_s: float = 20.0) -> int:
        """Wait for the end and return the exit code."""
        assert self.process is not None
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code

    def stop(self, number: int = SIGTERM, timeout_s: float = 15.0) -> float:
        """Ask it to end; demands exit code 0 and returns how long that took."""
        asked = self.signal(number)
        code = self.wait(timeout_s)
        assert code == 0, f"exit code {code}: {[line.text for line in self.lines[-10:]]}"
        return time.monotonic() - asked

    def kill(self) -> float:
        """SIGKILL; returns the wall clock of that, seconds."""
        self.signal(SIGKILL)
        moment = time.time()
        self.wait()
        return moment

    def status(self) -> dict[str, Any]:
        """The status file's object; empty where there is none."""
        try:
            found: dict[str, Any] = json.loads(self.status_path.read_text())
            return found
        except FileNotFoundError:
            return {}

    def wait_for_status(self, timeout_s: float = 20.0, **expected: object) -> dict[str, Any]:
        """Wait for a status with these values; a callable value is asked."""

        def look() -> dict[str, Any] | None:
            found = self.status()
            good = all(
                want(found.get(name)) if callable(want) else found.get(name) == want
                for name, want in expected.items()
            )
            return found if found and good else None

        return until(look, timeout_s, f"status {expected}, but {self.status()}")

    def index(self) -> list[dict[str, Any]]:
        return read_index(self.archive)

    def wait_for_recording(self, number: int = 1, timeout_s: float = 30.0) -> list[dict[str, Any]]:
        """Wait until so many recordings are in the index."""
        try:
            return until(lambda: i if len(i := self.index()) >= number else None, timeout_s, "recordings")
        except TimeoutError:
            log = "\n".join(line.text for line in self.lines[-30:])
            raise TimeoutError(
                f"no {number} recordings within {timeout_s:g} s, but {self.index()}; log:\n{log}"
            ) from None

    def journal(self) -> Path | None:
        """The journal of the open recording."""
        return next(
            (
                path
                for path in self.archive.rglob("*.part.jsonl")
                # one that is being closed has its journal for a moment longer
                if len(list(path.parent.glob(path.name.replace(".jsonl", ".*")))) > 1
            ),
            None,
        )

    def wait_for_frames(self, count: int, timeout_s: float = 30.0) -> None:
        """Wait until the open recording has so many frames."""

        def enough() -> bool:
            try:
                path = self.journal()
                return path is not None and path.read_bytes().count(b"\n[") >= count
            except FileNotFoundError:
                return False

        until(enough, timeout_s, f"{count} frames in the open recording")

    def memory_mb(self) -> float:
        """Resident memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def descriptors(self) -> int:
        assert self.process is not None
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


def children() -> set[str]:
    """Process ids of this process's children, those included that have ended and were not waited for.

    Not by waiting for any of them: other tests of the same worker may have some, such as a browser.
    """
    own = str(os.getpid())
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                if (process / "stat").read_text().rpartition(")")[2].split()[1] == own:
                    found.add(process.name)
    return found
