"""Fetches a film before it is read, if the server can hand out only the whole of it.

FFmpeg reads an .mp4 whose description lies at its end by leaping there and back, which such a server refuses.
"""

from __future__ import annotations

import errno
import http.client
import shutil
import tempfile
from typing import IO
from urllib.request import Request

from pynvr.errors import CameraError
from pynvr.redaction import without_password
from pynvr.sources.web import opener_for

PARTIAL_CONTENT = 206
LIST_BEGINS = b"#EXTM3U"
CHUNK_BYTES = 1024 * 1024
LEFT_FREE_BYTES = 256 * 1024 * 1024
"""Room left on the disk of temporary files: a server may send without end."""


def fetched(address: str, timeout_s: float) -> IO[bytes] | None:
    """The film in a nameless temporary file; None if the server hands out parts.

    None also for a list of pieces, which are read one by one. Raises CameraError if that fails or would fill
    the disk.
    """
    opener, url = opener_for(address)
    request = Request(url, headers={"User-Agent": "pynvr", "Range": "bytes=0-"})
    try:
        with opener.open(request, timeout=timeout_s) as response:
            if response.status == PARTIAL_CONTENT:
                return None
            begin = response.read(len(LIST_BEGINS))
            if begin == LIST_BEGINS:
                return None
            file = tempfile.TemporaryFile(prefix="pynvr-")  # noqa: SIM115, it is given to the caller
            file.write(begin)
            try:
                while chunk := response.read(CHUNK_BYTES):
                    if shutil.disk_usage(tempfile.gettempdir()).free < len(chunk) + LEFT_FREE_BYTES:
                        raise OSError(errno.ENOSPC, f"no room for it in {tempfile.gettempdir()} (TMPDIR)")
                    file.write(chunk)
                file.flush()
            except BaseException:
                file.close()
                raise
            return file
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise CameraError(f"{without_password(address)}: cannot be fetched: {reason}") from None
