"""Opening cameras side by side: FFmpeg's options are one variable for the whole process."""

from __future__ import annotations

import os
from types import SimpleNamespace
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


@pytest.mark.parametrize("kind", ["rtsp", "udp", "rtmp"])
def test_one_opening_that_took_too_long_does_not_make_all_others_hasty(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A camera that was only starting once kept times out of order for good, if it sends B-frames."""
    monkeypatch.setenv(OPTIONS, USUAL)
    monkeypatch.setattr(opening, "_as_found", False)
    takes_s = iter([9.0, 1.0, 1.0])
    now_s = 0.0
    seen: list[str] = []

    def capture(*_: object) -> mock.Mock:
        nonlocal now_s
        now_s += next(takes_s)
        seen.append(os.environ[OPTIONS])
        return mock.Mock(**{"get.return_value": 25.0, "isOpened.return_value": True})

    opener = Opener(f"{kind}://127.0.0.1:1/", Timeouts(open_s=5.0))
    monkeypatch.setattr(cv2, "VideoCapture", capture)
    monkeypatch.setattr(opening, "time", SimpleNamespace(monotonic=lambda: now_s))
    opener.open()
    opener.open()
    thorough, hasty, after = seen
    assert hasty != thorough == after
