"""pynvr's detector and DVR-Scan's on the same labelled clips: `versus_dvrscan.py DIR [--dvr-scan PROGRAM]`.

DIR is as for detection.py, which counts. DVR-Scan comes from PyPI into a virtual environment of its own
below benchmarks/inputs, unless `--dvr-scan` names one. It runs with its defaults, but says when it sees
motion, not what it would record: the shortest event, and no time before or after it. CPU is that of the whole
process over all frames, decoding and start-up included, on both sides.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoring import Labels, Score, score, summary, table

HERE = Path(__file__).resolve().parent
HOME = HERE / "inputs" / "dvr-scan"
REQUIREMENTS = ("dvr-scan==1.8.2.1", "opencv-python-headless<5")
TIMECODE = re.compile(r"(\d+):(\d+):(\d+\.\d+)")


def installed() -> Path:
    """The program, in an environment of its own."""
    program = HOME / "bin" / "dvr-scan"
    if not program.exists():
        venv.create(HOME, with_pip=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    return program


def children_cpu_s() -> float:
    """CPU time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alarms_of_dvr_scan(program: Path, clip: Path, fps: float, frames: int) -> list[int]:
    """The frames that lie in one of its events."""
    command = [program, "-i", clip, "-so", "-q", "-l", "1", "-tb", "0s", "-tp", "0s"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.strip().splitlines() or [""]
    found = TIMECODE.findall(lines[-1])
    times = [3600 * int(hours) + 60 * int(minutes) + float(seconds) for hours, minutes, seconds in found]
    alarms: set[int] = set()
    for start_s, end_s in zip(times[::2], times[1::2], strict=True):
        alarms.update(range(round(start_s * fps), min(frames, round(end_s * fps))))
    return sorted(alarms)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table with both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--dvr-scan", metavar="PROGRAM", type=Path)
    options = parser.parse_args(arguments)
    program = options.dvr_scan or installed()
    entries = json.loads((options.folder / "events.json").read_text(encoding="utf-8"))
    labels = {clip: Labels.parse(entry) for clip, entry in entries.items()}
    frames = sum(truth.frames or 0 for truth in labels.values())

    before_s = children_cpu_s()
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, HERE / "detection.py", options.folder, "--json", found]
        subprocess.run(command, check=True, capture_output=True)
        clips = json.loads(found.read_text(encoding="utf-8"))["as configured"]["clips"]
    own_s = children_cpu_s() - before_s
    results: dict[str, dict[str, Score]] = {"pynvr": {}, "DVR-Scan": {}}
    before_s = children_cpu_s()
    for clip, truth in labels.items():
        ours = [frame for first, last in clips[clip]["alarms"] for frame in range(first, last + 1)]
        theirs = alarms_of_dvr_scan(program, options.folder / clip, truth.fps, truth.frames or 10**9)
        results["pynvr"][clip], results["DVR-Scan"][clip] = score(truth, ours), score(truth, theirs)
        print(f"{clip} done", file=sys.stderr)
    their_s = children_cpu_s() - before_s
    print(table(results), "", sep="\n")
    for name, clips_of in results.items():
        print(f"{summary(name, sum(clips_of.values(), Score()))}.")
    if frames:
        print(f"\nCPU ms a frame: pynvr {1000 * own_s / frames:.2f}, DVR-Scan {1000 * their_s / frames:.2f}.")


if __name__ == "__main__":
    main()
