"""How far picture and sound of a recording are apart, for as long as you like.

    python benchmarks/sound.py [--minutes 60] [--sound aac]

A camera on loopback claps once a second: it lights a corner and sounds a tone at the same moment. The
recorder copies both, one event all the time, into files of five minutes. Needs what tests/rtsp.py says.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from rtsp import RtspServer  # noqa: E402
from running import RecorderProcess  # noqa: E402
from sounds import ENCODERS, apart_s, clapping  # noqa: E402

FILE_S = 300
STREAM_S = 60.0


def main() -> None:
    """Record, then measure each file."""
    parser = argparse.ArgumentParser(description="Measure how far picture and sound are apart.")
    parser.add_argument("--minutes", type=float, default=60, help="how long to record (60)")
    parser.add_argument("--sound", choices=ENCODERS, default="aac")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        film = clapping(Path(place, "film.mkv"), options.sound, seconds=STREAM_S, moving=(0, STREAM_S))
        with RtspServer({"cam": film}, from_start=True, sound=True) as server, RecorderProcess(
            Path(place, "recorder"),
            cam=server.url("cam"),
            RECORDING_MODE="copy",
            RECORD_SOUND=True,
            MOTION_DETECTOR="classic",
            MOTION_AREA_THRESHOLD=3000,
            MINIMAL_MOTION_DURATION=60,
            RECORDING_MAX_DURATION_SECS=FILE_S,
        ) as recorder:  # fmt: skip
            time.sleep(60 * options.minutes)
            recorder.stop()
        print("| file | claps | apart, median ms | at most, ms |\n|---|---|---|---|")
        for number, entry in enumerate(recorder.index(), 1):
            apart = [1000 * abs(one) for one in apart_s(recorder.archive / entry["file"])]
            print(f"| {number} | {len(apart)} | {statistics.median(apart):.1f} | {max(apart):.1f} |")


if __name__ == "__main__":
    main()
