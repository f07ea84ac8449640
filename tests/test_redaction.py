"""No password gets past."""

from __future__ import annotations

import pytest

from pynvr.redaction import without_password


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://user:secret@host/stream", "rtsp://user:***@host/stream"),
        ("rtsp://user:secret@host:554/s?x=1", "rtsp://user:***@host:554/s?x=1"),
        ("rtsp://:secret@host/", "rtsp://:***@host/"),
        ("rtsp://user:se:cr@et@host/", "rtsp://user:***@host/"),
        ("rtsp://user:se/cret@host/", "rtsp://user:***@host/"),
        ("rtsp://user:s%40cret@host/", "rtsp://user:***@host/"),
        ("http://admin:@host/", "http://admin:***@host/"),
        ("HTTP://a:secret@h/ failed", "HTTP://a:***@h/ failed"),
        ("http://host/cgi?user=u&password=secret&ch=1", "http://host/cgi?user=u&password=***&ch=1"),
        ("http://host/?pwd=secret", "http://host/?pwd=***"),
        ("http://host/?usr=me&PASS=secret", "http://host/?usr=me&PASS=***"),
        ("rtsp://me@example.com:secret@host/", "rtsp://me@example.com:***@host/"),
        ("rtsp://h:554/user=a_password=secret_channel=1_stream=0.sdp", "rtsp://h:554/user=a_password=***"),
        ("camera rtsp://u:secret@h/1: cannot be opened", "camera rtsp://u:***@h/1: cannot be opened"),
    ],
)
def test_password_is_blanked(text: str, expected: str) -> None:
    assert without_password(text) == expected


def test_all_of_several_lines_are_blanked() -> None:
    text = "one rtsp://a:secret@h/1\ntwo rtsp://b:secret@h/2 and http://h/?pwd=secret"
    assert "secret" not in without_password(text)


@pytest.mark.parametrize(
    "text", ["rtsp://host/stream", "rtsp://host:554/stream", "rtsp://user@host/", "12:30 me@host", "demo"]
)
def test_other_text_stays(text: str) -> None:
    assert without_password(text) == text
