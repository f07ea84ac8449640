"""How well motion is detected in the drawn yard, whose truth is exact: weather x rate x size of the person.

Each scene has two crossings, the second one while lamps are switched and gains turned up. A cell reads
*visits found / of / seconds of false alarms outside of them / median delay from the first visible pixel*.
A visit is found if it is seen, and from then on never lost for longer than a recording is held open.

    drawn.py [--detector classic] [--weather rain --weather lamp+rain] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path as FilePath
from typing import TypeAlias

sys.path.insert(0, str(FilePath(__file__).resolve().parents[1]))

import numpy as np
from car import PARKS, PAST, CarAtTheEdge
from scoring import HOLD_S

from pynvr.demo.person import REACH_LEFT, REACH_RIGHT
from pynvr.demo.scene import CROSSING, CROSSING_BACK, DemoScene, Path, Visit
from pynvr.demo.weather import KINDS
from pynvr.detection.classic import ClassicDetector
from pynvr.detection.detector import MotionDetector
from pynvr.detection.robust import RobustDetector
from pynvr.media.opencv import work_lightly

SIZE = (640, 480)
RATES = (3.0, 7.0, 15.0, 30.0)
PERCENTS = (0.5, 2.0, 10.0)
FIRST_S, SECOND_S = 6.0, 13.2
"""When the visits start, the second one later where the first takes long: lamp and gain change at 14 s."""
PACE = 1.0
"""Body heights a second: 1.76 m/s, a brisk walk at every size."""
BODY_SHARE = 0.36
"""Of its box the person's width, in heights, about."""
REST_S = 2.0
AFTERMATH_S = 0.3
"""An alarm so soon after a visit still belongs to it."""
STEP_S = 0.005

CLOSE: Path = ((0.0, 0.0, 1.6), (1.0, 1.0, 1.6))
"""Right past the lens, feet below the picture."""
TWICE = Visit(8.0, 5.0, CROSSING, 1.2), Visit(18.0, 5.0, CROSSING_BACK, 1.2)
CLOSE_AND_STAYS: Path = ((0.0, 0.0, 1.6), (0.2, 0.5, 1.6), (0.8, 0.5, 1.6), (1.0, 1.0, 1.6))
FAR: Path = ((0.0, 0.0, 0.62), (1.0, 1.0, 0.62))
HALF_IN: Path = ((0.0, 1.0, 0.8), (0.35, 0.92, 0.8), (0.65, 0.92, 0.8), (1.0, 1.0, 0.8))
"""Never more than half in the picture."""


def _busy(seed: int) -> Path:
    """Comes, does something every few seconds, never farther than a hand's breadth away, and goes."""
    rng = np.random.default_rng(seed)
    path = [(0.0, 0.0, 0.8), (0.1, 0.5, 0.8)]
    while path[-1][0] < 0.85:
        at = path[-1][0] + rng.uniform(0.01, 0.05)  # half a second to 2.5 s of rest
        path += [(at, *path[-1][1:]), (at + 0.012, 0.5 + rng.uniform(-0.015, 0.015), 0.8)]
    return (*path, (0.9, *path[-1][1:]), (1.0, 1.0, 0.8))


CAR_KIND = "a car at the edge"
KINDS_OF_VISIT: dict[str, tuple[tuple[Visit, ...], str]] = {
    "right before the lens": ((Visit(6.0, 1.2, CLOSE, 3.0), Visit(12.0, 1.6, CLOSE, 2.5)), ""),
    "… and stays": ((Visit(6.0, 6.0, CLOSE_AND_STAYS, 3.0),), ""),
    "… at night": ((Visit(6.0, 1.2, CLOSE, 3.0), Visit(12.0, 6.0, CLOSE_AND_STAYS, 3.0)), "night"),
    "… as a lamp is switched": ((Visit(13.6, 1.5, CLOSE, 3.0), Visit(22.05, 1.5, CLOSE, 3.0)), "lamp"),
    "far, 5 grey levels": ((Visit(6.0, 9.0, FAR, 0.6, 0.12),), ""),
    "at work at a table": ((Visit(6.0, 50.0, _busy(1), 1.25),), "table"),
    "half in the picture": ((Visit(6.0, 3.0, HALF_IN, 1.2), Visit(12.0, 6.0, HALF_IN, 1.2)), ""),
    "headlights through a gate": (TWICE, "headlights"),
    "… in infrared": (TWICE, "headlights night"),
    "behind leaves all over": (TWICE, "foliage"),
    "in water": (TWICE, "water"),
    "beside a balloon": (TWICE, "balloon"),
    CAR_KIND: ((Visit(6.0, 2.5, PAST), Visit(12.0, 8.0, PARKS)), ""),
}
"""Visits, and the weather in which they happen."""
SEEDS = (1, 2, 3)


@dataclass
class Result:
    """How one detector did in one or several scenes."""

    crossings: int = 0
    found: int = 0
    false_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        delay = f"{statistics.median(self.delays_s):.2f}" if self.delays_s else "none"
        return f"{self.found} / {self.crossings} / {self.false_s:.1f} / {delay}"

    def __iadd__(self, other: Result) -> Result:
        self.crossings += other.crossings
        self.found += other.found
        self.false_s += other.false_s
        self.delays_s += other.delays_s
        return self


def visits(scale: float, walk_s: float = 5.0) -> tuple[Visit, ...]:
    """A crossing and one back."""
    second_s = max(SECOND_S, FIRST_S + walk_s + REST_S)
    return Visit(FIRST_S, walk_s, CROSSING, scale), Visit(second_s, walk_s, CROSSING_BACK, scale)


def walk_seconds(percent: float) -> float:
    """How long a person whose box takes `percent` of the picture needs to cross it."""
    height_px = (percent / 100 * SIZE[0] * SIZE[1] / BODY_SHARE) ** 0.5
    return (SIZE[0] + height_px * (REACH_LEFT + REACH_RIGHT)) / (PACE * height_px)


def scale_of(percent: float) -> float:
    """The size at which the person's box takes `percent` of the picture in the middle of the crossing."""
    least, most = 0.1, 6.0
    for _ in range(16):
        scale = (least * most) ** 0.5
        box = DemoScene(SIZE, visits=visits(scale), noise=0).figure_box(FIRST_S + 2.5)
        area = box[2] * box[3] if box else 0
        least, most = (scale, most) if area < percent / 100 * SIZE[0] * SIZE[1] else (least, scale)
    return (least * most) ** 0.5


def first_visible(scene: DemoScene, visit: Visit) -> float:
    """When the first pixel of the person is in the picture."""
    time_s = visit.start_s
    while scene.figure_box(time_s) is None:
        time_s += STEP_S
    return time_s


def watch(detector: MotionDetector, scene: DemoScene, fps: float) -> Result:
    """Let a detector see a scene."""
    times = [index / fps for index in range(round((scene.visits[-1].end_s + REST_S) * fps))]
    alarms = [t for index, t in enumerate(times) if detector.detect(scene.render(t, index), t).motion]
    result = Result(crossings=len(scene.visits))
    for visit in scene.visits:
        seen = [t for t in alarms if visit.start_s <= t <= visit.end_s]
        if seen:
            result.found += all(later - t <= HOLD_S for t, later in pairwise([*seen, visit.end_s]))
            result.delays_s.append(seen[0] - first_visible(scene, visit))
    spans = [(visit.start_s, visit.end_s + AFTERMATH_S) for visit in scene.visits]
    result.false_s = sum(not any(a <= t <= b for a, b in spans) for t in alarms) / fps
    return result


Row: TypeAlias = dict[str, Result]


def in_weather(
    kind: Callable[[], MotionDetector], scales: Mapping[float, float], weather: str
) -> tuple[Row, Row]:
    """Results by the person's size and by the frame rate."""
    by_size = {f"{percent:g} %": Result() for percent in scales}
    by_rate = {f"{fps:g} frames/s": Result() for fps in RATES}
    names = () if weather == "calm" else weather.split("+")
    for percent, scale in scales.items():
        scene = DemoScene(SIZE, visits=visits(scale, walk_seconds(percent)), weather=names)
        for fps in RATES:
            result = watch(kind(), scene, fps)
            by_size[f"{percent:g} %"] += result
            by_rate[f"{fps:g} frames/s"] += result
    print(f"{weather} done", file=sys.stderr)
    return by_size, by_rate


def of_kind(kind: Callable[[], MotionDetector], name: str) -> Row:
    """What is hard in another way than by weather, at two frame rates, in some yards each."""
    coming, weather = KINDS_OF_VISIT[name]
    row = {f"{fps:g} frames/s": Result() for fps in (7.0, 15.0)}
    for seed in SEEDS:
        drawn = CarAtTheEdge if name == CAR_KIND else DemoScene
        scene = drawn(SIZE, visits=coming, weather=weather.split(), seed=seed)
        for fps in (7.0, 15.0):
            row[f"{fps:g} frames/s"] += watch(kind(), scene, fps)
    print(f"{name} done", file=sys.stderr)
    return row


def table(results: Mapping[str, Row]) -> str:
    """Markdown, a row for each weather."""
    columns = list(next(iter(results.values())))
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row, cells in results.items():
        lines.append(f"| {row} | {' | '.join(str(cells[column]) for column in columns)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print weather by size and weather by frame rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=("robust", "classic"), default="robust")
    parser.add_argument("--weather", action="append", help="one of them, or several joined by +")
    parser.add_argument("--json", metavar="FILE", type=FilePath)
    options = parser.parse_args(arguments)
    kind = RobustDetector if options.detector == "robust" else ClassicDetector
    scales = {percent: scale_of(percent) for percent in PERCENTS}
    weathers = options.weather or ["calm", *KINDS]
    kinds = [] if options.weather else list(KINDS_OF_VISIT)
    # a fork would inherit OpenCV's threads as locks that nobody opens
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawned, initializer=work_lightly) as processes:
        rows = list(processes.map(partial(in_weather, kind, scales), weathers))
        by_kind = dict(zip(kinds, processes.map(partial(of_kind, kind), kinds), strict=True))
    by_size = dict(zip(weathers, (row for row, _ in rows), strict=True))
    by_rate = dict(zip(weathers, (row for _, row in rows), strict=True))
    print("Visits found / of / false seconds / median delay from the first visible pixel, s.\n")
    print("\n\n".join(table(rows) for rows in (by_size, by_rate, by_kind) if rows), flush=True)
    if options.json is not None:
        tables = {"by_size": by_size, "by_rate": by_rate, "by_kind": by_kind}
        document = {
            name: {
                row: {column: asdict(cell) for column, cell in cells.items()} for row, cells in rows.items()
            }
            for name, rows in tables.items()
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
