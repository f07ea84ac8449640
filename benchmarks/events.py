"""How soon an event is told of, and what telling costs, as tables: `events.py [SECONDS]`.

A recorder watches an RTSP stream with a visitor every twelve seconds for so long, and a subscriber of a
real broker listens; 0 leaves that out. Then recorders work side by side, with MQTT and hooks and without: on
a still stream for their CPU time, on one with visitors for their memory.

Resident memory says little of a few MB: where pictures come and go it differs by 15 MB from run to run, all
of it holes in the C library's heap. So what is free in the heap is taken off, and the pre-alarm is short, so
that it matters little whether it is full. "Nothing again" shows how exact that is.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from broker import Mosquitto, Subscriber  # noqa: E402
from rtsp import RtspServer, encode  # noqa: E402
from running import RecorderProcess  # noqa: E402

from pynvr.demo.scene import DemoScene, Visit  # noqa: E402

FPS = 15
TOPIC = "pynvr/door"
MEASURED_S = 60.0
SETTLED_S = 15.0
TURNS = 2
DRIVER = """
import ctypes, os, runpy, threading, time

class Heap(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Heap

def watch():
    with open(os.environ["MEMORY"], "w") as file:
        while True:
            resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            print(resident - library.mallinfo2().fordblks, file=file, flush=True)
            time.sleep(0.1)

threading.Thread(target=watch, daemon=True).start()
here = os.path.dirname(os.path.abspath(__file__))
runpy.run_path(os.path.join(here, "motion_driven_recorder.py"), run_name="__main__")
"""
"""A recorder that writes down ten times a second how many bytes it has, without what is free in its heap."""


def stream(folder: Path, visits: bool) -> Path:
    """A minute, with visitors or without."""
    starts = range(4, 60, 12) if visits else ()
    scene = DemoScene((1280, 720), visits=tuple(Visit(start, 3) for start in starts))
    frames = (scene.render(index / FPS, index) for index in range(60 * FPS))
    return encode(folder / f"{'visits' if visits else 'still'}.mp4", frames, FPS)


def delays(clip: Path, folder: Path, mode: str, seconds: float) -> dict[str, Any]:
    """Milliseconds from the log's word `motion` to the subscriber."""
    with Mosquitto(folder) as broker, Subscriber(broker.port, f"{TOPIC}/#") as listener, \
            RtspServer({"cam": clip}) as server:  # fmt: skip
        url = f"mqtt://127.0.0.1:{broker.port}/{TOPIC}"
        settings = {"RECORDING_MODE": mode, "MINIMAL_MOTION_DURATION": 1, "MQTT_URL": url}
        with RecorderProcess(folder / f"delays {mode}", cam=server.url("cam"), **settings) as recorder:
            time.sleep(seconds)
            recorder.stop()
        said = [line.time for line in recorder.lines if line.text.endswith(" - motion")]
        told, shown = [], []
        for at, message in listener.messages:
            if message.topic == f"{TOPIC}/event" and json.loads(message.payload)["type"] == "motion_started":
                told.append(at)
            elif message.topic == f"{TOPIC}/picture":
                shown.append(at)
    events = [1000 * (event - moment) for moment, event in zip(said, told, strict=True)]
    pictures = [1000 * (min(at for at in shown if at > moment - 0.05) - moment) for moment in said]
    return {
        "events": len(events),
        "event, median ms": round(statistics.median(events)),
        "event, most ms": round(max(events)),
        "picture, median ms": round(statistics.median(pictures)),
        "picture, most ms": round(max(pictures)),
    }


def at_work(
    clip: Path, folder: Path, ways: list[dict[str, object]], **settings: object
) -> list[tuple[float, float]]:
    """CPU percent and usual MB of recorders of a clip, all at the same time."""
    with RtspServer({"cam": clip}) as server, ExitStack() as stack:
        recorders = []
        for number, more in enumerate(ways):
            place = folder / f"{number} {time.monotonic()}"
            place.mkdir()
            environment, chosen = {"MEMORY": str(place / "bytes")}, settings | more
            recorder = RecorderProcess(place, DRIVER, environment, cam=server.url("cam"), **chosen)
            recorders.append(stack.enter_context(recorder))
        for recorder in recorders:
            recorder.wait_for("connected")
        time.sleep(SETTLED_S)
        before, begun = list(map(cpu_s, recorders)), time.monotonic()
        time.sleep(MEASURED_S)
        passed_s = time.monotonic() - begun
        return [
            (100 * (cpu_s(recorder) - used) / passed_s, usual_mb(recorder.folder / "bytes"))
            for recorder, used in zip(recorders, before, strict=True)
        ]


def usual_mb(samples: Path) -> float:
    lines = samples.read_text().splitlines()[-round(10 * MEASURED_S) : -1]  # the last one may be cut off
    return statistics.median(map(int, lines)) / 2**20


def cpu_s(recorder: RecorderProcess) -> float:
    assert recorder.process is not None
    fields = Path(f"/proc/{recorder.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def costs(still: Path, visits: Path, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """CPU percent while nothing moves and MB while events happen, each turn, without receivers and with."""
    found: dict[str, list[tuple[float, float]]] = {}
    with Mosquitto(folder) as broker:
        hook: dict[str, object] = {
            "ON_EVENT_COMMAND": ["/bin/true"],
            "METRICS_FILE_PATH": str(folder / "m.prom"),
        }
        ways: dict[str, dict[str, object]] = {
            "nothing": {},
            "nothing again": {},
            "command and metrics": hook,
            "and MQTT": hook | {"MQTT_URL": f"mqtt://127.0.0.1:{broker.port}/{TOPIC}"},
        }
        for turn in range(TURNS):
            for mode in ("encode", "copy"):
                order = sorted(ways, key=lambda name: (list(ways).index(name) + turn) % len(ways))
                asked = [ways[name] for name in order]
                resting = at_work(still, folder, asked, RECORDING_MODE=mode)
                short = {"PRE_ALARM_RECORDING_SECONDS": 1, "MINIMAL_MOTION_DURATION": 1}
                moving = at_work(visits, folder, asked, RECORDING_MODE=mode, **short)
                for name, (cpu, _), (_, mb) in zip(order, resting, moving, strict=True):
                    found.setdefault(f"{mode}, {name}", []).append((cpu, mb))
    return found


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 130.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        visits, still = stream(folder, visits=True), stream(folder, visits=False)
        if seconds:
            rows = [delays(visits, folder, mode, seconds) for mode in ("encode", "copy")]
            print("| mode |", " | ".join(rows[0]), "|\n|---|" + "---|" * len(rows[0]))
            for mode, row in zip(("encode", "copy"), rows, strict=True):
                print(f"| {mode} |", " | ".join(map(str, row.values())), "|")
            print()
        print("| receivers | CPU while nothing moves, % of a core | memory while events happen, MB | range |")
        print("|---|---|---|---|")
        for name, values in costs(still, visits, folder).items():
            cpu, mb = (list(column) for column in zip(*values, strict=True))
            spread = f"{min(mb):.1f}-{max(mb):.1f}"
            print(f"| {name} | {statistics.median(cpu):.2f} | {statistics.median(mb):.1f} | {spread} |")


if __name__ == "__main__":
    main()
