"""How soon an event is told of, and what telling costs, as JSON: `events.py [SECONDS]`.

A recorder watches an RTSP stream with a visitor every twelve seconds for so long, and a subscriber of a real
broker listens. Then recorders of a still stream are measured side by side, with MQTT and hooks and without.
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
QUIET_S = 60.0
SETTLED_S = 15.0
TURNS = 2


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


def idle(clip: Path, folder: Path, mode: str, ways: list[dict[str, object]]) -> list[tuple[float, float]]:
    """CPU percent and MB of recorders while nothing moves, all at the same time."""
    with RtspServer({"cam": clip}) as server, ExitStack() as stack:
        recorders = [
            stack.enter_context(
                RecorderProcess(
                    folder / f"idle {number} {time.monotonic()}",
                    cam=server.url("cam"),
                    RECORDING_MODE=mode,
                    **more,
                )
            )
            for number, more in enumerate(ways)
        ]
        for recorder in recorders:
            recorder.wait_for("connected")
        time.sleep(SETTLED_S)
        before, begun = list(map(cpu_s, recorders)), time.monotonic()
        time.sleep(QUIET_S)
        passed_s = time.monotonic() - begun
        return [
            (100 * (cpu_s(recorder) - used) / passed_s, recorder.memory_mb())
            for recorder, used in zip(recorders, before, strict=True)
        ]


def cpu_s(recorder: RecorderProcess) -> float:
    assert recorder.process is not None
    fields = Path(f"/proc/{recorder.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def costs(clip: Path, folder: Path) -> dict[str, Any]:
    """The median of some turns, with nothing, with a hook, with MQTT too."""
    with Mosquitto(folder) as broker:
        hook: dict[str, object] = {
            "ON_EVENT_COMMAND": ["/bin/true"],
            "METRICS_FILE_PATH": str(folder / "m.prom"),
        }
        ways: dict[str, dict[str, object]] = {
            "nothing": {},
            "command and metrics": hook,
            "and MQTT": hook | {"MQTT_URL": f"mqtt://127.0.0.1:{broker.port}/{TOPIC}"},
        }
        found: dict[str, list[tuple[float, float]]] = {}
        for turn in range(TURNS):
            for mode in ("encode", "copy"):
                order = sorted(ways, key=lambda name: (list(ways).index(name) + turn) % len(ways))
                for name, cost in zip(order, idle(clip, folder, mode, [ways[n] for n in order]), strict=True):
                    found.setdefault(f"{mode}, {name}", []).append(cost)
    return {
        name: {
            "CPU %": round(statistics.median(cpu for cpu, _ in values), 2),
            "MB": round(statistics.median(mb for _, mb in values), 1),
        }
        for name, values in found.items()
    }


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 130.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        visits = stream(folder, visits=True)
        result = {mode: delays(visits, folder, mode, seconds) for mode in ("encode", "copy")}
        print(json.dumps(result | {"idle": costs(stream(folder, visits=False), folder)}, indent=1))


if __name__ == "__main__":
    main()
