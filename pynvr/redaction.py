"""Keeps secrets out of everything that people read.

Of an address only scheme, host, port and path are shown, and the user in front of a password. Everything else
is blanked, however wrongly the address is written; in doubt too much is blanked. The secrets of the settings
are blanked wherever they appear.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from urllib.parse import quote, quote_plus, unquote, unquote_plus

BLANK = "***"
SHORTEST = 4
"""Characters; a shorter secret is blanked in addresses only, since it may be a part of any word."""
WHOLE_WORD_BELOW = 8
"""Characters; a shorter secret is blanked as a whole word only."""
NO_SECRET = {
    "admin", "administrator", "camera", "guest", "operator", "pynvr", "root", "service", "user", "video",
    "view", "viewer",
}  # fmt: skip
"""Users that many cameras have: blanking them would only make a log hard to read."""

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://")
_BEFORE_ANOTHER = re.compile(r"[\s'\"`(<\[{]")
_ENCODED_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*%3A%2F%2F\S*", re.IGNORECASE)
_LAST_AT = re.compile(r".*(?:@(?! 0x)|(?<! )@)", re.DOTALL)
"""Up to the last @ but that of FFmpeg's `[h264 @ 0x55d0]`."""
_PLAIN_USER = re.compile(r"[\w.+%@-]{0,64}")
_HOST = re.compile(r"\s*(?:\[[\w:.%]*\]|[\w.-]*)(?::\d{1,5}(?!\w))?")
_UNFINISHED = re.compile(r"[A-Za-z][\w+.-]*://[\w.+%-]*:[^@/]*")
"""An address that may end within its password."""
_WITH_QUERY = re.compile(r"(\[[\w:.%]*\]|[\w.-]*)(?::\d{1,5})?(?:/[^?#]*)?[?#]")
"""A right address without a login: a later @ belongs to its query, or to a password of digits only."""
_AFTER_ADDRESS = re.compile(r"$|[\s'\"`)>\]},;|]|:(?:\s|$)|\.{3}")
_QUERY = re.compile(r"[?#](?=[^\s'\"])")
_CLOSING = re.compile(r"['\"`]?[:,;.)\]}>]*$")
"""What may follow an address in a sentence."""
_LOGIN = re.compile(r"(?<![\w@*])([\w.+%-]*):(?!//)\S+@(?=[\w\[])")
_RELATIVE_QUERY = re.compile(r"\?(?=[\w.~%-]+=)\S*")
_NAMED = re.compile(
    r"((?<![A-Za-z])(?:pass\w*|pwd|psw|pw|login\w*|token|auth\w*|secret|api_?key)=)[^&\s]*", re.IGNORECASE
)

_known: re.Pattern[str] | None = None


def without_password(text: str) -> str:
    """Blank the secrets of all addresses in a text: rtsp://user:***@host:554/path?***"""
    shown = "\n".join(_line(line) for line in text.split("\n"))
    return shown if _known is None else _known.sub(BLANK, shown)


def know(addresses: Iterable[str]) -> None:
    """From now on blank the secrets of these addresses wherever they appear, and no others."""
    global _known
    forms = {form for address in addresses for form in (*long_secrets_of(address), *_users(address))}
    longest_first = sorted(forms, key=len, reverse=True)
    _known = re.compile("|".join(map(_pattern, longest_first))) if longest_first else None


def secrets_of(address: str) -> Iterator[str]:
    """The password of an address and the values of its query; none for what is no address."""
    for user, password in _logins(address):
        yield password
        yield from re.split(r"[\s@:/?#&]", password)  # FFmpeg tells pieces of an address that it cannot split
        login = f"{unquote(user)}:{unquote(password)}".encode()
        yield base64.b64encode(login).decode()
    if "://" in address:
        for field in re.split(r"[?#&;]", address)[1:]:
            yield field.partition("=")[2] or field


def long_secrets_of(address: str) -> set[str]:
    """Those secrets of an address that are no part of just any word, encoded and not."""
    return {form for secret in secrets_of(address) for form in _forms(secret) if len(form) >= SHORTEST}


def _line(line: str) -> str:
    edges: list[int] = []
    for match in _ADDRESS.finditer(line):
        start = match.start()
        if not edges or (
            _BEFORE_ANOTHER.match(line, start - 1) and not _UNFINISHED.fullmatch(line, edges[-1], start)
        ):
            edges.append(start)
    edges.append(len(line))
    shown = [_loose(line[: edges[0]])]
    shown += [_address(line[start:end], alone=start == 0) for start, end in pairwise(edges)]
    return "".join(shown)


def _address(text: str, alone: bool) -> str:
    """Show a text that begins with an address; `alone`: perhaps it is nothing else."""
    scheme, rest = text.split("://", 1)
    login = ""
    if match := _LAST_AT.match(rest):
        if plain := _WITH_QUERY.match(match.group()):
            return f"{scheme}://{plain.group(1)}{_blanked(rest[match.end() :])}"
        user, colon, _ = match.group()[:-1].partition(":")
        login = (user if _PLAIN_USER.fullmatch(user) else BLANK) + (f":{BLANK}@" if colon else "@")
        rest = rest[match.end() :]
    end = _HOST.match(rest).end()  # type: ignore[union-attr]  # which matches the empty text too
    host, rest = rest[:end], rest[end:]
    if not rest.startswith(("/", "?", "#")) and not _AFTER_ADDRESS.match(rest):
        colon = ":" if rest.startswith(":") else ""
        return f"{scheme}://{login}{host}{colon}{_blanked(rest.removeprefix(colon))}"
    query = _QUERY.search(rest)
    path = rest[: query.end()] if query else rest
    after = "" if query is None else rest[query.end() :]
    if alone and not after.startswith(BLANK):
        after = BLANK if after else ""
    return f"{scheme}://{login}{host}{_loose(path)}{_blanked(after) if after else ''}"


def _blanked(text: str) -> str:
    """Blank up to the next space, but for what closes a sentence or a quotation."""
    word = re.match(r"\S*", text).group()  # type: ignore[union-attr]
    closing = _CLOSING.search(word).group()  # type: ignore[union-attr]
    return BLANK + closing + _loose(text[len(word) :])


def _loose(text: str) -> str:
    """Blank what looks like a piece of an address."""
    text = _ENCODED_ADDRESS.sub(BLANK, text)
    text = _LOGIN.sub(rf"\1:{BLANK}@", text)
    text = _RELATIVE_QUERY.sub(f"?{BLANK}", text)
    return _NAMED.sub(rf"\1{BLANK}", text)


def _logins(address: str) -> Iterator[tuple[str, str]]:
    """User and password as they may be meant: up to the last @ of all, or the last one before the path."""
    scheme, marked, rest = address.partition("://")
    rest = rest if marked else scheme
    for login in {rest.rpartition("@")[0], re.split("[/?#]", rest)[0].rpartition("@")[0]}:
        user, colon, password = login.partition(":")
        if colon and password:
            yield user, password


def _users(address: str) -> Iterator[str]:
    for user, _ in _logins(address):
        if len(user) >= SHORTEST and user.lower() not in NO_SECRET:
            yield user


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is written, decoded and encoded, and in Python's and JSON's quotation marks."""
    for plain in {secret, unquote(secret), unquote_plus(secret)}:
        yield from (plain, quote(plain), quote(plain, safe=""), quote_plus(plain))
        yield from (repr(plain)[1:-1], json.dumps(plain)[1:-1])


def _pattern(form: str) -> str:
    """Matches a secret, unless it is the user in front of a password that is blanked already."""
    pattern = re.escape(form)
    if len(form) < WHOLE_WORD_BELOW:
        pattern = (
            (r"(?<!\w)" if form[0].isalnum() else "") + pattern + (r"(?!\w)" if form[-1].isalnum() else "")
        )
    return rf"{pattern}(?!:\*\*\*@)"
