"""What the fault suite is made of: clips, recordings as numbers, file systems that can be harmed."""

from __future__ import annotations

import bisect
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

import av
import numpy as np
import pytest
from recordings import Played, play, read_index
from rtsp import RtspServer, encode

from pynvr.demo.scene import DemoScene, Visit
from pynvr.media.container import survey

Measure = Callable[[str, float, str, float], None]
"""Notes a figure: what was measured, the value, its unit, and the limit."""
SIZE = (320, 240)
FPS = 10.0
SILENT = pytest.mark.parametrize("mode", ("encode", "copy"))
"""For cases to which sound makes no difference."""
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
AAC, G711 = "aac -ar 16000 -b:a 32k", "pcm_alaw -ar 8000"
"""FFmpeg's encoders for the clips' sound."""
APART_S = 0.04
"""Picture and sound."""
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
    sound: Mapping[bytes, float]
    """When each piece of its sound begins, in order; no two are the same."""

    @property
    def period_s(self) -> float:
        return self.times[-1] + self.times[-1] - self.times[-2]


def serving(clip: Clip, **options: Any) -> RtspServer:
    """A camera that sends a clip as its stream "main", with its sound.

    With `from_start` both begin at the same moment, and are in step before the camera reports their clocks.
    """
    return RtspServer({"main": clip.path}, sound=bool(clip.sound), **options)


class Clips:
    """Encodes each clip once, whichever process asks for it first."""

    def __init__(self, folder: Path, with_sound: bool) -> None:
        self._folder, self._with_sound = folder, with_sound
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
        sound: str = AAC,
    ) -> Clip:
        """A clip of the drawn scene at an even rate, or at the given times; noise is its sound."""
        shown = list(times) if times is not None else [n / fps for n in range(round(fps * seconds))]
        sound = sound if self._with_sound else ""
        name = hashlib.sha256(repr((visits, shown, size, codec, sound)).encode()).hexdigest()[:16]
        path = self._folder / f"{name}.{'mkv' if sound or codec == 'mjpeg' else 'mp4'}"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                scene = DemoScene(size, visits=visits)
                images = (scene.render(second, number) for number, second in enumerate(shown))
                part = path.with_stem(f"{name}.part")
                encode(part, images, fps, codec, times=times, gop=round(fps))
                if sound:
                    part = _with_noise(part, shown[-1], sound)
                part.rename(path)
        return Clip(path, shown, round(fps), dict(sound_of(path)))


def _with_noise(film: Path, seconds: float, encoder: str) -> Path:
    """The same film with sound, for so long."""
    target = film.with_stem(f"{film.stem}-heard")
    noise = f"anoisesrc=duration={seconds}:seed=1:amplitude=0.3:sample_rate=48000"
    inputs = ["-i", film, "-f", "lavfi", "-i", noise, "-map", "0:v", "-map", "1:a"]
    coders = f"-c:v copy -ac 1 -c:a {encoder}".split()
    run("nice", "ffmpeg", "-v", "error", "-y", *inputs, *coders, target)
    film.unlink()
    return target


def sound_of(path: Path) -> list[tuple[bytes, float]]:
    """Each piece of a file's sound, and when it begins: seconds after the first picture."""
    with av.open(str(path)) as container:
        told = [(one.stream.type, bytes(one), one.pts * one.time_base)
                for one in container.demux() if one.size and one.pts is not None]  # fmt: skip
    first = min(time for kind, _, time in told if kind == "video")
    return [(data, float(time - first)) for kind, data, time in told if kind == "audio"]


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

    def heard(self, clip: Clip, told: Iterable[tuple[int | None, float]] = ()) -> list[tuple[int, float]]:
        """Which piece of the clip's sound each is, and how much too late, seconds, beside its pictures.

        `told`: the pictures' numbers and times, where not every picture can be read.
        """
        told = told or zip(self.numbers, self.played.times, strict=True)
        pictures = [(shown, number) for number, shown in told if number is not None]
        begins, places = list(clip.sound.values()), {data: number for number, data in enumerate(clip.sound)}
        found = []
        for data, begin in sound_of(self.path):
            if pictures and (number := places.get(data)) is not None:
                shown, beside = pictures[max(0, bisect.bisect(pictures, (begin + 1e-6,)) - 1)]
                late = clip.times[beside] + begin - shown - begins[number]
                half = clip.period_s / 2
                found.append((number, (late + half) % clip.period_s - half))
        return found


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


def check_whole(clip: Clip, figure: Measure, *found: Recording) -> None:
    """No picture is missing in these recordings, one after the other, nor any sound, and both are in step.

    Of sound that was encoded anew only the beginning and the end can be told.
    """
    numbers = [number for recording in found for number in recording.numbers]
    assert consecutive(numbers, len(clip.times)), f"pictures are missing: {numbers}"
    if not clip.sound:
        return
    heard = [piece for recording in found for piece in recording.heard(clip)]
    if heard:
        assert consecutive([number for number, _ in heard], len(clip.sound)), f"sound is missing: {heard}"
        figure("sound: apart from its pictures by", max(abs(late) for _, late in heard), "s", APART_S)
    for recording in found:
        begins = [at for _, at in sound_of(recording.path)]
        assert not heard or len(begins) == len(recording.heard(clip)), "there is sound that was never sent"
        short_s = max(begins[0], recording.played.span_s - begins[-1])
        if not recording.entry.get("recovered"):
            figure("sound: missing at an end of a file", max(0.0, short_s), "s", 0.25)


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
