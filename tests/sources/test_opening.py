"""Opening cameras side by side: FFmpeg's options are one variable for the whole process."""

from __future__ import annotations

import os
from unittest import mock

import cv2
import pytest

from pynvr.sources import opening
from pynvr.sources.opening import OPTIONS, USUAL, Opener, Timeouts


def test_an_opening_has_its_own_options_whatever_was_opened_just_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A playlist opened beside an RTSP stream once took that one's: its pictures came without times."""
    monkeypatch.setenv(OPTIONS, USUAL)
    monkeypatch.setattr(opening, "_as_found", False)
    seen: list[str] = []

    def capture(*_: object) -> mock.Mock:
        seen.append(os.environ[OPTIONS])
        return mock.Mock(**{"get.return_value": 25.0, "isOpened.return_value": True})

    openers = [Opener(f"{kind}://127.0.0.1:1/", Timeouts()) for kind in ("rtsp", "udp", "rtsp", "rtmp")]
    monkeypatch.setattr(cv2, "VideoCapture", capture)
    for opener in openers:
        opener.open()
    assert seen == [opener._options for opener in openers]
    assert len(set(seen)) == 3
