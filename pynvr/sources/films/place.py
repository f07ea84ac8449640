"""Where the film is that the setting `cam` names, if it names one: a video with an end, not a camera."""

import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Event
from urllib.parse import unquote, urlsplit

from pynvr.errors import CameraError
from pynvr.sources.address import FILE_ADDRESS, is_live, is_web
from pynvr.sources.stoppable import unless_stopped

OTHERS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe, which could be read only once and has no end"),
    (stat.S_ISCHR, "a device that is no camera"),
    (stat.S_ISBLK, "a disk"),
    (stat.S_ISSOCK, "a socket"),
)


def film_place(cam: str, timeout_s: float, stop: Event) -> Path | str | None:
    """The file or address of a film with an end; None for a camera. An address is asked once.

    Raises StoppedError if it does not answer before the stop, CameraError for a file of another machine.
    """
    if is_live(cam):
        finished = is_web(cam) and unless_stopped(stop, lambda: _is_finished_clip(cam, timeout_s))
        return cam if finished else None
    if not cam.lower().startswith(FILE_ADDRESS):
        with suppress(RuntimeError):  # no such home folder
            return Path(cam).expanduser()
        return Path(cam)
    parts = urlsplit(cam.replace("?", "%3F").replace("#", "%23"))
    if parts.netloc not in ("", "localhost"):
        raise CameraError(f"cam = {cam!r}: names a file of another machine; give its path here")
    return Path(unquote(parts.path, errors="surrogateescape"))


@lru_cache(maxsize=4)
def _is_finished_clip(cam: str, timeout_s: float) -> bool:
    from pynvr.sources.web import Content, look  # brings 4 MB

    return look(cam, timeout_s).content is Content.CLIP


def check_file(path: Path) -> None:
    """Raise CameraError, with the reason, if this cannot be a video file; never blocks."""
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            path.open("rb").close()
    except FileNotFoundError:
        raise CameraError(f"cam = {str(path)!r}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise CameraError(f"cam = {str(path)!r}: {getattr(error, 'strerror', error)}") from None
    for is_it, words in OTHERS:
        if is_it(found.st_mode):
            raise CameraError(f"cam = {str(path)!r}: is {words}, not a video file")
    if found.st_size == 0:
        raise CameraError(f"cam = {str(path)!r}: is empty")
