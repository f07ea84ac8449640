"""Finds out why a network camera cannot be opened.

OpenCV only says that it failed. So the camera is asked once more, within a few seconds, to tell apart causes
that have different remedies. No finding ever holds a secret.
"""

import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from pynvr.errors import CameraError, LoginRefusedError, UnfitCameraError
from pynvr.sources.address import hint_at_password, is_rtsp, is_web
from pynvr.sources.web import Content, look

LONGEST_S = 3.0
LONGEST_AFTER_SILENCE_S = 0.5
"""How long each answer may take. A camera that has let the whole timeout pass gets less."""
STREAMS_NEEDED = "it needs the address of a stream: RTSP, HLS or JPEG pictures one after the other"
NO_STREAM = {
    Content.PICTURE: f"gives one picture, not a stream; {STREAMS_NEEDED}",
    Content.PAGE: f"is a web page, not a stream; {STREAMS_NEEDED}",
    Content.CLIP: "is a clip that is finished: start again to have it read",
}
OPTIONS = {
    "rtsp_transport": "tcp", "allowed_media_types": "video",
    "probesize": "32", "analyzeduration": "0", "fpsprobesize": "0",
}  # fmt: skip
"""Of FFmpeg: to see whether there are pictures, not what they are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in words that say what to do."""

    text: str
    kind: type[CameraError] = CameraError


def why_not_opened(cam: str, open_timeout_s: float, was_silent: bool) -> Finding:
    """Find out what is wrong with a camera that could not be opened within `open_timeout_s`; never raises."""
    patience_s = min(open_timeout_s, LONGEST_AFTER_SILENCE_S if was_silent else LONGEST_S)
    if is_web(cam):
        answer = look(cam, patience_s)
        return of_content(answer.content) or _of_status(cam, answer.status, answer.reason)
    return _ask_ffmpeg(cam, patience_s, open_timeout_s)


def of_content(content: Content) -> Finding | None:
    """What is wrong with what an HTTP address gives; None if nothing is."""
    text = NO_STREAM.get(content)
    return None if text is None else Finding(text, UnfitCameraError)


def _of_status(cam: str, status: int, reason: str) -> Finding:
    match status:
        case 0 | 401 | 403 if _asks_for_sha256(cam):
            return Finding(
                "asks for the password by a digest of SHA-256, which FFmpeg does not know; set its "
                "authentication to digest with MD5, or to basic"
            )
        case 0:
            return Finding(f"does not answer ({reason})")
        case 401 if urlsplit(cam).username is None:
            return Finding(
                "asks for a user and a password: write user:password and an at sign before the host"
            )
        case 401 | 403:
            text = f"refuses the user or the password{hint_at_password(cam)}"
            # 403 may mean as well that too many are watching
            return Finding(text, LoginRefusedError if status == 401 else CameraError)
        case 404 | 454:
            return Finding("has nothing under this path (404); look up the path of its stream")
        case 461:
            return Finding(
                "sends over UDP only, and only TCP is tried, which loses nothing; switch on "
                "RTP over RTSP (TCP) in the camera",
                UnfitCameraError,
            )
        case _ if status >= 300:
            return Finding(f"answers {status} {reason}")
    return Finding(f"answers, but FFmpeg finds no video in what it sends; {STREAMS_NEEDED}")


def _asks_for_sha256(cam: str) -> bool:
    """Whether a camera that asks for a password wants it so; FFmpeg heeds the last of several wishes."""
    parts = urlsplit(cam)
    usual, line = (80, "GET") if is_web(cam) else (554, "DESCRIBE")
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = f"{line} {url} {'HTTP/1.0' if is_web(cam) else 'RTSP/1.0'}\r\nCSeq: 1\r\n\r\n"
    wishes: list[bytes] = []
    if parts.username is not None and parts.scheme in ("http", "rtsp"):  # not what is encrypted
        with suppress(OSError, ValueError):
            where = parts.hostname or "", parts.port or usual
            with socket.create_connection(where, LONGEST_AFTER_SILENCE_S) as asking:
                asking.sendall(request.encode())
                wishes = re.findall(rb"(?im)^www-authenticate:\s*digest.*$", asking.recv(8192))
    return bool(wishes) and b"SHA-256" in wishes[-1].upper()


def _ask_ffmpeg(cam: str, patience_s: float, open_timeout_s: float) -> Finding:
    """Have FFmpeg open the stream once more; its messages and errors tell what is wrong."""
    import av  # brings 17 MB, which only the unlucky need

    from pynvr.media.ffmpeg import complaints

    began = time.monotonic()
    with complaints() as said:
        try:
            with av.open(cam, timeout=patience_s, container_options=OPTIONS) as container:
                shows = bool(container.streams.video)
        except av.error.ProtocolNotFoundError:
            scheme = cam.partition("://")[0]
            return Finding(f"FFmpeg knows no {scheme}:// addresses; {STREAMS_NEEDED}", UnfitCameraError)
        except (av.FFmpegError, ValueError) as error:
            waited = time.monotonic() - began >= patience_s
            return _of_failure(cam, error, [line for _, _, line in said], waited, open_timeout_s)
    if is_rtsp(cam) and not shows:
        return Finding("has no video under this path; look up the path of its stream", UnfitCameraError)
    return Finding(
        f"answers, but showed no picture within {open_timeout_s:g} s; raise CAMERA_OPEN_TIMEOUT_SECS, or let "
        "it send key frames more often, with their parameter sets"
    )


def _of_failure(cam: str, error: Exception, said: list[str], waited: bool, open_timeout_s: float) -> Finding:
    told = [found for line in said if (found := re.search(r"^method \w+ failed: (\d+) *\(?([^)\n]*)", line))]
    if told:
        return _of_status(cam, int(told[-1][1]), told[-1][2])
    if any("Nonmatching transport" in line for line in said):
        return _of_status(cam, 461, "")
    if isinstance(error, ConnectionRefusedError):
        return Finding(
            "nobody listens on that port: is the port right, and is RTSP or HTTP switched on in the camera?"
        )
    if any("resolve hostname" in line for line in said):
        return Finding("its host name is not known")
    if waited or isinstance(error, TimeoutError):
        return Finding(
            f"does not answer within {open_timeout_s:g} s: is it switched on, and are host and port right? "
            "If it has to start first, raise CAMERA_OPEN_TIMEOUT_SECS"
        )
    return Finding(f"does not answer as a camera does ({getattr(error, 'strerror', None) or error})")
