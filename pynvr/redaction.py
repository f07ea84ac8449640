"""Passwords, and how they are kept out of everything that people read."""

from __future__ import annotations

import re

_IN_LOGIN = re.compile(r"(\w+://[^\s:/]*):\S*@")
_IN_QUERY = re.compile(r"(?<![A-Za-z])((?:password|passwd|passwort|pass|pwd)=)[^&\s]*", re.IGNORECASE)


def without_password(text: str) -> str:
    """Blank the passwords of all camera addresses in a text: rtsp://user:***@host/…

    Where a password holds the signs that end it, rather too much is blanked than too little.
    """
    return _IN_QUERY.sub(r"\1***", _IN_LOGIN.sub(r"\1:***@", text))
