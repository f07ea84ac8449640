"""The web servers of docs/viewing.md, run as they are pasted but for places, ports and passwords."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from page_cameras import Cameras
from playwright.sync_api import Browser, expect

DOCUMENT = (Path(__file__).parents[2] / "docs" / "viewing.md").read_text("utf-8")
FILE = "yard/2017-10-29/video_2017-10-29T060000.mp4"
PASSWORD = "user:secret"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", DOCUMENT, re.M | re.S)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "pynvr.pem", folder / "pynvr.key"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", *options, *name, "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pem, key


def nginx(folder: Path, root: Path, port: int, pem: Path, key: Path) -> list[str]:
    """The command that serves `root` with the document's lines."""
    (folder / "users").write_text("user:{PLAIN}secret\n")
    server = block("nginx")
    for place, there in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/certs/pynvr.pem": str(pem),
        "/etc/ssl/private/pynvr.key": str(key),
        "/etc/nginx/pynvr.users": str(folder / "users"),
        "root /var/lib/pynvr": f'root "{root}"',
    }.items():
        assert place in server
        server = server.replace(place, there)
    spare = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; {spare}\n{server} }}\n"
    )
    return ["nginx", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, root: Path, port: int, pem: Path, key: Path) -> list[str]:
    """The same for Caddy."""
    command = ["caddy", "hash-password", "--plaintext", "secret"]
    hashed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    server = block("caddy")
    for place, there in {
        "https://recorder.example": f"https://127.0.0.1:{port}",
        "/etc/ssl/certs/pynvr.pem": str(pem),
        "/etc/ssl/private/pynvr.key": str(key),
        "root * /var/lib/pynvr": f'root * "{root}"',
        "anna $2a$14$HASH": f"user {hashed}",
    }.items():
        assert place in server
        server = server.replace(place, there)
    options = "{\n  admin off\n  auto_https disable_redirects\n  skip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(options + server)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def web(
    request: pytest.FixtureRequest,
    cameras: Cameras,
    certificate: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Address of the cameras' page behind a web server."""
    folder = tmp_path_factory.mktemp("web")
    make: Callable[..., list[str]] = request.param
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = make(folder, cameras.root, port, *certificate)
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env={"HOME": str(folder), "PATH": PATH}
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "output").read_text())
            time.sleep(0.05)
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def get(url: str, pem: Path, password: str | None = PASSWORD, **headers: str) -> tuple[int, bytes]:
    if password is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(password.encode()).decode()}"
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(
            request, timeout=60, context=ssl.create_default_context(cafile=pem)
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


def test_ranges_behind_a_password(web: str, cameras: Cameras, certificate: tuple[Path, Path]) -> None:
    pem = certificate[0]
    whole = (cameras.root / FILE).read_bytes()
    assert get(f"{web}/{FILE}", pem) == (200, whole)
    assert get(f"{web}/{FILE}", pem, Range="bytes=100-199") == (206, whole[100:200])
    assert get(f"{web}/", pem)[0] == 200
    for password in (None, "user:wrong"):
        assert get(f"{web}/{FILE}", pem, password)[0] == 401


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("yard/", 403),
        ("yard/recordings.jsonl", 403),
        ("yard/.pynvr.lock", 403),
        ("yard/video_x.part.ts", 403),
    ],
)
def test_nothing_else(
    web: str, cameras: Cameras, certificate: tuple[Path, Path], name: str, status: int
) -> None:
    place = cameras.root / name
    if not name.endswith("/"):
        place.touch()
        assert get(f"{web}/{name}", certificate[0])[0] == status
    else:
        assert b"video_2017" not in get(f"{web}/{name}2017-10-29/", certificate[0])[1]  # no listing


@pytest.mark.slow
def test_page_plays_in_a_browser(web: str, browser: Browser) -> None:
    credentials = {"username": "user", "password": "secret"}
    with browser.new_context(
        http_credentials=credentials,  # type: ignore[arg-type]
        ignore_https_errors=True,
        timezone_id="Europe/Berlin",
    ) as context:
        page = context.new_page()
        page.goto(f"{web}/#2017-10-29")
        expect(page.locator("#cards button.card")).to_have_count(8)
        page.locator("#cards button.card").first.click()
        for _ in range(300):
            if page.evaluate("document.querySelector('video')?.currentTime >= 5.1"):
                break
            page.wait_for_timeout(50)
        else:
            raise AssertionError("it does not play")
