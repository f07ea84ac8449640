"""The odd cameras: what each does, and what has to come of it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from copies import FPS
from live_footage import JPEGS_PER_S, SECONDS, LiveFootage, playlist
from live_http import Motion, WebCamera
from live_rtsp import RtspCamera, usual_stamps

RTSP, HTTP = "Cameras: RTSP", "Cameras: HTTP"
SIGNS = "p@s:s/w#o?r%d &+=;é"
USUAL_JITTER_S = 0.06
ARRIVAL_JITTER_S = 0.4
"""Of what has no times of its own, on a machine that runs six of these at once."""


@dataclass(frozen=True)
class Served:
    """A camera that can be recorded now."""

    cam: str
    times: Sequence[float]
    """When each numbered picture is filmed."""
    mjpeg: bool = False
    late_s: Callable[[], float] = lambda: 0.0
    """How late the camera itself was at most."""


@dataclass(frozen=True)
class LiveRow:
    """One oddity."""

    section: str
    name: str
    serve: Callable[[LiveFootage], AbstractContextManager[Served]]
    jitter_s: float = USUAL_JITTER_S
    refused: str | None = None
    """Words of the line with which it is refused."""
    waits: str | None = None
    """Words of the line that is logged while the camera is tried again and again."""
    says: str | None = None
    """Words of a warning."""
    ends: bool = False
    """Whether the recorder ends by itself, as with a file."""
    missing: int = 0
    """Pictures that nobody can decode, at most."""
    modes: tuple[str, ...] = ("encode", "copy")


def rtsp(
    name: str,
    packets: str = "packets",
    *,
    login: str = "",
    own_login: tuple[str, str] | None = None,
    path: str | None = None,
    expect: dict[str, Any] | None = None,
    **odd: Any,
) -> LiveRow:
    """An RTSP camera; `login` and `path` are those of the address, all else is the camera's."""

    @contextmanager
    def serve(footage: LiveFootage) -> Iterator[Served]:
        with RtspCamera(getattr(footage, packets), login=own_login, **odd) as camera:
            times = [number / FPS for number in range(round(SECONDS * FPS))]
            yield Served(camera.url(login, path), times)

    return LiveRow(RTSP, name, serve, **(expect or {}))


def redirected(footage: LiveFootage) -> Iterator[Served]:
    with RtspCamera(footage.packets) as camera, RtspCamera((), moved_to=camera.url()) as other:
        yield Served(other.url(), [number / FPS for number in range(round(SECONDS * FPS))])


@contextmanager
def in_capitals(footage: LiveFootage) -> Iterator[Served]:
    with RtspCamera(footage.packets) as camera:
        address = camera.url().replace("rtsp", "RTSP")
        yield Served(address, [number / FPS for number in range(round(SECONDS * FPS))])


def pace(factor: float) -> Callable[[float, int], int]:
    return lambda time_s, _: round(time_s * factor * 90000)


def jpegs(
    name: str,
    *,
    motion: Motion | None = None,
    times: Sequence[float] | None = None,
    login: str = "",
    own_login: tuple[str, str] | None = None,
    path: str = "video",
    expect: dict[str, Any] | None = None,
    **odd: Any,
) -> LiveRow:
    """A camera of JPEG pictures over HTTP."""

    @contextmanager
    def serve(footage: LiveFootage) -> Iterator[Served]:
        shown = times or [number / JPEGS_PER_S for number in range(round(SECONDS * JPEGS_PER_S))]
        pictures = footage.jpegs_at(times) if times else footage.jpegs
        with WebCamera(pictures, shown, motion or Motion(), login=own_login, **odd) as camera:
            yield Served(camera.url(path, login), shown, True, lambda: camera.late_s)

    return LiveRow(HTTP, name, serve, **({"jitter_s": ARRIVAL_JITTER_S} | (expect or {})))


def files(
    name: str, what: Callable[[LiveFootage], dict[str, Any]], path: str, sized: bool = True, **expect: Any
) -> LiveRow:
    """Files and playlists over HTTP."""

    @contextmanager
    def serve(footage: LiveFootage) -> Iterator[Served]:
        with WebCamera(files=what(footage), sized=sized) as camera:
            yield Served(camera.url(path), [number / FPS for number in range(round(SECONDS * FPS))])

    return LiveRow(HTTP, name, serve, **expect)


def hls(finished: bool, suffix: str = ".ts") -> Callable[[LiveFootage], dict[str, Any]]:
    def lists(footage: LiveFootage) -> dict[str, Any]:
        pieces = footage.segments(suffix)
        count = len(pieces) - (suffix == ".m4s")
        names = [*(f"list{n}{suffix}" for n in range(count)), "init.mp4"]
        named: dict[str, Any] = {
            name: (lambda piece=piece: piece) for name, piece in zip(names, pieces, strict=False)
        }
        return named | {
            "list.m3u8": playlist(count, finished, suffix),
            "main.m3u8": lambda: b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000\nlist.m3u8\n",
        }

    return lists


def flow(name: str, kind: str, container: str, *options: str, **expect: Any) -> LiveRow:
    """A live stream over HTTP in one answer without end."""

    @contextmanager
    def serve(footage: LiveFootage) -> Iterator[Served]:
        command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(footage.file)]
        command += ["-c", "copy", "-f", container, *options, "-flush_packets", "1", "pipe:1"]
        with WebCamera(flow=(kind, command)) as camera:
            yield Served(camera.url("flow"), [number / FPS for number in range(round(SECONDS * FPS))])

    return LiveRow(HTTP, name, serve, **expect)


@contextmanager
def rtmp(footage: LiveFootage) -> Iterator[Served]:
    """A stream over RTMP, for one client at a time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"rtmp://127.0.0.1:{free.getsockname()[1]}/live/stream"
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(footage.file)]
    command += ["-c", "copy", "-f", "flv", "-listen", "1", address]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as ffmpeg:
        try:
            yield Served(address, [number / FPS for number in range(round(SECONDS * FPS))])
        finally:
            ffmpeg.kill()


@contextmanager
def udp(footage: LiveFootage) -> Iterator[Served]:
    """A transport stream that is sent to a port of this machine."""
    with socket.socket(type=socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(footage.file)]
    command += ["-c", "copy", "-f", "mpegts", f"udp://127.0.0.1:{port}?pkt_size=1316"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as ffmpeg:
        try:
            yield Served(f"udp://@:{port}", [number / FPS for number in range(round(SECONDS * FPS))])
        finally:
            ffmpeg.kill()


WANDERING = np.cumsum([0.0, *np.random.default_rng(1).choice([0.04, 0.1, 0.2], 110)]).round(3).tolist()
WRONG_CLOCK = {"jitter_s": ARRIVAL_JITTER_S, "says": "its clock runs"}
NO_TIMES = {"jitter_s": ARRIVAL_JITTER_S}
ENCODED = quote(SIGNS, safe="")
PART = b"--frame\r\nContent-Type: image/jpeg\r\n"

ROWS = [
    rtsp("as it should be"),
    rtsp("parameter sets not in the SDP", sets_told=False),
    rtsp("parameter sets in the SDP only", sets_sent=False),
    rtsp("parameter sets that alternate", "alternating"),
    rtsp("audio first", audio_first=True),
    rtsp("B-frames", "with_b_frames"),
    rtsp("interlaced", "interlaced"),
    rtsp("joined within a group of pictures", first=10, sets_told=False),
    rtsp("key frames further apart than the timeout", "rare_keys", first=10,
         expect={"waits": "raise CAMERA_READ_TIMEOUT_SECS", "modes": ("encode",)}),
    rtsp("one damaged packet", damaged=120, expect={"missing": 25}),
    rtsp("clock at half the pace", stamps=pace(0.5), expect=WRONG_CLOCK),
    rtsp("clock 16 % too slow", stamps=pace(0.84), expect=WRONG_CLOCK),
    rtsp("clock 16 % too fast", stamps=pace(1.16), expect=WRONG_CLOCK),
    rtsp("clock at twice the pace", stamps=pace(2.0), expect=WRONG_CLOCK),
    rtsp("milliseconds said to be 90,000ths", stamps=pace(1 / 90), expect=WRONG_CLOCK),
    rtsp("clock 90 times too fast", stamps=pace(90), expect=WRONG_CLOCK),
    rtsp("times to the millisecond", stamps=lambda time_s, _: round(time_s * 1000) * 90),
    rtsp("32-bit wrap", stamps=lambda time_s, _: 2**32 - 4 * 90000 + usual_stamps(time_s, 0)),
    rtsp("times begin again every 3 s", stamps=lambda time_s, _: usual_stamps(time_s % 3, 0),
         expect=NO_TIMES),
    rtsp("times leap an hour ahead", stamps=lambda time_s, _: usual_stamps(time_s + 3600 * (time_s > 4), 0),
         expect=NO_TIMES),
    rtsp("times stand still", stamps=lambda *_: 90000, expect=NO_TIMES),
    rtsp("times stand still after 3 s", stamps=lambda time_s, _: usual_stamps(min(time_s, 3), 0),
         expect={"jitter_s": 1.3}),
    rtsp("Digest, every sign percent-encoded", login=f"me:{ENCODED}", own_login=("me", SIGNS)),
    rtsp("Basic, every sign percent-encoded", login=f"me:{ENCODED}", own_login=("me", SIGNS), digest=False),
    rtsp("password with raw @ and :", login="me:p@s:s", own_login=("me", "p@s:s")),
    *(
        rtsp(f"password with raw {sign!r}", login=f"me:pass{sign}word", own_login=("me", f"pass{sign}word"),
             expect={"refused": "percent-encoded"})
        for sign in "/#?% "
    ),
    rtsp("wrong password", login="me:wrong", own_login=("me", "right"),
         expect={"waits": "refuses the user or"}),
    rtsp("no password where one is asked for", own_login=("me", "right"),
         expect={"waits": "asks for a user"}),
    rtsp("password by a digest of SHA-256", login="me:right", own_login=("me", "right"),
         algorithms=("MD5", "SHA-256"), expect={"waits": "SHA-256"}),
    rtsp("password by a digest of MD5, SHA-256 before", login="me:right", own_login=("me", "right"),
         algorithms=("SHA-256", "MD5")),
    rtsp("no such path", path="nothing", expect={"waits": "nothing under this path"}),
    rtsp("starts within 3 s", starts_s=3),
    rtsp("starts within 7 s", starts_s=7, expect={"waits": "raise CAMERA_OPEN_TIMEOUT_SECS"}),
    rtsp("UDP only", tcp=False, expect={"refused": "only TCP is tried"}),
    rtsp("UDP, whatever it is asked for", always_udp=True, expect={"refused": "only TCP is tried"}),
    rtsp("sound only", video=False, expect={"refused": "no video"}),
    rtsp("pictures in eight slices, with delimiters", "sliced"),
    rtsp("intra refresh", "refreshed"),
    rtsp("no packet marked as a picture's last", marked=False),
    rtsp("RTP with extensions, sources and padding", extended=True),
    rtsp("parameter sets joined in one packet", joined_sets=True, sets_told=False),
    rtsp("interleaved channels of its own choice", own_channels=True),
    rtsp("requests of its own among the pictures", asks=True),
    rtsp("the encoder begins anew within the connection", renewed_at=60),
    rtsp("wall clock set while it sends", audio_first=True,
         reports=lambda time_s: 3_900_000_000 + time_s + 3600 * (time_s > 5)),
    rtsp("says a wrong first time", rtp_info="seq=1;rtptime=0",
         stamps=lambda time_s, _: 3_000_000_000 + usual_stamps(time_s, 0)),
    rtsp("metadata before the pictures", before_video=("m=application 0 RTP/AVP 107",
         "a=rtpmap:107 vnd.onvif.metadata/90000", "a=control:metadata")),
    rtsp("sound that is promised and never sent", before_video=("m=audio 0 RTP/AVP 8",
         "a=rtpmap:8 PCMA/8000", "a=control:silent")),
    rtsp("IPv6", host="::1"),
    LiveRow(RTSP, "RTSP:// in capitals", in_capitals),
    LiveRow(RTSP, "redirect", contextmanager(redirected)),
    LiveRow("Cameras: others", "rtspx://", lambda _: nullcontext(Served("rtspx://127.0.0.1:7441/a", ())),
            refused="knows no rtspx://"),
    LiveRow("Cameras: UDP", "a port of this machine", udp),
    LiveRow("Cameras: RTMP", "as it should be", rtmp, modes=("encode",)),
    jpegs("as it should be"),
    jpegs("without Content-Length", motion=Motion(before=PART + b"\r\n")),
    jpegs("without boundary in its type", motion=Motion("multipart/x-mixed-replace")),
    jpegs("without type", motion=Motion(None)),
    jpegs("boundary in quotation marks", motion=Motion('multipart/x-mixed-replace; boundary="frame"')),
    jpegs("line feeds only",
          motion=Motion(before=PART.replace(b"\r", b"") + b"Content-Length: {length}\n\n", after=b"\n")),
    jpegs("JPEGs with nothing between", motion=Motion("image/jpeg", before=b"", after=b"")),
    jpegs("wandering rate", times=WANDERING),
    jpegs("no boundary before the first picture",
          motion=Motion(before=b"", after=b"\r\n" + PART + b"\r\n")),
    jpegs("parts without type", motion=Motion(before=b"--frame\r\nContent-Length: {length}\r\n\r\n")),
    jpegs("boundary told with its dashes", motion=Motion("multipart/x-mixed-replace; boundary=--frame")),
    jpegs("headers in lower case",
          motion=Motion(before=b"--frame\r\ncontent-type:image/jpeg\r\ncontent-length:{length}\r\n\r\n")),
    jpegs("parts of type image/jpg", motion=Motion(before=PART.replace(b"jpeg", b"jpg") + b"\r\n")),
    jpegs("parts with a character set", motion=Motion(before=PART[:-2] + b"; charset=utf-8\r\n\r\n")),
    jpegs("length told too short", motion=Motion(before=PART + b"Content-Length: 3000\r\n\r\n")),
    jpegs("length told too long", motion=Motion(before=PART + b"Content-Length: 60000\r\n\r\n")),
    jpegs("length told as 0", motion=Motion(before=PART + b"Content-Length: 0\r\n\r\n")),
    jpegs("more headers in each part", motion=Motion(
          before=b"--frame\r\nX-Timestamp: 1.5\r\n" + PART[9:] + b"Content-Length: {length}\r\n\r\n")),
    jpegs("a greeting before the first boundary", motion=Motion(preamble=b"hello\r\n\r\n")),
    jpegs("in chunks", motion=Motion(chunked=True)),
    jpegs("a few bytes at a time", motion=Motion(piece=700)),
    jpegs("multipart/mixed", motion=Motion("multipart/mixed; boundary=frame")),
    jpegs("type in capitals", motion=Motion("Multipart/X-Mixed-Replace; Boundary=frame")),
    jpegs("a snapshot", path="picture", expect={"refused": "one picture, not a stream"}),
    jpegs("closes after each picture", motion=Motion(pictures=1), expect={"refused": "after each picture"}),
    jpegs("Basic", login=f"me:{ENCODED}", own_login=("me", SIGNS)),
    jpegs("Digest", login=f"me:{ENCODED}", own_login=("me", SIGNS), digest=True),
    jpegs("IPv6", host="::1"),
    jpegs("redirect", path="old", gone={"old": "/video"}),
    jpegs("no such path", path="nothing", expect={"waits": "nothing under this path"}),
    files("a web page", lambda _: {"index.html": lambda: b"<!doctype html><title>A</title>"}, "index.html",
          refused="web page"),
    flow("endless .ts", "video/mp2t", "mpegts"),
    flow("endless .ts of unknown type", "application/octet-stream", "mpegts"),
    flow("endless .mp4, a second at once", "video/mp4", "mp4", "-movflags",
         "frag_keyframe+empty_moov+default_base_moof"),
    flow("endless .mp4, each picture", "video/mp4", "mp4", "-movflags",
         "frag_every_frame+empty_moov+default_base_moof"),
    flow("endless .flv", "video/x-flv", "flv"),
    flow("endless .mkv", "video/x-matroska", "matroska"),
    flow("endless H.264 without container", "video/h264", "h264", "-bsf:v", "h264_mp4toannexb",
         jitter_s=ARRIVAL_JITTER_S),
    files("live HLS", hls(False), "list.m3u8"),
    files("live HLS of .mp4 pieces", hls(False, ".m4s"), "main.m3u8"),
    files("live HLS, several variants", hls(False), "main.m3u8"),
    files("finished HLS", hls(True), "list.m3u8", ends=True),
    files("a finished .ts", lambda f: {"a.ts": f.transport_stream.read_bytes}, "a.ts", ends=True),
    files("a finished .mp4", lambda f: {"a.mp4": f.file.read_bytes}, "a.mp4", ends=True),
    files("a finished .mp4 of a length that is not told", lambda f: {"a.mp4": f.file.read_bytes}, "a.mp4",
          sized=False, ends=True),
    files("the same, described first", lambda f: {"a.mp4": f.described_first.read_bytes}, "a.mp4",
          sized=False, ends=True),
    files("a finished .mkv of a length that is not told", lambda f: {"a.mkv": f.matroska.read_bytes}, "a.mkv",
          sized=False, ends=True),
]  # fmt: skip
