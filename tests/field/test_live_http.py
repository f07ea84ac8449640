"""The odd cameras over HTTP themselves: what they are said to send they send."""

from __future__ import annotations

import urllib.request

import pytest
from live_http import Motion, WebCamera

PICTURE_BYTES = 8 * 1024 * 1024
"""More than the network takes while nobody reads."""


@pytest.mark.slow
def test_a_camera_that_is_held_up_leaves_no_picture_out() -> None:
    pictures = [bytes([number]) * PICTURE_BYTES for number in range(10)]
    motion = Motion(before=b"", after=b"")
    times = [number / 20 for number in range(10)]
    with (
        WebCamera(pictures, times, motion) as camera,
        urllib.request.urlopen(camera.url("video")) as response,
    ):
        response.read(1)
        camera.stop.wait(0.8)  # all the others are due meanwhile
        seen = [response.read(PICTURE_BYTES)[-2] for _ in range(9)]
    assert seen == list(range(9))
    assert 0.5 < camera.late_s < 5
