"""What an archive costs that has many recordings: the same as one that has few.

Makes archives of empty files of a claimed size, with an index as the recorder writes it, and measures in a
process of its own for each: finding what a crash left at the start, the first sweep, which counts all
recordings, one with nothing to do, one that has to remove the oldest recording, closing one, and how much
memory the process grew by. Prints a table.

    .venv/bin/python benchmarks/archive.py | .venv/bin/python benchmarks/document.py archive
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pynvr.archive.archive import Archive  # noqa: E402
from pynvr.archive.closing import recover  # noqa: E402
from pynvr.archive.index import INDEX_NAME  # noqa: E402
from pynvr.archive.retention import Limits, Retention  # noqa: E402

RECORDINGS = (10, 1_000, 200_000)
PER_DAY = 100
SIZE = 5_000_000
REPEATS = 200


def entry(number: int, utc: datetime) -> dict[str, object]:
    """An index's object as closing writes it."""
    stamp = utc.isoformat(timespec="milliseconds")
    return {
        "trigger_utc": stamp, "first_frame_utc": stamp, "last_frame_utc": stamp,
        "first_frame_s": 1000.0 + number, "trigger_s": 1005.0 + number, "last_motion_s": 1010.0 + number,
        "last_frame_s": 1020.0 + number, "frames": 400, "fps": 20.013, "width": 1920, "height": 1080,
        "peak_changed_px": 4242,
    }  # fmt: skip


def make_archive(root: Path, count: int) -> None:
    """A folder a day, `PER_DAY` recordings in each, the newest of now."""
    now = datetime.now(timezone.utc)
    root.mkdir(parents=True)
    with (root / INDEX_NAME).open("w", encoding="utf-8") as index:
        for number in range(count):
            utc = now - timedelta(days=(count - 1 - number) / PER_DAY)
            path = root / f"{utc:%Y-%m-%d}" / f"video_{utc:%Y-%m-%dT%H%M%S}_{number}.mp4"
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                file.truncate(SIZE)
            index.write(json.dumps({"file": path.relative_to(root).as_posix(), **entry(number, utc)}) + "\n")


def cpu_ms(act: Callable[[], object], repeats: int = 1) -> float:
    """CPU time of one call, milliseconds; the mean of `repeats`."""
    before = time.process_time()
    for _ in range(repeats):
        act()
    return (time.process_time() - before) * 1000 / repeats


def rss_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(root: Path, count: int) -> dict[str, float]:
    """What one archive costs; to be called in a process of its own."""
    base_mb = rss_mb()
    archive = Archive(root, None)
    retention = Retention(archive, Limits(count / PER_DAY + 2, count * SIZE / 1e9, 1e-6))
    costs = {"start_ms": cpu_ms(lambda: (archive.open(), recover(archive)))}
    costs["count_ms"] = cpu_ms(lambda: [None for _ in iter(retention.sweep, False)])
    costs["idle_ms"] = cpu_ms(retention.sweep, REPEATS)

    def close() -> None:
        path = archive.new_stem(datetime.now(timezone.utc)).with_suffix(".mp4")
        with path.open("wb") as file:
            file.truncate(SIZE)
        archive.add(path, entry(0, datetime.now(timezone.utc)))

    closing, sweeping = 0.0, 0.0
    repeats = REPEATS if count > REPEATS else count
    for _ in range(repeats):
        closing += cpu_ms(close)
        sweeping += cpu_ms(retention.sweep)
    costs |= {"close_ms": closing / repeats, "remove_ms": sweeping / repeats, "grown_mb": rss_mb() - base_mb}
    archive.close()
    if (left := len(list(archive.index.each()))) != count:
        raise SystemExit(f"{left} recordings instead of {count}: each sweep had to remove one")
    return costs


HEADS = {
    "start_ms": "start, ms", "count_ms": "first sweep, ms", "idle_ms": "sweep, ms", "close_ms": "closing, ms",
    "remove_ms": "sweep that removes one, ms", "grown_mb": "memory, MB",
}  # fmt: skip


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, nargs="+", default=RECORDINGS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure[0]), int(options.measure[1]))))
        return
    print("| recordings | " + " | ".join(HEADS.values()) + " |")
    print("|---" * (len(HEADS) + 1) + "|")
    for count in options.recordings:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "video")
            make_archive(root, count)
            command = [sys.executable, __file__, "--measure", str(root), str(count)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ).stdout
            costs = json.loads(output)
        print(f"| {count:,} | " + " | ".join(_short(costs[name]) for name in HEADS) + " |", flush=True)


if __name__ == "__main__":
    main()
