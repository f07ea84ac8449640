"""No secret of an address gets past, however wrongly the address is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pynvr import redaction
from pynvr.redaction import long_secrets_of, without_password


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    redaction.know(())
    yield
    redaction.know(())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://user:secret@host/stream", "rtsp://user:***@host/stream"),
        ("rtsp://user:secret@host:554/s?x=1", "rtsp://user:***@host:554/s?***"),
        ("rtsp://:secret@host/", "rtsp://:***@host/"),
        ("rtsp://user:se:cr@et@host/", "rtsp://user:***@host/"),
        ("rtsp://user:se/cret@host/", "rtsp://user:***@host/"),
        ("rtsp://user:s%40cret@host/", "rtsp://user:***@host/"),
        ("rtsp://user:se cr#e?t@host/", "rtsp://user:***@host/"),
        ("rtsp://us er:secret@host/", "rtsp://***:***@host/"),
        ("rtsp://user:secret@[fe80::1]:554/s", "rtsp://user:***@[fe80::1]:554/s"),
        ("rtsp://user:secret", "rtsp://user:***"),
        ("rtsp:/user:secret@host/", "rtsp:***@host/"),
        ("user:secret@host/stream", "user:***@host/stream"),
        ("http://admin:@host/", "http://admin:***@host/"),
        ("HTTP://a:secret@h/ failed", "HTTP://a:***@h/ failed"),
        ("http://host/cgi?user=u&loginpas=secret&ch=1", "http://host/cgi?***"),
        ("http://host/cgi?token=sec ret", "http://host/cgi?***"),
        ("http://host/cgi?to=a@b/secret", "http://host***"),
        ("rtsp://user:a ://secret@host/", "rtsp://user:***@host/"),
        ("http://host/cgi#secret", "http://host/cgi#***"),
        ("http://host/cgi?mail=a@b.c&pw=secret", "http://host***"),
        ("rtsp://me@example.com:secret@host/", "rtsp://me@example.com:***@host/"),
        ("rtsp://h:554/user=a_password=secret_channel=1_stream=0.sdp", "rtsp://h:554/user=a_password=***"),
        ("rtsp%3A%2F%2Fu%3Asecret%40h%2F failed", "*** failed"),
        ("camera rtsp://u:secret@h/1: cannot be opened", "camera rtsp://u:***@h/1: cannot be opened"),
        ("camera http://h/1?t=secret: cannot be opened", "camera http://h/1?***: cannot be opened"),
        ("cam = 'http://h/1?t=secret': refused", "cam = 'http://h/1?***': refused"),
        ("GET /cgi?psw=secret HTTP/1.1", "GET /cgi?*** HTTP/1.1"),
        ("[http @ 0x5] tcp://h:80?timeout=5 failed", "[http @ 0x5] tcp://h:80?*** failed"),
    ],
)
def test_only_scheme_host_port_path_and_user_are_shown(text: str, expected: str) -> None:
    assert without_password(text) == expected
    assert without_password(expected) == expected  # a name that is blanked already is put into messages


def test_all_addresses_of_several_lines_are_blanked() -> None:
    text = (
        "one rtsp://a:secret@h/1\ntwo rtsp://b:secret@h/2 and http://h/?pwd=secret, see 'rtsp://c:secret@h'"
    )
    assert without_password(text) == (
        "one rtsp://a:***@h/1\ntwo rtsp://b:***@h/2 and http://h/?***, see 'rtsp://c:***@h'"
    )


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://host/stream", "rtsp://host:554/stream", "rtsp://user@host/", "12:30 me@host",
        "demo:rain+lamp", "camera rtsp://host/1: connected, was away for 3.1 s",
        "rtsp://[::1]:8554/x: is it there?",
        "[h264 @ 0x55d0] error while decoding MB 3 4", "did you mean cam?",
        "2026-11-25 14:00:01,123 - INFO - on",
    ],
)  # fmt: skip
def test_other_text_stays(text: str) -> None:
    assert without_password(text) == text


ODD = st.text("aZ9 @/?#:%&=+'\"\\.,;[]{}é", max_size=6)


@given(ODD, ODD, st.sampled_from(["camera {}: cannot be opened", "{}", "cam = {!r}", "see '{}', not {}"]))
def test_no_password_gets_past(before: str, after: str, sentence: str) -> None:
    address = f"rtsp://user:{before}SECRET{after}@host:554/live"
    assert "SECRET" not in without_password(sentence.format(address, address))


@given(st.text("aZ9@/?#:%&=+é", max_size=6), st.text("aZ9 @/?#:%&=+'\"é", max_size=6))
def test_no_query_gets_past(before: str, after: str) -> None:
    assert "SECRET" not in without_password(f"http://host/cgi?{before}=SECRET{after}")


# ---- known by heart


@given(st.text("aZ9@/?#:%&=+'\"\\é-_", min_size=4, max_size=12))
@example("Abc@1234")
@example("p%40ss%2Fword")
def test_the_settings_password_is_blanked_wherever_and_however_it_appears(password: str) -> None:
    address = f"rtsp://joe:{password}@host/live"
    redaction.know([address])
    plain = unquote(password)
    login = base64.b64encode(f"joe:{plain}".encode()).decode()
    for form in (
        password,
        plain,
        quote(plain, safe=""),
        quote_plus(plain),
        json.dumps(password)[1:-1],
        login,
    ):
        if len(form) >= redaction.SHORTEST:
            shown = without_password(f"ffmpeg: {form} is wrong")
            assert form not in shown.removeprefix("ffmpeg: ").removesuffix(" is wrong"), shown


def test_pieces_users_and_query_values_are_known_too() -> None:
    redaction.know(["http://joe77:first/second@host/cgi?whatever=ABCD1234&channel=1"])
    shown = without_password("first, second: joe77 asked for ABCD1234 of channel 1; http://joe77:x@host/")
    assert shown == "***, ***: *** asked for *** of channel 1; http://joe77:***@host/"


def test_a_short_secret_is_no_part_of_a_word() -> None:
    redaction.know(["rtsp://admin:fish@host/"])
    assert without_password("admin: fish, selfish fishing") == "admin: ***, selfish fishing"


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("rtsp://u:secret@h/", True),
        ("http://h/?token=abcdef", True),
        ("rtsp://h/cam/realmonitor?channel=1&subtype=0", False),
        ("rtsp://u@h/", False),
        ("demo:rain", False),
        ("clip?.mp4", False),
    ],
)
def test_what_holds_a_secret(address: str, holds: bool) -> None:
    assert bool(long_secrets_of(address)) == holds
