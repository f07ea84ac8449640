"""What recording costs, beside a bare loop over the same clip: `make bench`.

Every figure comes from processes of their own, run in turn: the recorder with each detector,
the bare loop, and again, so that what else happens on the machine falls on
all. Start-up is counted on all sides. README.md says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path

# No cv2 and no pynvr here: Linux counts into a child's peak memory what its parent held at the fork.
from inputs import (
    EVENT_480,
    EVENT_1080,
    LONG_STILL_1080,
    MOVING_480,
    MOVING_1080,
    STILL_480,
    STILL_1080,
    Input,
)

HERE = Path(__file__).resolve().parent
RAW_RING_MB = 2560
"""So much that 5 s of 1080p are kept as they come."""
MEMORY_REPEATS = 2
"""It hardly varies."""
DETECTING_MS = {"1920x1080": 1.5, "640x480": 1.0}
"""What looking at a frame may take."""
DETECTORS = ("robust", "classic")
SCENES = {"still": "nothing moving", "event": "one event", "moving": "always moving"}


@dataclass(frozen=True)
class Usage:
    """What a process took."""

    cpu_s: float
    """User and system time."""
    wall_s: float
    peak_mb: float
    """Largest resident set, in MiB."""


@dataclass(frozen=True)
class Figure:
    """A line of the table."""

    name: str
    unit: str
    target: float | None
    measured: float
    """For a ratio: of the medians; else the median."""
    low: float
    high: float
    """Range over the pairs, or over the runs."""
    beside: float | None = None
    """The bare loop's own value."""


Pairs = Sequence[tuple[Usage, ...]]
"""Recorder and bare loop, in turn."""


def run(*command: str | Path) -> tuple[Usage, str]:
    """Run a Python script to its end and return what it took and what it printed."""
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=printed, stderr=subprocess.STDOUT, cwd=HERE
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        output = printed.read()
    if process.returncode != 0:
        raise SystemExit(f"{command} failed:\n{output}")
    return Usage(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024), output


def record(clip: Input, pre_alarm_mb: float | None = None, detector: str = "robust") -> Usage:
    """Run the recorder over a clip, with the default settings but for the memory limit and the detector."""
    with tempfile.TemporaryDirectory(dir=HERE / "inputs") as folder:
        config = Path(folder, "settings.py")
        # the frame number along the lower edge changes for ever, and is no part of the scene
        region = "MOTION_REGIONS = [[(0, 0), (1, 0), (1, 0.95), (0, 0.95)]]"
        settings = [f"LOG_FILE_PATH = {folder + '/log'!r}", "STATUS_FILE_PATH = None", region]
        settings.append(f"MOTION_DETECTOR = {detector!r}")
        if pre_alarm_mb is not None:
            settings.append(f"PRE_ALARM_MEMORY_LIMIT_MB = {pre_alarm_mb}")
        config.write_text("\n".join(settings))
        script = HERE.parent / "motion_driven_recorder.py"
        usage, _ = run(script, "--cam", clip.path, "--config", config, "--path-for-video", folder)
        _check_index(clip, Path(folder, "recordings.jsonl"))
    return usage


def _check_index(clip: Input, index: Path) -> None:
    """Stop the benchmark if the recorder did not do the work that is to be measured."""
    recordings = index.read_text().splitlines() if index.exists() else []
    frames = [json.loads(recording)["frames"] for recording in recordings]
    makes_sense = {"still": frames == [], "moving": frames == [clip.frames], "event": len(frames) == 1}
    if not makes_sense[clip.scene]:
        raise SystemExit(f"{clip.path}: recordings of {frames} frames, which makes no sense")


def loop(clip: Input, encode: bool = False) -> Usage:
    """Run the bare loop over a clip, with or without encoding."""
    with tempfile.TemporaryDirectory(dir=HERE / "inputs") as folder:
        output = [Path(folder, "bare.avi")] if encode else []
        usage, printed = run(HERE / "bare_loop.py", clip.path, *output)
    if int(printed.split()[-1]) != clip.frames:
        raise SystemExit(f"{clip.path}: {printed} frames instead of {clip.frames}")
    return usage


def in_turn(repeats: int, *sides: Callable[[], Usage]) -> list[tuple[Usage, ...]]:
    """Run all sides in turn, each time with another one first."""
    rounds = []
    for number in range(repeats):
        order = [(number + place) % len(sides) for place in range(len(sides))]
        usages = {side: sides[side]() for side in order}
        rounds.append(tuple(usages[side] for side in range(len(sides))))
        print(f"  {number + 1} of {repeats}", file=sys.stderr)
    return rounds


def ratio(name: str, pairs: Pairs, value: Callable[[Usage], float], target: float) -> Figure:
    """The recorder's median over the bare loop's, and the range of the pairs."""
    recorder, bare = ([value(usage) for usage in side] for side in zip(*pairs, strict=True))
    each = [ours / theirs for ours, theirs in zip(recorder, bare, strict=True)]
    measured = statistics.median(recorder) / statistics.median(bare)
    return Figure(name, "x", target, measured, min(each), max(each))


def peak(name: str, pairs: Pairs, target: float) -> Figure:
    """The recorder's peak memory, beside the bare loop's."""
    recorder, bare = ([usage.peak_mb for usage in side] for side in zip(*pairs, strict=True))
    measured = statistics.median(recorder)
    return Figure(name, "MB", target, measured, min(recorder), max(recorder), statistics.median(bare))


def ratios(repeats: int) -> Iterator[Figure]:
    """CPU and wall time at 1080p with each detector, relative to the bare loops."""
    for clip, scene, work, cpu, wall in (
        (LONG_STILL_1080, "nothing moving", "reading", 1.25, 1.1),
        (MOVING_1080, "moving", "reading and encoding", 1.15, 0.75),
    ):
        recorders = [partial(record, clip, RAW_RING_MB, detector) for detector in DETECTORS]
        *recorded, bare = zip(
            *in_turn(repeats, *recorders, partial(loop, clip, clip is MOVING_1080)), strict=True
        )
        for detector, usages in zip(DETECTORS, recorded, strict=True):
            pairs = list(zip(usages, bare, strict=True))
            yield ratio(f"{scene}, {detector}: CPU / {work}", pairs, lambda usage: usage.cpu_s, cpu)
            yield ratio(f"{scene}, {detector}: wall / {work}", pairs, lambda usage: usage.wall_s, wall)


def peaks(repeats: int) -> Iterator[Figure]:
    """Peak memory with 5 s of pre-alarm under the default limit."""
    targets = {250: (STILL_1080, EVENT_1080, MOVING_1080), 190: (STILL_480, EVENT_480, MOVING_480)}
    for target, clips in targets.items():
        for clip in clips:
            pairs = in_turn(repeats, partial(record, clip), partial(loop, clip, clip.scene != "still"))
            yield peak("{}, {}x{}: peak memory".format(SCENES[clip.scene], *clip.size), pairs, target)


def costs(repeats: int) -> Iterator[Figure]:
    """Milliseconds of one thread for each frame, step by step."""
    for clip, scaled_to in ((MOVING_1080, ()), (MOVING_1080, (1280, 720)), (MOVING_480, ())):
        command = HERE / "frame_costs.py", clip.path, *map(str, scaled_to)
        runs = [json.loads(run(*command)[1]) for _ in range(repeats)]
        size = "{}x{}".format(*(scaled_to or clip.size))
        for step in runs[0]:
            values = [each[step] for each in runs]
            target = DETECTING_MS.get(size) if step.startswith("detecting") else None
            name = f"{step}, {size}"
            yield Figure(name, "ms", target, statistics.median(values), min(values), max(values))


HEAD = "| figure | target | measured | range | bare loop |\n|---|---|---|---|---|"


def row(figure: Figure) -> str:
    """A figure as a line of the table, in Markdown."""
    digits = 0 if figure.unit == "MB" else 2
    target = "" if figure.target is None else f"≤ {figure.target:g}"
    measured = f"{figure.measured:.{digits}f} {figure.unit}"
    if figure.target is not None and figure.measured > figure.target:
        measured += " **missed**"
    spread = f"{figure.low:.{digits}f}-{figure.high:.{digits}f}"
    beside = "" if figure.beside is None else f"{figure.beside:.{digits}f}"
    return f"| {figure.name} | {target} | {measured} | {spread} | {beside} |"


def main() -> None:
    """Build what is missing, measure, print."""
    parser = argparse.ArgumentParser(description="Measure the recorder beside a bare loop.")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each side for each figure (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    run(HERE / "inputs.py")
    figures = []
    repeats = options.repeats
    for figure in chain(ratios(repeats), peaks(min(repeats, MEMORY_REPEATS)), costs(repeats)):
        print(row(figure), file=sys.stderr)  # as it is measured; the whole table only if all could be
        figures.append(figure)
    print(HEAD, *map(row, figures), sep="\n")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
