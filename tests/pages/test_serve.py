"""The small server for a try: what it gives, what it keeps to itself, and the one thing that it changes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from page_cameras import CHROMIUM, Cameras
from playwright.sync_api import Page, expect
from running import ROOT
from starlette.testclient import TestClient

from pynvr.pages.day import Day
from pynvr.pages.serve import main, make_app

TOKEN = "open sesame"
FILE = "yard/2017-10-29/video_2017-10-29T060000.mp4"


@pytest.fixture
def client(cameras: Cameras) -> TestClient:
    return TestClient(make_app(cameras.root, TOKEN), base_url="http://127.0.0.1")


def test_page_and_recordings_with_ranges(client: TestClient, cameras: Cameras) -> None:
    assert "Recordings" in client.get("/").text
    whole = (cameras.root / FILE).read_bytes()
    assert client.get(f"/{FILE}").content == whole
    part = client.get(f"/{FILE}", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])


@pytest.mark.parametrize(
    "name",
    [
        "yard/", "yard", "yard/recordings.jsonl", "yard/days/.lock", "../film.mp4", "..%2ffilm.mp4",
        "%2e%2e/film.mp4",
        "yard/leads_out.mp4", "yard/%00.mp4", "/etc/passwd", "yard/video_2017-10-29T060000.part.ts",
    ],
)  # fmt: skip
def test_nothing_else_can_be_read(client: TestClient, cameras: Cameras, name: str) -> None:
    (cameras.root / "yard" / "recordings.jsonl").touch()
    (cameras.root / "yard" / "video_2017-10-29T060000.part.ts").touch()
    link = cameras.root / "yard" / "leads_out.mp4"
    if not link.is_symlink():
        link.symlink_to(cameras.root.parent / "film.mp4")
    assert client.get(f"/{name}").status_code == 404


def test_other_hosts_are_refused(cameras: Cameras) -> None:
    client = TestClient(make_app(cameras.root, TOKEN), base_url="http://evil.example")
    assert client.get("/").status_code == 400


@pytest.mark.parametrize(
    ("name", "token", "body", "status"),
    [
        (FILE, None, b"true", 403),
        (FILE, "guess", b"true", 403),
        (FILE, TOKEN, b"yes", 400),
        ("yard/index.html", TOKEN, b"true", 404),
        ("%2e%2e/film.mp4", TOKEN, b"true", 404),
        ("yard/2017-10-29/video_2017-10-29T060001.mp4", TOKEN, b"true", 404),
    ],
)
def test_keep_is_refused(client: TestClient, name: str, token: str | None, body: bytes, status: int) -> None:
    headers = {} if token is None else {"X-Token": token}
    assert client.post(f"/keep/{name}", content=body, headers=headers).status_code == status


def test_keep(client: TestClient, cameras: Cameras) -> None:
    mark = (cameras.root / FILE).with_suffix(".keep")
    path = cameras.root / "yard" / "days" / "2017-10-29.js"
    for body, kept in ((b"true", 1), (b"false", 0)):
        assert client.post(f"/keep/{FILE}", content=body, headers={"X-Token": TOKEN}).status_code == 204
        assert mark.exists() == bool(kept)
        row = Day.read(path, "2017-10-29").rows[FILE.removeprefix("yard/")]
        assert row.flags & 1 == kept


def test_without_the_extra_it_says_what_to_install() -> None:
    without = "import runpy, sys; sys.modules['uvicorn'] = None; runpy.run_module('pynvr.pages.serve')"
    done = subprocess.run([sys.executable, "-c", without], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "requirements-serve.txt" in line


def test_folder_without_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "ARCHIVE_PAGE" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(cameras: Cameras, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        assert main([str(cameras.root), "--port", str(taken)]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert said.startswith(f"pynvr: port {taken}: ")


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_no_port(cameras: Cameras, port: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(cameras.root), "--port", port])
    assert ended.value.code == 2


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_keeping_in_the_browser(page: Page, cameras: Cameras, free_port: int) -> None:
    command = [sys.executable, "-m", "pynvr.pages.serve", str(cameras.root), "--port", str(free_port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        for _ in range(100):
            try:
                page.goto(address)
                break
            except Exception:
                page.wait_for_timeout(100)
        page.evaluate("location.hash = '2017-10-29'")
        page.reload()
        card = page.locator("#cards button.card").nth(3)
        expect(card).to_contain_text("behind")
        card.click()
        page.click("#keep")
        expect(page.locator("#keep")).to_have_text("kept for good")
        marks = list(cameras.root.glob("*/2017-10-29/*.keep"))
        assert [mark.stem for mark in marks] == ["video_2017-10-29T063000"]
        page.click("#keep")
        expect(page.locator("#keep")).to_have_text("keep")
        assert not list(cameras.root.glob("*/2017-10-29/*.keep"))
    finally:
        server.terminate()
        server.communicate()
