"""What reading a camera's packets costs through OpenCV, and through PyAV without and with sound.

    python benchmarks/packets.py [--seconds 20] [--repeats 3]

One 1080p25 stream of 4 Mbit/s (H.264, AAC) is served on loopback. Each reader is a process of its own that
reads it with the recorder's own `LivePackets`, and throws the packets away. Processor time is user and system
time of all its threads; memory is the resident set. Needs ffmpeg and GStreamer's RTSP server.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

CLIP = (
    "ffmpeg -v error -f lavfi -i testsrc2=size=1920x1080:rate=25:duration=20 -f lavfi -i sine=duration=20 "
    "-c:v libx264 -preset veryfast -g 50 -bf 0 -b:v 4M -maxrate 4M -bufsize 4M -pix_fmt yuv420p -c:a aac"
)
WARM_UP_S = 3.0
WAYS = {"OpenCV": (False, False), "PyAV": (True, False), "PyAV with sound": (True, True)}
"""Name -> whether PyAV reads, and whether the camera sends sound."""


def read(url: str, through_pyav: bool, seconds: float) -> None:
    """Read for so long, and print what that took as JSON; ends the process."""
    from pynvr.sources.opening import Timeouts
    from pynvr.sources.packet_camera import LivePackets

    packets = LivePackets(url, threading.Event(), 64 << 20, Timeouts(), with_sound=through_pyav)
    packets.first(10)
    time.sleep(WARM_UP_S)
    began, received = sum(os.times()[:2]), packets.received
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.2)
        for _ in packets.until(time.monotonic()):
            pass
    used_s, count = sum(os.times()[:2]) - began, packets.received - received
    resident_kb = int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])
    found = {"percent": 100 * used_s / seconds, "ms": 1000 * used_s / count, "mb": resident_kb / 1024}
    print(json.dumps(found), flush=True)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--read", nargs=2, metavar=("URL", "PYAV"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read[0], options.read[1] == "True", options.seconds)
    from rtsp import RtspServer

    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.mkv")
        subprocess.run([*CLIP.split(), str(clip)], check=True)
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        with RtspServer({"cam": clip}) as silent, RtspServer({"cam": clip}, sound=True) as loud:
            for _ in range(options.repeats):
                for way, (through_pyav, sound) in WAYS.items():
                    url = (loud if sound else silent).url("cam")
                    command = [sys.executable, __file__, "--seconds", str(options.seconds)]
                    command += ["--read", url, str(through_pyav)]
                    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
                    found[way].append(json.loads(said))
    print("| read through | CPU, % of a core | ms a packet | memory, MB |")
    print("|---|---|---|---|")
    for way, each in found.items():
        percent, ms, mb = (median(one[name] for one in each) for name in ("percent", "ms", "mb"))
        print(f"| {way} | {percent:.2f} | {ms:.2f} | {mb:.0f} |")


if __name__ == "__main__":
    main()
