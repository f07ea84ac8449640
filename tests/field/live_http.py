"""A camera that speaks HTTP, with the oddities of those that people have: JPEGs, playlists, files."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import cv2
import numpy as np
from loopback import Loopback

REALM = 'realm="camera"'


@dataclass(frozen=True)
class Motion:
    """How JPEGs are sent one after the other; by default as it should be."""

    content_type: str | None = "multipart/x-mixed-replace; boundary=frame"
    before: bytes = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
    after: bytes = b"\r\n"
    preamble: bytes = b""
    chunked: bool = False
    """Whether it comes in chunks, as HTTP/1.1 has them."""
    piece: int | None = None
    """Bytes that are sent at once."""
    pictures: int | None = None
    """So many for a connection."""


class _Request(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.camera._answer(self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class WebCamera(Loopback):
    """Serves on loopback: JPEGs under /video, the same one by one under /picture, files under their names.

    `times` are when the pictures come, counted from a client's first request.
    """

    scheme, handler = "http", _Request

    jpegs: Sequence[bytes] = ()
    times: Sequence[float] = ()
    motion: Motion = field(default_factory=Motion)
    files: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    """What lies under a path; asked for each time."""
    sized: bool = True
    """Whether the server says how long a file is, and hands out parts of it."""
    login: tuple[str, str] | None = None
    digest: bool = False
    host: str = "127.0.0.1"
    flow: tuple[str, Sequence[str]] | None = None
    """A type, and the command whose output /flow sends."""
    gone: dict[str, str] = field(default_factory=dict)
    """Where a path has moved to."""
    requests: list[str] = field(default_factory=list)
    passwords: int = 0
    """How many requests so far came with a password, right or wrong."""
    late_s: float = 0.0
    """How late the latest picture was sent: the machine may have had something else to do."""

    def __enter__(self) -> WebCamera:
        self._began: float | None = None
        return super().__enter__()

    def url(self, path: str, login: str = "") -> str:
        """The address of a path; `login` as it is written there."""
        return self.address(path, login)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.lstrip("/").partition("?")[0]
        self.requests.append(path)
        if not self._may(handler):
            handler.send_response(401)
            method = f'Digest {REALM}, nonce="abc", qop="auth"' if self.digest else f"Basic {REALM}"
            handler.send_header("WWW-Authenticate", method)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif path in self.gone:
            handler.send_response(302)
            handler.send_header("Location", self.gone[path])
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif path == "video":
            self._send_motion(handler)
        elif path == "flow" and self.flow is not None:
            self._send_flow(handler, *self.flow)
        elif path == "picture":
            self._send(handler, self.jpegs[0], "image/jpeg")
        elif path in self.files:
            kinds = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mp4": "video/mp4"}
            kinds |= {".m4s": "video/iso.segment", ".html": "text/html", ".mkv": "video/x-matroska"}
            self._send(handler, self.files[path](), kinds[Path(path).suffix])
        else:
            handler.send_error(404)

    def _may(self, handler: BaseHTTPRequestHandler) -> bool:
        if self.login is None:
            return True
        said = handler.headers.get("Authorization", "")
        self.passwords += bool(said)
        user, password = self.login
        if not self.digest:
            return said == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
        if not fields:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first, second = md5(f"{user}:camera:{password}"), md5(f"GET:{fields.get('uri')}")
        middle = ":".join(fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        return fields.get("response") == md5(f"{first}:{middle}:{second}")

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
        if not self.sized:
            handler.send_response(200)
            handler.send_header("Content-Type", kind)
            handler.end_headers()
            handler.wfile.write(body)
            return
        wanted = re.match(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = min(len(body), int(wanted[2]) + 1 if wanted and wanted[2] else len(body))
        handler.send_response(206 if wanted else 200)
        if wanted:
            handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
        handler.send_header("Content-Type", kind)
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Length", str(end - start))
        handler.end_headers()
        handler.wfile.write(body[start:end])

    def _send_motion(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if self.motion.content_type is not None:
            handler.send_header("Content-Type", self.motion.content_type)
        if self.motion.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        self._write(handler, self.motion.preamble)
        if self._began is None or self.motion.pictures is None:
            self._began = time.monotonic()
        for jpeg in itertools.islice(self._due(self._began), self.motion.pictures):
            before = self.motion.before.replace(b"{length}", str(len(jpeg)).encode())
            self._write(handler, before + jpeg + self.motion.after)

    def _write(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        size = self.motion.piece or len(data)
        for start in range(0, len(data), size or 1):
            piece = data[start : start + size]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self.motion.chunked else piece)

    def _send_flow(self, handler: BaseHTTPRequestHandler, kind: str, command: Sequence[str]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
            assert ffmpeg.stdout
            try:
                while piece := ffmpeg.stdout.read1(4096):
                    handler.wfile.write(piece)
            finally:
                ffmpeg.kill()

    def _due(self, began: float) -> Iterator[bytes]:
        """Pictures from now on, each when it is due, over and over; none is left out once they have begun."""
        asked = time.monotonic()
        period = self.times[-1] + self.times[-1] - self.times[-2]
        for number in itertools.count():
            loop, index = divmod(number, len(self.jpegs))
            due = began + loop * period + self.times[index]
            if due < asked - 0.5:
                continue
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            self.late_s = max(self.late_s, time.monotonic() - due)
            yield self.jpegs[index]


def as_jpegs(images: Iterator[np.ndarray]) -> list[bytes]:  # type: ignore[type-arg]
    """Pictures as JPEG files."""
    return [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
