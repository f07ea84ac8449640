"""What the fault suite is made of: clips, recordings as numbers, file systems that can be harmed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from recordings import Played, play, read_index
from rtsp import encode

from pynvr.demo.scene import DemoScene, Visit
from pynvr.media.container import survey

Measure = Callable[[str, float, str, float], None]
"""Notes a figure: what was measured, the value, its unit, and the limit."""
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


@dataclass(frozen=True)
class Clip:
    """An encoded file of numbered frames."""

    path: Path
    times: list[float]
    """When each frame is shown; it bears its place in this list."""
    gop: int
    """Frames from one key frame to the next."""

    @property
    def period_s(self) -> float:
        return self.times[-1] + self.times[-1] - self.times[-2]


class Clips:
    """Encodes each clip once, whichever process asks for it first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

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
        shown = list(times) if times is not None else [n / fps for n in range(round(fps * seconds))]
        name = hashlib.sha256(repr((visits, shown, size, codec)).encode()).hexdigest()[:16]
        path = self._folder / f"{name}.{'mkv' if codec == 'mjpeg' else 'mp4'}"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                scene = DemoScene(size, visits=visits)
                images = (scene.render(second, number) for number, second in enumerate(shown))
                part = path.with_stem(f"{name}.part")
                encode(part, images, fps, codec, times=times, gop=round(fps)).rename(path)
        return Clip(path, shown, round(fps))


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


def recordings(archive: Path, whole: bool = True) -> list[Recording]:
    """All closed recordings, in order of the index; asserts that index and files agree.

    Of copied packets that are damaged, and so not `whole`, a player does not show every one.
    """
    entries = read_index(archive)
    files = {path.relative_to(archive).as_posix() for path in closed_files(archive)}
    assert sorted(entry["file"] for entry in entries) == sorted(files), "index and files differ"
    found = []
    for entry in entries:
        played = play(archive / entry["file"], whole=whole)
        frames = len(played.times) if whole else survey(archive / entry["file"]).count
        assert frames == entry["frames"], entry
        found.append(Recording(archive / entry["file"], entry, played))
    return found


def closed_files(archive: Path) -> list[Path]:
    """Files with a final name."""
    return sorted(
        p for p in archive.rglob("video_*") if p.is_file() and ".part" not in p.name and p.suffix != ".jpg"
    )


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
    """Take every last byte of a file system, beside what was taken already; returns the file to remove."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
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
