"""OpenCV: its settings for this process, names of files and codecs, rates, and pictures in our form."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2

from pynvr.media.frame import DEFAULT_FPS, Gray, Image

ERRORS = 2
"""OpenCV's own log level; it does not change what FFmpeg prints."""

LOWEST_FPS, HIGHEST_FPS = 1.0, 240.0
"""Cameras claim anything from 0 to 90000."""


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


def plausible_fps(*claims: float | Fraction | None, lowest: float = LOWEST_FPS) -> float:
    """The first of these rates, as a source claims them, that is plausible; else the usual one."""
    return next((float(claim) for claim in claims if claim and lowest <= claim <= HIGHEST_FPS), DEFAULT_FPS)


def as_bgr(image: Image, fit_inside: tuple[int, int] | None) -> Image:
    """Turn any picture of OpenCV into BGR, scaled to fit inside (width, height) if that is given."""
    if image.ndim == 2 or image.shape[2] == 1:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return fitted(image, fit_inside)


def fitted(image: Image | Gray, fit_inside: tuple[int, int] | None) -> Image | Gray:
    """A picture scaled to fit inside (width, height) if that is given."""
    size = image.shape[1], image.shape[0]
    wanted = fitted_size(size, fit_inside)
    return image if wanted == size else cast(Image, cv2.resize(image, wanted, interpolation=cv2.INTER_AREA))


def fitted_size(size: tuple[int, int], fit_inside: tuple[int, int] | None) -> tuple[int, int]:
    """The largest (width, height) with the shape of `size` that fits inside; `size` if there is no limit."""
    if fit_inside is None:
        return size
    scale = min(fit_inside[0] / size[0], fit_inside[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
