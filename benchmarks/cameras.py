"""How many cameras fit: K recorder processes in copy mode on K RTSP streams, and what each of them costs.

    python benchmarks/cameras.py [--cameras 1 2 4 8 16] [--seconds 20] [--compare] [--plot img/cameras.png]

Each camera has a main stream (1080p25, 6 Mbit/s) and a sub stream (640x360, 25 frames/s), served on
loopback by one server, whose processor time is counted apart. Something always moves, so every packet
is recorded. `--compare` measures one camera in all the ways, one after
the other: bare loop, detection alone, copy mode with one and with two streams, encode mode. Needs
ffmpeg and GStreamer's RTSP server (tests/rtsp.py says which packages), and matplotlib for the plot.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import cv2  # noqa: E402
from rtsp import RtspServer  # noqa: E402

INPUTS = ROOT / "benchmarks" / "inputs"
MAIN = INPUTS / "moving_1920x1080_60s.mp4"
SUB = INPUTS / "moving_640x360_60s.mp4"
FPS = 25
WARM_UP_S = 8.0
"""Connecting, the first group of pictures, and the event's beginning."""


@dataclass
class Usage:
    """What one process used, and what its recordings hold."""

    cpu_percent: float
    """Of one core."""
    peak_mb: float
    lost: int = 0
    recorded: int = 0


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """Largest resident set of a process so far, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def build_sub() -> None:
    """The small stream of the same scene, as a camera makes it beside the large one."""
    if not SUB.exists():
        options = "-vf scale=640:360 -c:v libx264 -preset veryfast -bf 0 -g 50"
        options += " -b:v 700k -maxrate 700k -bufsize 700k"
        command = ["nice", "ffmpeg", "-v", "error", "-y", "-i", str(MAIN), *options.split(), str(SUB)]
        subprocess.run(command, check=True)


def recorder(folder: Path, **settings: object) -> subprocess.Popen[bytes]:
    """Start the real recorder."""
    folder.mkdir()
    chosen = {
        "PATH_FOR_VIDEO": str(folder / "video"),
        "LOG_FILE_PATH": str(folder / "log"),
        "LOG_TO_CONSOLE": False,
        "STATUS_FILE_PATH": str(folder / "status.json"),
        "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 1,
    } | settings
    config = folder / "config_of_camera.py"
    config.write_text("".join(f"{name} = {value!r}\n" for name, value in chosen.items()))
    command = [sys.executable, str(ROOT / "motion_driven_recorder.py"), "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def loop(kind: str, cam: str, main: str) -> None:
    """What is compared with: `bare` reads the one decoded and the other raw, `detect` detects in the one."""
    import threading

    cv2.setNumThreads(1)

    def read(url: str, detect: bool, *options: int) -> None:
        from pynvr.detection.robust import RobustDetector

        detector = RobustDetector()
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1, *options])
        for number in itertools.count():
            received, image = capture.read()
            if not received:
                break
            if detect:
                detector.detect(image, number / FPS)  # type: ignore[arg-type]

    if kind == "bare":
        raw = (cv2.CAP_PROP_FORMAT, -1)
        threading.Thread(target=read, args=(main, False, *raw), daemon=True).start()
    read(cam, kind == "detect")


def measure(processes: list[subprocess.Popen[bytes]], seconds: float) -> list[Usage]:
    """Let the processes settle, and measure them for so long."""
    time.sleep(WARM_UP_S)
    before, begun = [cpu_s(p.pid) for p in processes], time.monotonic()
    time.sleep(seconds)
    after, took = [cpu_s(p.pid) for p in processes], time.monotonic() - begun
    return [
        Usage(100 * (b - a) / took, peak_mb(p.pid)) for p, a, b in zip(processes, before, after, strict=True)
    ]


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Have the processes close their recordings."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(30)


def count_lost(folder: Path, usage: Usage) -> None:
    """Frames that are missing between the first and the last of a camera's recordings."""
    times: list[float] = []
    for line in (folder / "video" / "recordings.jsonl").read_text().splitlines():
        entry = json.loads(line)
        capture = cv2.VideoCapture(
            str(folder / "video" / entry["file"]), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1]
        )
        while capture.grab():
            times.append(entry["first_frame_s"] + capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    usage.recorded = len(times)
    usage.lost = round((times[-1] - times[0]) * FPS) + 1 - len(times)


def many(count: int, seconds: float) -> tuple[list[Usage], float]:
    """Measure `count` recorders; also the server's share of a core, in percent."""
    streams = {f"{kind}{n}": path for n in range(count) for kind, path in (("main", MAIN), ("sub", SUB))}
    with RtspServer(streams) as server, tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, str(n)) for n in range(count)]
        processes = [
            recorder(
                folder,
                RECORDING_MODE="copy",
                cam=server.url(f"sub{n}"),
                RECORDING_CAM=server.url(f"main{n}"),
            )
            for n, folder in enumerate(folders)
        ]
        server_before, begun = server.cpu_seconds(), time.monotonic()
        usages = measure(processes, seconds)
        server_share = 100 * (server.cpu_seconds() - server_before) / (time.monotonic() - begun)
        end(processes)
        for folder, usage in zip(folders, usages, strict=True):
            count_lost(folder, usage)
        return usages, server_share


def compare(seconds: float) -> None:
    """One camera in all the ways, one after the other."""
    with RtspServer({"main": MAIN, "sub": SUB}) as server, tempfile.TemporaryDirectory() as scratch:
        main, sub = server.url("main"), server.url("sub")
        here = [sys.executable, __file__, "--loop"]

        def bare(kind: str, cam: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen([*here, kind, cam, main], stderr=subprocess.DEVNULL)

        ways = {
            "bare loop: sub decoded, main raw": lambda folder: bare("bare", sub),
            "copy mode, main + sub, recording": lambda folder: recorder(
                folder, RECORDING_MODE="copy", cam=sub, RECORDING_CAM=main
            ),
            "the same, MOTION_DETECTION_FPS = 8": lambda folder: recorder(
                folder, RECORDING_MODE="copy", cam=sub, RECORDING_CAM=main, MOTION_DETECTION_FPS=8
            ),
            "loop: sub decoded, detection": lambda folder: bare("detect", sub),
            "loop: main decoded, detection": lambda folder: bare("detect", main),
            "pynvr, main alone, watching only": lambda folder: recorder(
                folder, cam=main, PRE_ALARM_RECORDING_SECONDS=0, MOTION_AREA_THRESHOLD=10**9
            ),
            "copy mode, main alone, recording": lambda folder: recorder(
                folder, RECORDING_MODE="copy", cam=main
            ),
            "encode mode, main alone, recording": lambda folder: recorder(folder, cam=main),
        }
        print("| | CPU, % of a core | peak MB |\n|---|---|---|", flush=True)
        for number, (name, start) in enumerate(ways.items()):
            process = start(Path(scratch, f"way{number}"))
            (usage,) = measure([process], seconds)
            end([process])
            print(f"| {name} | {usage.cpu_percent:.1f} | {usage.peak_mb:.0f} |", flush=True)


def plot(path: Path, rows: list[tuple[int, list[Usage], float]]) -> None:
    """Draw CPU and memory per camera over the number of cameras."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = [count for count, _, _ in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2))
    left.plot(
        counts, [sum(u.cpu_percent for u in usages) / n for n, usages, _ in rows], "o-", label="recorder"
    )
    left.plot(counts, [server / n for n, _, server in rows], "s--", color="gray", label="test server")
    left.set(xlabel="cameras (1080p25 + 640x360)", ylabel="% of a core per camera")
    left.legend()
    right.plot(counts, [max(u.peak_mb for u in usages) for _, usages, _ in rows], "o-")
    right.set(xlabel="cameras (1080p25 + 640x360)", ylabel="peak MB per camera")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--loop", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        loop(*options.loop)
        return
    build_sub()
    if options.compare:
        compare(options.seconds)
    rows = []
    if options.cameras:
        print("| cameras | CPU each, % of a core | peak MB each | frames recorded | lost | server, % |")
        print("|---|---|---|---|---|---|", flush=True)
    for count in options.cameras:
        usages, server = many(count, options.seconds)
        rows.append((count, usages, server))
        cpu = sum(usage.cpu_percent for usage in usages) / count
        peak = max(usage.peak_mb for usage in usages)
        recorded, lost = sum(u.recorded for u in usages), sum(u.lost for u in usages)
        print(f"| {count} | {cpu:.1f} | {peak:.0f} | {recorded} | {lost} | {server:.0f} |", flush=True)
    if options.plot:
        plot(options.plot, rows)


if __name__ == "__main__":
    main()
