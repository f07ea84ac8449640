"""What the fault suite is made of: a recorder as a process, its log as events, its recordings as numbers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO, TypeVar

import numpy as np
from recordings import Played, play, read_index
from rtsp import encode

from pynvr.demo import DemoScene, Visit

ROOT = Path(__file__).resolve().parents[2]
SIZE = (320, 240)
FPS = 10.0
CLIP_S = 180.0
QUICK: Mapping[str, object] = {
    "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1,
    "MINIMAL_MOTION_DURATION": 3,
    "PRE_ALARM_RECORDING_SECONDS": 2,
    "OUTPUT_FILES_EXTENSION": ".mp4",
    "FOURCC_CODEC": "mp4v",
    "ARCHIVE_MIN_FREE_GB": None,
    "MOTION_DETECTOR": "classic",  # the cases know to the frame when it sees their motion
}
"""Settings that make a case short. `.mp4`, because it gives every frame its own time."""
LIVELY = tuple(Visit(1 + 5 * n, 5) for n in range(35))
"""Somebody always walks about."""
STILL = (Visit(2, 3),)
"""One passer-by, and then nothing but noise."""

Something = TypeVar("Something")


def until(
    look: Callable[[], Something | None], timeout_s: float, what: str, every_s: float = 0.02
) -> Something:
    """Look until there is something (neither None nor False) to be seen; raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(every_s)
    return found


@dataclass(frozen=True)
class Clip:
    """An encoded file of numbered frames."""

    path: Path
    times: list[float]
    """When each frame is shown; it bears its place in this list."""

    @property
    def period_s(self) -> float:
        return self.times[-1] + self.times[-1] - self.times[-2]


class Clips:
    """Encodes each clip once a session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def get(
        self,
        visits: tuple[Visit, ...] = LIVELY,
        *,
        fps: float = FPS,
        seconds: float = CLIP_S,
        size: tuple[int, int] = SIZE,
        codec: str = "h264",
        times: tuple[float, ...] | None = None,
    ) -> Clip:
        """A clip of the drawn scene at an even rate, or at the given times."""
        with self._lock:
            return self._make(visits, fps, seconds, size, codec, times)

    @cache  # noqa: B019 - lives as long as the session
    def _make(
        self,
        visits: tuple[Visit, ...],
        fps: float,
        seconds: float,
        size: tuple[int, int],
        codec: str,
        times: tuple[float, ...] | None,
    ) -> Clip:
        shown = list(times) if times is not None else [n / fps for n in range(round(fps * seconds))]
        scene = DemoScene(size, visits=visits)
        name = f"{len(list(self._folder.iterdir()))}.{'mkv' if codec == 'mjpeg' else 'mp4'}"
        images = (scene.render(second, number) for number, second in enumerate(shown))
        path = encode(self._folder / name, images, fps, codec, times=times, gop=round(fps))
        return Clip(path, shown)


@dataclass(frozen=True)
class Line:
    """A line of the recorder's log and when it came, on the monotonic clock."""

    time: float
    text: str


class RecorderProcess:
    """motion_driven_recorder.py (or another script) at work in a folder of its own."""

    def __init__(self, folder: Path, script: str | None = None, **settings: object) -> None:
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
        self.configure(**settings)
        self.lines: list[Line] = []
        self.environment: dict[str, str] = {}
        self._changed = threading.Condition()  # guards lines
        self.process: subprocess.Popen[str] | None = None

    def configure(self, **settings: object) -> None:
        """Set the settings for the next start: QUICK's, and what is given."""
        chosen = {
            "PATH_FOR_VIDEO": str(self.archive),
            "LOG_FILE_PATH": str(self.log_path),
            "STATUS_FILE_PATH": str(self.status_path),
            **QUICK,
            **settings,
        }
        self.archive = Path(str(chosen["PATH_FOR_VIDEO"]))
        text = "".join(f"{name} = {value!r}\n" for name, value in chosen.items())
        self._config = self.folder / "chosen.py"
        self._config.write_text(text, encoding="utf-8")
        self._config.chmod(0o600)

    def __enter__(self) -> RecorderProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
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
            env=os.environ | self.environment,
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

    def wait_for(self, words: str, timeout_s: float = 20.0, after: float = 0.0) -> Line:
        """The first line of this run with these words that came `after` that time."""

        def find() -> Line | None:
            lines = self.lines[self._seen :]
            return next((line for line in lines if words in line.text and line.time > after), None)

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

    def signal(self, number: int = signal.SIGTERM) -> float:
        assert self.process is not None
        self.process.send_signal(number)
        return time.monotonic()

    def wait(self, timeout_s: float = 20.0) -> int:
        """Wait for the end and return the exit code."""
        assert self.process is not None
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code

    def stop(self, timeout_s: float = 15.0) -> float:
        """SIGTERM; demands exit code 0 and returns how long that took."""
        asked = self.signal()
        code = self.wait(timeout_s)
        assert code == 0, f"exit code {code}: {[line.text for line in self.lines[-10:]]}"
        return time.monotonic() - asked

    def kill(self) -> float:
        """SIGKILL; returns the wall clock of that, seconds."""
        self.signal(signal.SIGKILL)
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
        return next(iter(self.archive.rglob("*.part.jsonl")), None)

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


@dataclass(frozen=True)
class Recording:
    """A closed recording: its index line and what a player sees."""

    path: Path
    entry: dict[str, Any]
    played: Played

    @property
    def numbers(self) -> list[int]:
        """The frames' numbers; every one has to be readable."""
        assert None not in self.played.numbers, f"{self.path}: unreadable frames {self.played.numbers}"
        return [number for number in self.played.numbers if number is not None]

    @property
    def first_utc(self) -> float:
        return datetime.fromisoformat(self.entry["first_frame_utc"]).timestamp()

    @property
    def last_utc(self) -> float:
        return datetime.fromisoformat(self.entry["last_frame_utc"]).timestamp()

    def moments(self) -> list[float]:
        """Wall clock of each frame; needs a container with true times (.mp4)."""
        return [self.first_utc + second for second in self.played.times]


def recordings(archive: Path) -> list[Recording]:
    """All closed recordings, in order of the index; asserts that index and files agree."""
    entries = read_index(archive)
    files = {path.relative_to(archive).as_posix() for path in closed_files(archive)}
    assert sorted(entry["file"] for entry in entries) == sorted(files), "index and files differ"
    found = []
    for entry in entries:
        played = play(archive / entry["file"])
        assert len(played.times) == entry["frames"], entry
        found.append(Recording(archive / entry["file"], entry, played))
    return found


def closed_files(archive: Path) -> list[Path]:
    """Files with a final name."""
    return sorted(p for p in archive.rglob("video_*") if p.is_file() and ".part" not in p.name)


def open_files(archive: Path) -> list[Path]:
    return sorted(p for p in archive.rglob("*.part*") if p.is_file())


def fingerprints(archive: Path) -> dict[str, str]:
    """What every closed file contains."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in closed_files(archive)}


def consecutive(numbers: Iterable[int], modulo: int) -> bool:
    """Whether each number follows on the one before, round the loop."""
    return all((later - sooner) % modulo == 1 for sooner, later in pairwise(numbers))


def missing(numbers: Iterable[int], modulo: int) -> int:
    """How many numbers are left out between the first and the last."""
    return sum((later - sooner) % modulo - 1 for sooner, later in pairwise(numbers))


@dataclass
class Lag:
    """How far behind the server a recording is: frame by frame, seconds.

    The server sends frame n at epoch + clip.times[n] (+ loops); the epoch is not told, but frames that come
    before the fault are on time, at the best of them.
    """

    clip: Clip
    epoch: float = field(default=float("nan"))

    def calibrate(self, moments: list[float], numbers: list[int]) -> None:
        """Take the most punctual of these frames as being on time."""
        self.epoch = moments[0] - self.clip.times[numbers[0]]
        self.epoch += min(self.of(moments, numbers))

    def of(self, moments: list[float], numbers: list[int]) -> list[float]:
        """For each frame how late it came, within half a loop to either side."""
        period = self.clip.period_s
        sent = [self.epoch + self.clip.times[number] for number in numbers]
        late = [moment - due for moment, due in zip(moments, sent, strict=True)]
        return [(value + period / 2) % period - period / 2 for value in late]


class JournalWatch:
    """Notes when each line of each journal appears: when a frame was really written."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._quit = threading.Event()
        self.appeared: dict[str, list[tuple[float, float]]] = {}
        """Stem of the recording -> (frame.time, wall clock when its line was there)."""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> JournalWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._quit.set()
        self._thread.join()

    def _run(self) -> None:
        offsets: dict[str, int] = {}
        while not self._quit.wait(0.03):
            for path in self._archive.rglob("*.part.jsonl"):
                stem = path.name.removesuffix(".part.jsonl")
                offset = offsets.get(stem, 0)
                try:
                    with path.open("rb") as file:
                        file.seek(offset)
                        new = file.read().rpartition(b"\n")[0]
                except OSError:
                    continue
                if not new:
                    continue
                offsets[stem] = offset + len(new) + 1
                now = time.time()
                frames = [json.loads(line) for line in new.split(b"\n") if line.startswith(b"[")]
                self.appeared.setdefault(stem, []).extend((frame[0], now) for frame in frames)

    def moments(self, recording: Recording) -> list[float]:
        """When each frame of a closed recording was written, wall clock."""
        seen = [moment for _, moment in self.appeared[recording.path.stem]]
        count = recording.entry["frames"]
        # the last ones may have been closed at once; what a crash took has no picture
        return (seen + [seen[-1]] * (count - len(seen)))[:count]


def mount_tmpfs(path: Path, megabytes: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path)


def run(*command: object) -> str:
    """Run a system command; raises with its error output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def fill(folder: Path) -> Path:
    """Take every last byte of a file system; returns the file to remove."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            block = bytes(size)
            try:
                while file.write(block) == size:
                    pass
            except OSError:
                continue
    return path


def percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share * 100))
