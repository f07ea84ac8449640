"""pynvr in copy mode beside Debian's motion 4.5.1 with movie_passthrough: one stream, at the same time.

    python benchmarks/versus_motion.py

One visitor crosses a 1080p25 scene. Both have 5 s of pre-alarm and 10 s of hold. Note that motion
looks at about three pictures a second with movie_passthrough, pynvr at all 25 unless
MOTION_DETECTION_FPS says less: so pynvr runs a second time with 3. Needs the packages `motion`,
`ffmpeg` and GStreamer's RTSP server.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import cv2  # noqa: E402
from cameras import FPS, INPUTS, cpu_s, end, peak_mb, recorder  # noqa: E402
from rtsp import RtspServer  # noqa: E402

from pynvr.demo.frame_number import read_frame_number  # noqa: E402

CLIP = INPUTS / "event_1920x1080_60s.mp4"
ENTERS = 20 * FPS
"""Number of the frame with which the visitor comes in."""
RUN_S = 52.0
PRE_S, HOLD_S = 5, 10


def start_motion(folder: Path, url: str) -> subprocess.Popen[bytes]:
    """Start motion with the same intentions; pre_capture is in frames."""
    folder.mkdir()
    options = {
        "netcam_url": url,
        "width": 1920,
        "height": 1080,
        "framerate": FPS,
        "pre_capture": PRE_S * FPS,
        "event_gap": HOLD_S,
        "target_dir": folder,
        "movie_output": "on",
        "movie_passthrough": "on",
        "movie_codec": "mp4",
        "picture_output": "off",
        "stream_port": 0,
        "webcontrol_port": 0,
        "log_file": folder / "log",
    }
    config = folder / "motion.conf"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return subprocess.Popen(["motion", "-n", "-c", str(config)], stdout=-3, stderr=-3)


def start_pynvr(detection_fps: float | None) -> Callable[[Path, str], subprocess.Popen[bytes]]:
    def start(folder: Path, url: str) -> subprocess.Popen[bytes]:
        return recorder(
            folder,
            RECORDING_MODE="copy",
            cam=url,
            PRE_ALARM_RECORDING_SECONDS=PRE_S,
            MINIMAL_MOTION_DURATION=HOLD_S,
            MOTION_DETECTION_FPS=detection_fps,
        )

    return start


def numbers_in(folder: Path) -> list[list[int]]:
    """Frame numbers in each of the recordings, as they are shown."""
    files = []
    for path in sorted(folder.rglob("*.mp4")):
        numbers: list[int] = []
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        while (got := capture.read())[0]:
            number = read_frame_number(got[1])  # type: ignore[arg-type]
            numbers += [] if number is None else [number]
        files.append(numbers)
    return files


def main() -> None:
    ways = {
        "motion 4.5.1, movie_passthrough": start_motion,
        "pynvr, copy mode": start_pynvr(None),
        "pynvr, copy mode, MOTION_DETECTION_FPS = 3": start_pynvr(3),
    }
    with RtspServer({"cam": CLIP}, from_start=True) as server, tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, str(number)) for number in range(len(ways))]
        processes = [
            start(folder, server.url("cam")) for start, folder in zip(ways.values(), folders, strict=True)
        ]
        begun = time.monotonic()
        time.sleep(RUN_S)
        minutes = (time.monotonic() - begun) / 60
        used = [(cpu_s(process.pid) / minutes, peak_mb(process.pid)) for process in processes]
        end(processes)
        print("| | CPU, s a minute | peak MB | files | s before the visitor | missing frames | s in all |")
        print("|---|---|---|---|---|---|---|")
        for name, folder, (cpu, peak) in zip(ways, folders, used, strict=True):
            files = numbers_in(folder)
            begins = [(ENTERS - numbers[0]) / FPS for numbers in files if numbers[-1] > ENTERS]
            missing = sum(numbers[-1] - numbers[0] + 1 - len(set(numbers)) for numbers in files)
            found = (
                f"{len(files)} | {max(begins, default=0):.1f} | {missing} | {sum(map(len, files)) / FPS:.1f}"
            )
            print(f"| {name} | {cpu:.1f} | {peak:.0f} | {found} |")


if __name__ == "__main__":
    main()
