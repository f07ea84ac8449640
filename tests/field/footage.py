"""The odd files: each is made once a run, from numbered pictures, by Debian's ffmpeg or GStreamer."""

from __future__ import annotations

import fcntl
import pickle
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from copies import scene
from harm import Harm
from player import Picture, watch

from pynvr.media.frame import Image

FPS, COUNT = 25, 150
MASTERS = {"M": (320, 240), "L": (640, 480), "T": (240, 320)}
"""By the name that a row's command has for it: (width, height)."""
MOVING = (0.1, 1e6)
STRIP_PX = 12
"""The frame number is drawn so tall that the roughest codec keeps it."""

PRELUDE = """
ff() { ffmpeg -nostdin -v error -y "$@"; }
gst() { /usr/bin/python3 "$GST" "$@"; }
silence="-f lavfi -i sine=r=16000:d=6"
"""


@dataclass(frozen=True)
class Row:
    """One odd file, and what pynvr has to make of it."""

    name: str
    """Its suffix is the container."""
    make: str
    """Options of ffmpeg between `-i $M` and the output, or after "sh:" a shell script that makes $O."""
    harm: tuple[Harm, ...] = ()
    stream: int = 0
    """The video stream that is the film."""
    lost: bool = False
    """Whether pictures are lost already, to any decoder: that has to be said."""
    unnoticed: bool = False
    """Whether a decoder may not notice that, so that nobody can say it."""
    odd: bool = False
    """Whether a word about it is in place though nothing is lost."""
    may: str = ""
    """"refused": that is allowed in either mode, where nobody could do better."""
    copy: str = ""
    """The same for copy mode only; "said": what its container cannot keep is told."""
    because: str = ""
    """Why it is allowed."""
    hidden: bool = False
    """Whether pictures before the first one shown lie in it, which copies may show: the others need them."""
    even: bool = False
    """Its pictures are FPS a second, whatever their times say."""
    like: str = ""
    """Options that ffmpeg needs to see the file rightly."""


@dataclass
class Footage:
    """Makes files when they are asked for; side by side in many processes each only once."""

    folder: Path

    def get(self, row: Row) -> Path:
        """The file of a row."""
        path = self.folder / row.name
        with _once(path) as missing:
            if missing:
                work = self.folder / f"{row.name}.making"
                work.mkdir(parents=True, exist_ok=True)
                made = work / row.name
                _shell(
                    row,
                    made,
                    {name: self.master(name) for name in MASTERS if f"${name}" in command_of(row)},
                    work,
                )
                for harm in row.harm:
                    harm(made)
                made.rename(path)
        return path

    def master(self, name: str) -> Path:
        """Uncompressed numbered pictures, in which something moves from almost the first one on."""
        path = self.folder / f"{name}.y4m"
        with _once(path) as missing:
            if missing:
                made = path.with_suffix(".making.y4m")
                _draw(made, MASTERS[name])
                made.rename(path)
        return path

    def truth(self, row: Row) -> list[Picture]:
        """Every picture of it as another decoder shows it."""
        path = self.get(row)
        kept = self.folder / f"{row.name}.truth"
        with _once(kept) as missing:
            if missing:
                pictures = watch(path, row.stream, *row.like.split())
                if row.even:
                    pictures = [replace(picture, time=n / FPS) for n, picture in enumerate(pictures)]
                kept.write_bytes(pickle.dumps(pictures))
        found: list[Picture] = pickle.loads(kept.read_bytes())
        return found


@contextmanager
def _once(path: Path) -> Iterator[bool]:
    """Whether a file is missing; nobody else makes it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not path.exists()


def command_of(row: Row) -> str:
    """The row's input in words that a shell understands."""
    return row.make.removeprefix("sh:").strip() if row.make.startswith("sh:") else f"ff -i $M {row.make} $O"


def _shell(row: Row, made: Path, masters: dict[str, Path], work: Path) -> None:
    gst = Path(__file__).with_name("gst_launch.py")
    names = {name: str(path) for name, path in masters.items()} | {"O": str(made), "GST": str(gst)}
    script = "set -e\n" + PRELUDE + "\n" + command_of(row)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(work)} | names
    done = subprocess.run(["bash", "-c", script], cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{row.name} cannot be made: {script}\n{done.stderr}"


def _draw(path: Path, size: tuple[int, int]) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    command += ["-s", f"{size[0]}x{size[1]}", "-r", str(FPS), "-i", "-", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for image in _pictures(size):
            process.stdin.write(image.tobytes())
    assert process.returncode == 0


def _pictures(size: tuple[int, int]) -> Iterator[Image]:
    times = [number / FPS for number in range(COUNT)]
    for image in scene(times, MOVING, size):
        image[-STRIP_PX:] = image[-1]
        yield image
