"""The recipes of docs/events.md, as they are pasted; servers and programs of others are stood in for."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from broker import Mosquitto, Subscriber
from recordings import make_clip, read_index, rising
from running import ROOT, defaults

from pynvr.cli import record
from pynvr.demo.scene import Visit
from pynvr.notify.event import EVENT_TYPES, Event

PAGE = (ROOT / "docs" / "events.md").read_text()
RECIPES = dict(re.findall(r"^### (.+?)\n.*?^```python\n(.*?)^```", PAGE, re.M | re.S))

NOTE = """#!/bin/sh
printf '%s\\n' "$@" > "$NOTES/{name}.arguments.$$"
cat > "$NOTES/{name}.stdin.$$"
"""
"""A program that notes what it is given."""


class Http(HTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[tuple[str, dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Http]:
    with Http() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where msmtp, apprise and rclone, which a test does not have, note what they are given."""
    programs, folder = tmp_path / "bin", tmp_path / "notes"
    programs.mkdir()
    folder.mkdir()
    for name in ("msmtp", "apprise", "rclone"):
        (programs / name).write_text(NOTE.replace("{name}", name))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(folder))
    return folder


@pytest.fixture
def config(config_module: ModuleType, tmp_path: Path) -> ModuleType:
    config_module.__dict__.update(defaults(tmp_path), CAMERA_NAME="Front door")
    return config_module


def run(config: ModuleType, tmp_path: Path, recipe: str) -> list[dict[str, Any]]:
    """Record one visitor with the recipe pasted in; returns the index."""
    exec(recipe, config.__dict__)
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 12), (Visit(6.0, 2.0),))
    assert record(lambda: config, ["--cam", str(clip)]) == 0
    return read_index(tmp_path / "video")


def noted(notes: Path, what: str) -> list[str]:
    return [path.read_text() for path in sorted(notes.glob(f"{what}.*"))]


def test_mail(config: ModuleType, tmp_path: Path, notes: Path) -> None:
    (entry,) = run(config, tmp_path, RECIPES["Mail"])
    (text,) = noted(notes, "msmtp.stdin")
    message = message_from_bytes(text.encode())
    assert message["To"] == "me@example.org"
    assert message["Subject"] == "Front door: recording_closed"
    body, picture = message.get_payload()
    assert entry["file"].encode() in body.get_payload(decode=True)  # type: ignore[union-attr, operator]
    jpeg = picture.get_payload(decode=True)  # type: ignore[union-attr]
    assert jpeg == (tmp_path / "video" / entry["picture"]).read_bytes()


def test_ntfy(config: ModuleType, tmp_path: Path, server: Http) -> None:
    recipe = RECIPES["ntfy"].replace("https://ntfy.sh", f"http://127.0.0.1:{server.server_port}")
    run(config, tmp_path, recipe)
    assert {path for path, _, _ in server.posted} == {"/my-secret-topic"}
    assert {headers["Title"] for _, headers, _ in server.posted} == {"Front door"}
    told = [body.decode().strip() for _, _, body in server.posted]
    assert sorted(told) == sorted(
        ["started", "motion_started", "motion_ended", "recording_closed", "stopped"]
    )


def test_telegram(config: ModuleType, tmp_path: Path, server: Http) -> None:
    recipe = RECIPES["Telegram"].replace("https://api.telegram.org", f"http://127.0.0.1:{server.server_port}")
    run(config, tmp_path, recipe)
    ((path, _, body),) = server.posted
    assert path == "/bot123456:my-secret-token/sendPhoto"
    assert b"987654" in body and b"Front door" in body and b"\xff\xd8\xff" in body


def test_apprise(config: ModuleType, tmp_path: Path, notes: Path) -> None:
    (entry,) = run(config, tmp_path, RECIPES["Apprise"])
    told = noted(notes, "apprise.arguments")
    assert len(told) == 5
    assert all(text.startswith("--title\nFront door\n--body\n") for text in told)
    assert any(f"recording_closed  {tmp_path}/video/{entry['file']}" in text for text in told)


def test_a_copy_elsewhere(config: ModuleType, tmp_path: Path, notes: Path) -> None:
    (entry,) = run(config, tmp_path, RECIPES["A copy elsewhere"])
    assert noted(notes, "rclone.arguments") == [
        f"copy\n{tmp_path}/video/{entry['file']}\nbackup:front_door\n"
    ]


def test_home_assistant(config: ModuleType, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, password="secret") as broker, \
            Subscriber(broker.port, user="cam", password="secret") as listener:  # fmt: skip
        recipe = RECIPES["Home Assistant"].replace(
            "user:secret@192.168.1.2", f"cam:secret@127.0.0.1:{broker.port}"
        )
        run(config, tmp_path, recipe)
        (payload, *_) = listener.wait("homeassistant/device/pynvr_front_door/config")
    assert json.loads(payload)["device"]["name"] == "Front door"


def test_every_recipe_is_tried() -> None:
    assert set(RECIPES) == {"Mail", "ntfy", "Telegram", "Apprise", "A copy elsewhere", "Home Assistant"}


def test_there_is_an_example_of_each_event() -> None:
    examples = [json.loads(line) for line in re.findall(r'^\{"type".*$', PAGE, re.M)]
    assert {example["type"] for example in examples} == set(EVENT_TYPES)
    for example in examples:
        assert list(json.loads(Event(**example).as_json())) == list(example)
