"""Builds the clips that the benchmarks read, once, into benchmarks/inputs/.

The demo's drawn yard, which has real texture, under sensor noise, compressed as
a camera does: H.264 without B-frames, a key frame every two seconds, a bit rate that is usual for its size.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

FOLDER = Path(__file__).resolve().parent / "inputs"
FPS = 25
NOISE = 4.0
"""Standard deviation in grey levels: a cheap sensor in daylight."""
VISIT_S = 6.0
"""One crossing of the picture."""
EVENT_S = 20.0
"""When the only visit of the scene "event" begins."""

Scene: TypeAlias = Literal["still", "moving", "event"]
"""Nobody, always somebody, or one visit."""


@dataclass(frozen=True)
class Input:
    """One clip: what happens in it, its picture size (width, height) and its bit rate."""

    scene: Scene
    size: tuple[int, int]
    megabits_s: float
    seconds: int = 60

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.seconds * FPS

    @property
    def path(self) -> Path:
        """Where the clip lies."""
        return FOLDER / f"{self.scene}_{self.size[0]}x{self.size[1]}_{self.seconds}s.mp4"

    @property
    def visits(self) -> list[tuple[float, float]]:
        """When somebody walks through the picture: start and duration in seconds."""
        if self.scene == "still":
            return []
        if self.scene == "event":
            return [(EVENT_S, VISIT_S)]
        # One follows the other, and the first is in full swing when the clip begins.
        return [
            (number * VISIT_S - VISIT_S / 2, VISIT_S) for number in range(round(self.seconds / VISIT_S) + 1)
        ]


STILL_1080, MOVING_1080, EVENT_1080 = (Input(scene, (1920, 1080), 6.0) for scene in get_args(Scene))
STILL_480, MOVING_480, EVENT_480 = (Input(scene, (640, 480), 1.5) for scene in get_args(Scene))
LONG_STILL_1080 = replace(STILL_1080, seconds=240)
"""The short one again and again."""
INPUTS = (STILL_1080, LONG_STILL_1080, MOVING_1080, EVENT_1080, STILL_480, MOVING_480, EVENT_480)


def build(clip: Input) -> None:
    """Draw a clip's frames and have ffmpeg compress them."""
    sys.path.insert(0, str(FOLDER.parents[1]))
    from pynvr.demo.scene import CROSSING, CROSSING_BACK, DemoScene, Visit

    ways = CROSSING, CROSSING_BACK
    visits = [Visit(start, duration, ways[n % 2]) for n, (start, duration) in enumerate(clip.visits)]
    scene = DemoScene(clip.size, noise=NOISE, visits=tuple(visits))
    part = clip.path.with_suffix(".part.mp4")
    rate = f"{clip.megabits_s}M"
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "{}x{}".format(*clip.size), "-r", str(FPS), "-i", "-"]
    h264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", str(2 * FPS), "-pix_fmt", "yuv420p"]
    bits = ["-b:v", rate, "-maxrate", rate, "-bufsize", rate]
    command = ["ffmpeg", "-y", "-v", "error", *raw, *h264, *bits, str(part)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None  # it is a pipe
        for index in range(clip.frames):
            ffmpeg.stdin.write(scene.render(index / FPS, index).data)
    if ffmpeg.returncode != 0:
        raise SystemExit(f"ffmpeg failed on {part}")
    part.rename(clip.path)


def repeat(clip: Input, times: int, target: Path) -> None:
    """Show a clip so many times in a row, packet by packet."""
    part = target.with_suffix(".part.mp4")
    looped = ["-stream_loop", str(times - 1), "-i", str(clip.path), "-c", "copy", str(part)]
    subprocess.run(["ffmpeg", "-y", "-v", "error", *looped], check=True)
    part.rename(target)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for clip in INPUTS:
        if clip.path.exists():
            continue
        print(f"building {clip.path.name}", file=sys.stderr)
        if clip is LONG_STILL_1080:
            repeat(STILL_1080, clip.seconds // STILL_1080.seconds, clip.path)
        else:
            build(clip)
