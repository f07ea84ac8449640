"""Finds out what an HTTP address gives: a stream, a finished clip or a picture. Fetches a clip if need be.

FFmpeg takes them all. It would fetch a finished clip again and again, and take a single picture for a camera
that is lost once a second. It also needs other options for each kind.
"""

import errno
import http.client
import re
import shutil
import ssl
import string
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import IO
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urljoin, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from pynvr.errors import CameraError
from pynvr.redaction import without_password
from pynvr.sources.address import is_web

HEAD_BYTES = 64 * 1024
"""How much of the content is looked at: more than any playlist of a live stream."""
LIST_BEGINS = b"#EXTM3U"
JPEG = b"\xff\xd8\xff"
CLIPS = (b"ftyp", b"RIFF", b"\x1a\x45\xdf\xa3", b"FLV", b"OggS", b"\0\0\1\xba")
"""How files of video begin, within their first 12 bytes."""
MOVIE_HEADER, MOVIE_DATA, SEGMENT = b"mvhd", b"mdat", b"\x18\x53\x80\x67"
SYNC, PACKET_BYTES = 0x47, 188
"""First byte and length of each packet of a transport stream."""
PARTIAL_CONTENT = 206
CHUNK_BYTES = 1024 * 1024
LEFT_FREE_BYTES = 256 * 1024 * 1024
"""Room left on the disk of temporary files: a server may send without end."""


class Content(Enum):
    """What an address has to give."""

    JPEGS = "JPEG pictures one after the other"
    LOOSE_JPEGS = "the same between lines that FFmpeg does not take"
    TRANSPORT = "a transport stream, or a list of pieces of one"
    STREAM = "a stream"
    CLIP = "a clip that is finished"
    PICTURE = "one picture"
    PAGE = "a web page"
    UNKNOWN = "something else, or no answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    content: Content
    status: int = 200
    """HTTP's; 0 if there was none."""
    reason: str = ""
    """In the words of the server or the system."""
    segment_s: float | None = None
    """Length of a playlist's pieces, which come at once. None for what comes as it is filmed."""
    pieces_of_mp4: bool = False
    """Whether these are pieces of .mp4, instead of transport streams."""


def look(cam: str, timeout_s: float) -> Answer:
    """Ask for the beginning of what an address gives. Never raises, never shows a secret."""
    try:
        return _look(cam, timeout_s)
    except HTTPError as error:
        with error:
            return Answer(Content.UNKNOWN, error.code, http.client.responses.get(error.code, ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Answer(Content.UNKNOWN, 0, getattr(reason, "strerror", None) or type(reason).__name__)


def _look(cam: str, timeout_s: float) -> Answer:
    opener, url = opener_for(cam)
    for _ in range(2):  # a list may name lists
        with opener.open(Request(url, headers={"User-Agent": "pynvr"}), timeout=timeout_s) as response:
            kind = response.headers.get_content_type() if response.headers.get("Content-Type") else ""
            sized = response.headers.get("Content-Length") is not None
            head = _head(response)
        if not head.lstrip(b"\xef\xbb\xbf").startswith(LIST_BEGINS):
            return Answer(_content(kind, sized, head))
        text = head.decode("utf-8", "replace")
        variant = re.search(r"^#EXT-X-STREAM-INF.*\n\s*([^#\s].*)$", text, re.MULTILINE)
        if variant is None:
            break
        url = urljoin(response.url, variant[1].strip())
        if not is_web(url):  # a list from elsewhere must not have a file of this machine opened
            break
    duration = re.search(r"#EXT-X-TARGETDURATION:\s*([\d.]+)", text)
    finished = "#EXT-X-ENDLIST" in text
    return Answer(
        Content.CLIP if finished else Content.TRANSPORT,
        segment_s=float(duration[1]) if duration else 10.0,
        pieces_of_mp4="#EXT-X-MAP" in text,
    )


class _DigestOnce(HTTPDigestAuthHandler):
    """Sends a password once. Python would send it six times, after which many cameras lock the account."""

    def http_error_401(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage
    ) -> http.client.HTTPResponse | None:
        if req.has_header(self.auth_header):
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return super().http_error_401(req, fp, code, msg, headers)


def opener_for(cam: str) -> tuple[OpenerDirector, str]:
    """An opener that knows the address's user and password, and the address without them."""
    parts = urlsplit(cam)
    url = parts._replace(
        netloc=parts.netloc.rpartition("@")[2],
        path=quote(parts.path, safe=string.punctuation),  # as FFmpeg does with other alphabets
        query=quote(parts.query, safe=string.punctuation),
    ).geturl()
    handlers: list[BaseHandler] = []
    if parts.username is not None:  # otherwise they raise ValueError where a digest is asked for
        passwords = HTTPPasswordMgrWithDefaultRealm()
        handlers = [HTTPBasicAuthHandler(passwords), _DigestOnce(passwords)]
        passwords.add_password(None, url, unquote(parts.username), unquote(parts.password or ""))
    # cameras sign their certificates themselves, and FFmpeg asks no more
    any_server = ssl.create_default_context()
    any_server.check_hostname, any_server.verify_mode = False, ssl.CERT_NONE
    return build_opener(ProxyHandler({}), HTTPSHandler(context=any_server), *handlers), url


def _head(response: http.client.HTTPResponse) -> bytes:
    """The first bytes, at most one picture of them; fewer if they come slowly."""
    head = b""
    try:
        while len(head) < HEAD_BYTES and (more := response.read1(HEAD_BYTES)):
            head += more
            if not head.startswith(LIST_BEGINS):
                break
    except OSError:  # it comes slowly
        pass
    return head


def _content(kind: str, sized: bool, head: bytes) -> Content:
    begins = head.lstrip()
    if kind.startswith("multipart/") or begins.startswith(b"--"):
        part, ended, _ = begins.replace(b"\r", b"").partition(b"\n\n")
        typed = re.search(rb"^content-type:\s*image/jpeg\s*$", part, re.IGNORECASE | re.MULTILINE)
        usual = not head or (begins.startswith(b"--") and (typed or not ended))
        return Content.JPEGS if usual else Content.LOOSE_JPEGS
    if kind.startswith("image/") or begins.startswith(JPEG):
        return Content.PICTURE if sized or not begins.startswith(JPEG) else Content.JPEGS
    if kind == "text/html" or begins[:9].lower() in (b"<!doctype", b"<html>"):
        return Content.PAGE
    is_transport = head[:1] == bytes([SYNC]) and head[PACKET_BYTES : PACKET_BYTES + 1] in (b"", bytes([SYNC]))
    begins_as_file = any(mark in head[:12] for mark in CLIPS)
    if (sized and (kind.startswith("video/") or is_transport or begins_as_file)) or _tells_its_end(head):
        return Content.CLIP
    if is_transport or kind == "video/mp2t":
        return Content.TRANSPORT
    return Content.STREAM if kind.startswith("video/") or begins_as_file else Content.UNKNOWN


def _tells_its_end(head: bytes) -> bool:
    """Whether a file says how long it is; a stream that is still being filmed cannot."""
    if head[4:8] == b"ftyp":
        before, found, header = head.partition(MOVIE_HEADER)
        duration = header[24:32] if header[:1] == b"\x01" else header[16:20]
        return MOVIE_DATA in before if not found else any(duration) and any(byte != 0xFF for byte in duration)
    if head.startswith(b"RIFF"):
        return head[4:8] not in (bytes(4), b"\xff" * 4)
    _, found, size = head.partition(SEGMENT)
    return bool(found) and size[:1] != b"\xff" and size[:8] != b"\x01" + b"\xff" * 7


def fetched(address: str, timeout_s: float) -> IO[bytes] | None:
    """A film in a nameless temporary file; None if the server hands out parts, or a list of pieces.

    FFmpeg reads an .mp4 whose description lies at its end by leaping there and back. A server that can hand
    out only the whole refuses that. Raises CameraError if it cannot be fetched or would fill the disk.
    """
    opener, url = opener_for(address)
    request = Request(url, headers={"User-Agent": "pynvr", "Range": "bytes=0-"})
    try:
        with opener.open(request, timeout=timeout_s) as response, ExitStack() as stack:
            chunk = response.read(len(LIST_BEGINS))
            if response.status == PARTIAL_CONTENT or chunk == LIST_BEGINS:
                return None
            file = stack.enter_context(tempfile.TemporaryFile(prefix="pynvr-"))
            while chunk:
                if shutil.disk_usage(tempfile.gettempdir()).free < len(chunk) + LEFT_FREE_BYTES:
                    raise OSError(errno.ENOSPC, f"no room for it in {tempfile.gettempdir()} (TMPDIR)")
                file.write(chunk)
                chunk = response.read(CHUNK_BYTES)
            file.flush()
            stack.pop_all()
            return file
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise CameraError(f"{without_password(address)}: cannot be fetched: {reason}") from None
