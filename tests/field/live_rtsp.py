"""A camera that speaks RTSP and does what no good server would: any time stamp, description or answer."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from copies import Raw
from loopback import Loopback

LARGEST_PAYLOAD = 1300
START = b"\0\0\1"
PICTURES = range(1, 6)
SETS = (7, 8)
NAMES = {200: "OK", 302: "Found", 401: "Unauthorized", 404: "Not Found", 461: "Unsupported Transport"}


def usual_stamps(time_s: float, _: int) -> int:
    """90,000 a second."""
    return round(time_s * 90000)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        _Client(self.server.camera, self).serve()  # type: ignore[attr-defined]


@dataclass
class RtspCamera(Loopback):
    """Serves the packets of a file on loopback, each client from the first one on, over TCP."""

    scheme, handler = "rtsp", _Session

    packets: Sequence[Raw]
    """H.264; shown at `time_ms`, sent one after the other at `fps`."""
    fps: float = 25.0
    stamps: Callable[[float, int], int] = usual_stamps
    """From a packet's time and number to its RTP time stamp."""
    first: int = 0
    """The packet that a client joins at."""
    sets_told: bool = True
    """Whether SPS and PPS are in the description."""
    sets_sent: bool = True
    """Whether they come with the key frames."""
    audio_first: bool = False
    tcp: bool = True
    damaged: int | None = None
    """A packet that nobody can decode."""
    login: tuple[str, str] | None = None
    digest: bool = True
    algorithms: tuple[str, ...] = ("MD5",)
    """Digests that it offers for the password; it knows MD5 alone."""
    host: str = "127.0.0.1"
    moved_to: str | None = None
    path: str = "stream"
    video: bool = True
    repeats: bool = True
    before_video: tuple[str, ...] = ()
    """Lines of the description: media that come before the pictures."""
    marked: bool = True
    """Whether the last packet of a picture says so."""
    extended: bool = False
    """Whether RTP packets have ONVIF's header extension, a contributing source and padding."""
    joined_sets: bool = False
    """Whether SPS and PPS come in one packet (STAP-A)."""
    always_udp: bool = False
    """Whether it answers with a transport over UDP, whatever it was asked for."""
    own_channels: bool = False
    """Whether the camera chooses other interleaved channels than it was asked for."""
    asks: bool = False
    """Whether the camera sends requests of its own among the pictures."""
    reports: Callable[[float], float] | None = None
    """What the camera's wall clock says so many seconds after the beginning; told once a second (RTCP)."""
    renewed_at: int | None = None
    """The packet with which the encoder begins anew: another source, other numbers."""
    rtp_info: str | None = None
    """What PLAY says of the first time stamp."""
    starts_s: float = 0.0
    """How long it takes to describe the stream, as a server does that starts it when it is asked for."""
    began: list[float] = field(default_factory=list)
    """When each client began to play, on the monotonic clock."""

    def url(self, login: str = "", path: str | None = None) -> str:
        """The stream's address; `login` as it is written there."""
        return self.address(self.path if path is None else path, login)

    def description(self) -> str:
        """The SDP."""
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0"]
        if self.audio_first or not self.video:
            lines += ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=control:audio"]
        lines += self.before_video
        if self.video:
            told = ""
            if self.sets_told:
                sets = [unit for unit in units(self.packets[0].data) if unit[0] & 31 in SETS]
                told = ";sprop-parameter-sets=" + ",".join(base64.b64encode(unit).decode() for unit in sets)
            lines += ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"]
            lines += [f"a=fmtp:96 packetization-mode=1{told}", "a=control:video"]
        return "\r\n".join(lines) + "\r\n"


def units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B packet."""
    return [unit.rstrip(b"\0") for unit in data.split(START)[1:]]


class _Client:
    """One connection."""

    def __init__(self, camera: RtspCamera, handler: socketserver.StreamRequestHandler) -> None:
        self._camera, self._in, self._socket = camera, handler.rfile, handler.connection
        self._sending = threading.Lock()
        self._channels: dict[str, int] = {}
        self._gone = threading.Event()
        self._numbers: dict[int, int] = {}
        self._source = 77

    def serve(self) -> None:
        try:
            while line := self._in.readline().decode("latin-1"):
                if line.startswith("$"):  # RTCP of the client: nothing of it is needed
                    continue
                if re.match(r"[A-Z_]+ ", line) is None:
                    continue
                method, url, _ = line.split(" ", 2)
                headers = {}
                while field_line := self._in.readline().decode("latin-1").strip():
                    name, _, value = field_line.partition(":")
                    headers[name.lower()] = value.strip()
                self._answer(method, url, headers)
        except (OSError, ValueError):
            pass
        finally:
            self._gone.set()

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> None:
        camera = self._camera
        status, lines, body = 200, [], ""
        path = re.sub(r"^rtsp://[^/]*/", "", url).split("/")[0]
        if method != "OPTIONS" and not self._may(method, headers.get("authorization", "")):
            status = 401
            wish = 'WWW-Authenticate: Digest realm="camera", nonce="abc", algorithm='
            wishes = [wish + algorithm for algorithm in camera.algorithms]
            lines = wishes if camera.digest else ['WWW-Authenticate: Basic realm="camera"']
        elif method == "DESCRIBE" and camera.moved_to is not None:
            status, lines = 302, [f"Location: {camera.moved_to}"]
        elif method == "DESCRIBE" and path != camera.path:
            status = 404
        elif method == "DESCRIBE":
            camera.stop.wait(camera.starts_s)
            body, lines = camera.description(), [f"Content-Base: {url}/", "Content-Type: application/sdp"]
        elif method == "SETUP" and not (camera.tcp and "interleaved" in headers.get("transport", "")):
            status = 461
        elif method == "SETUP":
            kind = url.rsplit("/", 1)[1]
            asked = int(re.search(r"interleaved=(\d+)", headers["transport"])[1])  # type: ignore[index]
            channel = self._channels[kind] = asked + 10 * camera.own_channels
            given = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
            if camera.always_udp:
                given = "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001"
            lines = [f"Transport: {given}", "Session: 1;timeout=60"]
        elif method == "PLAY":
            lines = ["Session: 1", "Range: npt=0-"]
            if camera.rtp_info is not None:
                lines.append(f"RTP-Info: url={url}/video;{camera.rtp_info}")
        elif method == "OPTIONS":
            lines = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
        head = [f"RTSP/1.0 {status} {NAMES[status]}", f"CSeq: {headers.get('cseq', '0')}", *lines]
        if body:
            head.append(f"Content-Length: {len(body)}")
        with self._sending:
            self._socket.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        if method == "PLAY" and status == 200:
            camera.began.append(time.monotonic())
            threading.Thread(target=self._play, daemon=True).start()
            if "audio" in self._channels:
                threading.Thread(target=self._play_silence, daemon=True).start()

    def _may(self, method: str, said: str) -> bool:
        if self._camera.login is None:
            return True
        user, password = self._camera.login
        if not self._camera.digest:
            return said == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="([^"]*)"', said))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        first, second = md5(f"{user}:camera:{password}"), md5(f"{method}:{fields.get('uri')}")
        return fields.get("response") == md5(f"{first}:abc:{second}")

    def _play(self) -> None:
        camera, began, number = self._camera, time.monotonic(), 0
        channel = self._channels.get("video")
        count, period_s = len(camera.packets), len(camera.packets) / camera.fps
        while channel is not None:
            loop, index = divmod(camera.first + number, count)
            if loop and not camera.repeats:
                break
            left = began + number / camera.fps - time.monotonic()
            if (left > 0 and camera.stop.wait(left)) or self._gone.is_set():
                return
            packet = camera.packets[index]
            shown_s = loop * period_s + packet.time_ms / 1000
            stamp = camera.stamps(shown_s, number) % 2**32
            data = packet.data
            if camera.damaged == camera.first + number:
                data = _damage(data)
            try:
                if camera.asks and number % 25 == 10:
                    self._ask()
                if camera.reports is not None and number % 25 == 10:
                    self._report(channel, camera.reports(shown_s), stamp)
                if number == camera.renewed_at:
                    self._source += 1000
                    self._numbers[channel] = 54321
                self._send_picture(channel, data, stamp)
            except OSError:
                return
            number += 1
        with self._sending:
            self._socket.shutdown(socket.SHUT_RDWR)

    def _send_picture(self, channel: int, data: bytes, stamp: int) -> None:
        wanted = [unit for unit in units(data) if self._camera.sets_sent or unit[0] & 31 not in SETS]
        if self._camera.joined_sets:
            sets = [unit for unit in wanted if unit[0] & 31 in SETS]
            wanted = [unit for unit in wanted if unit[0] & 31 not in SETS]
            if sets:
                together = b"".join(struct.pack(">H", len(unit)) + unit for unit in sets)
                self._send_rtp(channel, 96, b"\x78" + together, stamp, False)
        for unit in wanted:
            last = unit is wanted[-1]
            if len(unit) <= LARGEST_PAYLOAD:
                self._send_rtp(channel, 96, unit, stamp, last)
                continue
            pieces = [unit[start : start + LARGEST_PAYLOAD] for start in range(1, len(unit), LARGEST_PAYLOAD)]
            for place, piece in enumerate(pieces):
                begins, ends = place == 0, place == len(pieces) - 1
                header = bytes([unit[0] & 0xE0 | 28, begins << 7 | ends << 6 | unit[0] & 31])
                self._send_rtp(channel, 96, header + piece, stamp, last and ends)

    def _ask(self) -> None:
        request = f"OPTIONS {self._camera.url()} RTSP/1.0\r\nCSeq: 77\r\nSession: 1\r\n\r\n"
        with self._sending:
            self._socket.sendall(request.encode())

    def _report(self, channel: int, clock_s: float, stamp: int) -> None:
        whole = int(clock_s)
        report = struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            self._source + channel,
            whole,
            int((clock_s - whole) * 2**32),
            stamp % 2**32,
            1,
            1,
        )
        with self._sending:
            self._socket.sendall(struct.pack(">cBH", b"$", channel + 1, len(report)) + report)

    def _play_silence(self) -> None:
        began, channel, number = time.monotonic(), self._channels["audio"], 0
        while not self._gone.is_set():
            if self._camera.stop.wait(max(0.0, began + number * 0.02 - time.monotonic())):
                return
            try:
                self._send_rtp(channel, 0, b"\xff" * 160, number * 160, False)
                if self._camera.reports is not None and number % 50 == 35:
                    self._report(channel, self._camera.reports(number * 0.02), number * 160)
            except OSError:
                return
            number += 1

    def _send_rtp(self, channel: int, kind: int, payload: bytes, stamp: int, marked: bool) -> None:
        sequence = self._numbers[channel] = self._numbers.get(channel, 0) + 1
        first = 0x80
        marked = marked and self._camera.marked
        extra = b""
        if self._camera.extended:
            first = 0x80 | 0x20 | 0x10 | 1  # padding, extension, one contributing source
            extra = struct.pack(">I", 5) + b"\xab\xac\0\3" + bytes(12)
            payload += b"\0\0\0\4"
        head = struct.pack(
            ">BBHII", first, kind | marked << 7, sequence % 65536, stamp % 2**32, self._source + channel
        )
        packet = head + extra + payload
        with self._sending:
            self._socket.sendall(struct.pack(">cBH", b"$", channel, len(packet)) + packet)


def _damage(data: bytes) -> bytes:
    """The same packet with the last units' content replaced by chance."""
    dice = random.Random(1)
    begin = data.rfind(START) + 5
    return data[:begin] + bytes(dice.randrange(1, 256) for _ in data[begin:])
