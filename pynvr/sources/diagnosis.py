"""Finds out why a network camera cannot be opened.

FFmpeg only says that it failed. So the camera is asked once more, within a few seconds, to tell apart causes
that have different remedies. No finding ever holds a secret.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import time
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pynvr.sources.address import hint_at_password, is_rtsp, is_web, split_login
from pynvr.sources.web import Content, look, trusting

LONGEST_S = 3.0
LONGEST_AFTER_SILENCE_S = 0.5
"""How long each answer may take. A camera that has let the whole timeout pass gets less."""
RTSP_PORTS = {"rtsp": 554, "rtsps": 322}
LARGEST_ANSWER = 256 * 1024
STREAMS_NEEDED = "it needs the address of a stream: RTSP, HLS or JPEG pictures one after the other"
NO_STREAM = {
    Content.PICTURE: f"gives one picture, not a stream; {STREAMS_NEEDED}",
    Content.PAGE: f"is a web page, not a stream; {STREAMS_NEEDED}",
    Content.CLIP: "is a clip that is finished: start again to have it read",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in words that say what to do."""

    text: str
    for_ever: bool = False
    """Whether it can never work with this address."""


def why_not_opened(cam: str, open_timeout_s: float, was_silent: bool) -> Finding:
    """Find out what is wrong with a camera that could not be opened within `open_timeout_s`; never raises."""
    patience_s = min(open_timeout_s, LONGEST_AFTER_SILENCE_S if was_silent else LONGEST_S)
    if is_rtsp(cam):
        try:
            return _ask_rtsp(cam, patience_s, open_timeout_s)
        except (OSError, ValueError) as error:
            return Finding(_unreachable(error))
    if is_web(cam):
        answer = look(cam, patience_s)
        return of_content(answer.content) or _of_web_status(cam, answer.status, answer.reason)
    return Finding("is there such a camera, and is its address right?")


def of_content(content: Content) -> Finding | None:
    """What is wrong with what an HTTP address gives; None if nothing is."""
    text = NO_STREAM.get(content)
    return None if text is None else Finding(text, for_ever=True)


def _of_web_status(cam: str, status: int, reason: str) -> Finding:
    if status in (401, 403, 404):
        return _of_status(cam, status)
    if status == 0:
        return Finding(f"does not answer ({reason})")
    if status >= 300:
        return Finding(f"answers {status} {reason}")
    return Finding(f"answers, but FFmpeg finds no video in what it sends; {STREAMS_NEEDED}")


def _of_status(cam: str, status: int) -> Finding:
    match status:
        case 401 if urlsplit(cam).username is None:
            return Finding(
                "asks for a user and a password: write user:password and an at sign before the host"
            )
        case 401 | 403:
            return Finding(f"refuses the user or the password{hint_at_password(cam)}")
        case 404 | 454:
            return Finding("has nothing under this path (404); look up the path of its stream")
        case 461:
            return Finding(
                "sends over UDP only, and only TCP is tried, which loses nothing; switch on "
                "RTP over RTSP (TCP) in the camera",
                for_ever=True,
            )
        case _:
            return Finding(f"answers {status}")


def _unreachable(error: OSError | ValueError) -> str:
    if isinstance(error, TimeoutError):
        return "does not answer: is it switched on, and are host and port right?"
    if isinstance(error, ConnectionRefusedError):
        return (
            "nobody listens on that port: is the port right, and is RTSP or HTTP switched on in the camera?"
        )
    if isinstance(error, socket.gaierror):
        return "its host name is not known"
    return f"does not answer as a camera does ({getattr(error, 'strerror', None) or error})"


@dataclass
class _Talk:
    """One RTSP connection."""

    connection: socket.socket
    patience_s: float
    """How long a whole answer may take."""
    user: str | None
    password: str
    number: int = 0
    challenge: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the latest answer; names in lower case."""
    body: str = ""

    def ask(self, method: str, url: str, *lines: str) -> int:
        """Send a request and return the status. User and password are sent once the camera asks for them."""
        self.number += 1
        head = [f"{method} {url} RTSP/1.0", f"CSeq: {self.number}", "User-Agent: pynvr", *lines]
        if self.challenge and self.user is not None:
            head.append(f"Authorization: {self._authorization(method, url)}")
        self.connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        status = self._answer()
        if status == 401 and not self.challenge and self.user is not None:
            self.challenge = self.headers.get("www-authenticate", "")
            return self.ask(method, url, *lines) if self.challenge else status
        return status

    def _answer(self) -> int:
        deadline = time.monotonic() + self.patience_s
        answer = b""
        while not (head := re.match(rb"(.*?)\r?\n\r?\n", answer, re.DOTALL)) and (
            more := self._more(deadline, LARGEST_ANSWER - len(answer))
        ):
            answer += more
        first, *lines = (head[1] if head else answer).decode("latin-1").splitlines() or [""]
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            known = self.headers.get(name.lower())
            # of several ways to log in, FFmpeg takes Digest
            if known is None or value.strip().startswith("Digest"):
                self.headers[name.lower()] = value.strip()
        length = max(0, min(int(self.headers.get("content-length", "0")), LARGEST_ANSWER))
        body = answer[head.end() :] if head else b""
        while more := self._more(deadline, length - len(body)):
            body += more
        self.body = body[:length].decode("utf-8", "replace")
        if (found := re.match(r"RTSP/\d\.\d (\d{3})", first)) is None:
            raise ValueError("that is no RTSP" if first else "it closes the connection")
        return int(found[1])

    def _more(self, deadline: float, at_most: int) -> bytes:
        """What comes next; empty at the end. Raises TimeoutError if the whole answer takes too long."""
        if at_most <= 0:
            return b""
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.connection.settimeout(left_s)
        return self.connection.recv(at_most)

    def _authorization(self, method: str, url: str) -> str:
        if not self.challenge.lower().startswith("digest"):
            return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()
        told = dict(re.findall(r'(\w+)="?([^",]*)"?', self.challenge))
        realm, nonce = told.get("realm", ""), told.get("nonce", "")

        def digest(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        response = digest(
            f"{digest(f'{self.user}:{realm}:{self.password}')}:{nonce}:{digest(f'{method}:{url}')}"
        )
        return (
            f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{url}", '
            f'response="{response}"'
        )


def _ask_rtsp(cam: str, patience_s: float, open_timeout_s: float) -> Finding:
    url, user, password = split_login(cam)
    parts = urlsplit(url)
    port = parts.port or RTSP_PORTS[parts.scheme.lower()]
    with socket.create_connection((parts.hostname or "", port), patience_s) as plain:
        connection = plain
        if parts.scheme.lower() == "rtsps":
            connection = trusting().wrap_socket(plain, server_hostname=parts.hostname)
        talk = _Talk(connection, patience_s, user, password)
        status = talk.ask("DESCRIBE", url, "Accept: application/sdp")
        if status != 200:
            return _of_status(cam, status)
        track = re.search(r"^m=video.*?(?=^m=|\Z)", talk.body, re.MULTILINE | re.DOTALL)
        if track is None:
            return Finding("has no video under this path; look up the path of its stream", for_ever=True)
        base = talk.headers.get("content-base", url)
        control = re.search(r"^a=control:(\S+)", track[0], re.MULTILINE)
        path = control[1] if control else ""
        target = path if "://" in path else f"{base.rstrip('/')}/{path}" if path not in ("", "*") else base
        status = talk.ask("SETUP", target, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        if status != 200:
            return _of_status(cam, status)
        with contextlib.suppress(OSError, ValueError):
            session = talk.headers.get("session", "").partition(";")[0]
            talk.ask("TEARDOWN", base, f"Session: {session}")
        in_band = bool(re.search(r"H26[45]/90000", track[0])) and "sprop" not in track[0]
        because = (
            "its parameter sets come with its key frames only, and these come more seldom: let it send "
            "key frames more often, or raise CAMERA_OPEN_TIMEOUT_SECS"
            if in_band
            else "raise CAMERA_OPEN_TIMEOUT_SECS, or let it send key frames more often"
        )
        return Finding(f"answers, but showed no picture within {open_timeout_s:g} s; {because}")
