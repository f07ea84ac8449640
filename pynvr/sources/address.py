"""What kind of address the setting `cam` is, and what is wrong with it."""

import os
import re
import stat
from pathlib import Path
from urllib.parse import quote

from pynvr.errors import SettingsError
from pynvr.redaction import without_password

VIDEO4LINUX = 81
"""Major number of Linux's cameras."""
FILE_ADDRESS = "file:/"
HIGHEST_PORT = 65535
ENDS_LOGIN = re.compile(r"[/?#]")


def is_live(cam: str) -> bool:
    """Whether `cam` names a local or network camera rather than a file."""
    if cam.lower().startswith(FILE_ADDRESS):
        return False
    if cam.isdecimal() or "://" in cam:
        return True
    try:
        found = Path(cam).stat()
    except (OSError, ValueError):  # one that was pulled out is still a camera
        return cam.startswith("/dev/")
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) == VIDEO4LINUX


def is_web(cam: str) -> bool:
    return cam.lower().startswith(("http://", "https://"))


def is_rtsp(cam: str) -> bool:
    return cam.lower().startswith(("rtsp://", "rtsps://"))


def is_rtmp(cam: str) -> bool:
    return cam.lower().startswith(("rtmp://", "rtmps://"))


def as_ffmpeg_writes(cam: str) -> str:
    """An address as FFmpeg knows it: no RTSP://, and before the zone of [fe80::1%25eth0] a bare "%"."""
    scheme, mark, rest = cam.partition("://")
    rest = re.sub(r"^((?:[^/?#]*@)?\[[^\]/?#]*%)25", r"\1", rest)
    return f"{scheme.lower()}://{rest}" if mark else cam


def check_address(cam: str) -> None:
    """Raise SettingsError, with what to write instead, if an address cannot be right."""
    if "://" in cam and (fault := fault_of(cam)) is not None:
        raise SettingsError(f"cam = {without_password(cam)!r}: {fault}")


def fault_of(address: str) -> str | None:
    """What is wrong with an address, and how to write it; None if nothing is."""
    rest = address.partition("://")[2]
    authority = ENDS_LOGIN.split(rest)[0]
    sign = rest[len(authority) : len(authority) + 1]
    login, _, host = authority.rpartition("@")
    if "@" in rest[len(authority) :] and "@" not in authority and ":" in authority:
        password = authority.partition(":")[2]
        if not _is_port(password):
            return f"its password seems to hold {_spelled(sign)}"
    if space := re.search(r"\s", rest):
        where = "its user or password" if "@" in rest[space.start() :] else "it"
        return f"{where} holds {_spelled(space.group())}"
    name, colon, port = re.sub(r"^\[[^\]]*\]", "v6", host).partition(":")
    listens = port and not is_web(address) and not is_rtsp(address)  # as udp://:5000
    if not name and not listens:
        return "it names no host"
    if colon and not _is_port(port):
        what = (
            "an IPv6 address is written in brackets: [fe80::1]"
            if ":" in port
            else "write the number, or nothing"
        )
        return f"what follows the host is not the number of a port; {what}"
    if broken := re.search(r"%(?![0-9A-Fa-f]{2})", login):
        return f"its user or password holds {_spelled(broken.group())}"
    return None


def hint_at_password(address: str) -> str:
    """What to try if user or password are refused; empty if no sign in them can be mistaken."""
    login = address.partition("://")[2].rpartition("@")[0]
    signs = sorted(set(re.findall(r"[@/?#%:]", login.partition(":")[2])))
    if not signs:
        return ""
    meant = ", ".join(f"{_named(sign)} as {quote(sign, safe='')}" for sign in signs)
    return f"; if these signs are meant in the password themselves, write {meant}"


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) <= HIGHEST_PORT


def _spelled(sign: str) -> str:
    return f"{_named(sign)}, which has to be percent-encoded: write {quote(sign, safe='')}"


def _named(sign: str) -> str:
    """A sign in a message. An @ behind an address would be taken for the end of a password, and blanked."""
    return {" ": "a space", "\t": "a tab", "@": "an at sign"}.get(sign, f'"{sign}"')
