"""Every closed recording is told of, whatever is killed: the recorder, the broker, or both."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from broker import Mosquitto, Subscriber
from harness import LIVELY, SILENT, Clips, Measure
from rtsp import RtspServer, needs_rtsp
from running import ROOT, Start, until

TOPIC = "pynvr/door"

CLOSER = """
import signal, sys, time
from pathlib import Path
from pynvr.archive.archive import Archive
from pynvr.notify import broker
from pynvr.notify.mqtt import MqttReceiver, Orders
from pynvr.notify.outbox import Outbox

root, url, every_s, last = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
archive = Archive(root, None)
archive.open()
mqtt = MqttReceiver(broker.parse(url), "door", Orders(print, print, print), None)
outbox = Outbox([mqtt], root, archive.index, "door")


archive.on_closed.append(lambda entry: outbox.recording_closed())
mqtt.on_connected = lambda: outbox.hurry("mqtt")
mqtt.start()
outbox.start()
for number in range(len(list(archive.index.each())), last):
    archive.add(root / f"video_{number:05d}.mp4", {"number": number})
    time.sleep(every_s)
signal.pause()
"""
"""What of a recorder closes recordings and tells of them, without the video: a thousand in a minute."""


class Closer:
    """That program, which can be killed and started again."""

    def __init__(self, folder: Path, port: int, every_s: float, last: int) -> None:
        script = folder / "closer.py"
        script.write_text(CLOSER)
        url = f"mqtt://127.0.0.1:{port}/{TOPIC}"
        self._command = [sys.executable, str(script), str(folder / "video"), url, str(every_s), str(last)]

    def __enter__(self) -> Closer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=os.environ | {"PYTHONPATH": str(ROOT)})

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def told(listener: Subscriber) -> list[int]:
    """Numbers of the recordings that were told of, as they came."""
    found: list[dict[str, Any]] = [json.loads(payload) for payload in listener.payloads(f"{TOPIC}/event")]
    return [event["recording"]["number"] for event in found if event["type"] == "recording_closed"]


@pytest.mark.lasts(60)
def test_all_are_told_of_whatever_is_killed(
    tmp_path: Path, dice: random.Random, long_form: bool, figure: Measure
) -> None:
    count, brokers, recorders = (1000, 50, 20) if long_form else (200, 5, 4)
    kills = ["broker"] * brokers + ["recorder"] * recorders
    dice.shuffle(kills)
    every_s = 0.1
    with Mosquitto(tmp_path, keeps=True) as broker, \
            Subscriber(broker.port, f"{TOPIC}/event", name="listener") as listener, \
            Closer(tmp_path, broker.port, every_s, count) as closer:  # fmt: skip
        for kill in kills:
            time.sleep(dice.uniform(0.5, 1.5) * count * every_s / len(kills))
            if kill == "broker":
                broker.kill()
                time.sleep(dice.uniform(0, 0.5))
                broker.start()
            else:
                closer.kill()
                closer.start()
        until(lambda: set(told(listener)) == set(range(count)), 200, "all to be told of")
        numbers = told(listener)
    seen = -1
    late = 0
    for number in numbers:
        late += number > seen + 1  # one is told before those that come first
        seen = max(seen, number)
    figure(f"{count} recordings, {len(kills)} kills: told out of order", late, "", 0)
    figure(f"{count} recordings, {len(kills)} kills: told twice", len(numbers) - count, "", count)


@needs_rtsp
@SILENT
@pytest.mark.lasts(30)
def test_a_recording_that_a_crash_cut_short_is_told_of(
    tmp_path: Path, start: Start, clips: Clips, stack: ExitStack
) -> None:
    server = stack.enter_context(RtspServer({"cam": clips.get(LIVELY).path}))
    broker = stack.enter_context(Mosquitto(tmp_path))
    listener = stack.enter_context(Subscriber(broker.port, f"{TOPIC}/event"))
    recorder = start(cam=server.url("cam"), MQTT_URL=f"mqtt://127.0.0.1:{broker.port}/{TOPIC}")
    recorder.wait_for_frames(60)
    until(lambda: list(recorder.archive.rglob("*.part.strip.jpg")), 10, "its pictures")
    recorder.kill()
    recorder.start()
    until(lambda: "recording_closed" in [e["type"] for e in listener.events(TOPIC)], 30, "the recovered one")
    event = next(event for event in listener.events(TOPIC) if event["type"] == "recording_closed")
    assert event["recording"]["recovered"] is True
    assert Path(event["picture"]).exists() and Path(event["strip"]).exists()
