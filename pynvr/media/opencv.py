"""OpenCV's settings for this process, its file names and its names of codecs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

ERRORS = 2
"""OpenCV's own log level; it does not change what FFmpeg prints."""


def work_lightly() -> None:
    """Have OpenCV work in the calling thread alone, without IPP, and log errors only.

    On pictures as small as a detector's, threads cost CPU and save no time. IPP, Intel's library behind many
    of OpenCV 4.12's functions, takes 9 µs more for each call than OpenCV's own code takes for the whole work.
    OpenCV warns of each packet that it has written.
    """
    cv2.setNumThreads(1)
    cv2.ipp.setUseIPP(False)
    cv2.setLogLevel(ERRORS)


@contextmanager
def name_of(path: Path) -> Iterator[str]:
    """A name by which OpenCV opens this file and nothing else; it is needed only until the file is open.

    FFmpeg takes a name with a colon, for example 10:00.avi, for a protocol unless it begins with a slash.
    OpenCV crashes on a name that is not UTF-8, so such a file is opened by a link in a temporary folder.
    """
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="pynvr-name-") as folder:
            link = Path(folder, f"file{path.suffix}")
            link.symlink_to(name)
            yield str(link)
    else:
        yield name


def fourcc_of(capture: cv2.VideoCapture) -> str:
    """The codec as OpenCV names it: four letters."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("ascii", "backslashreplace")
