"""Cameras over HTTP: what the odd ones are said to send they send; few pictures a second are enough."""

from __future__ import annotations

import math
import subprocess
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from copies import scene
from live_http import Motion, WebCamera
from rtsp import encode
from running import until

from pynvr.errors import SettingsError
from pynvr.media.frame import Gap
from pynvr.sources.camera import LiveSource
from pynvr.sources.diagnosis import why_not_opened
from pynvr.sources.films.packet_file import FilePackets
from pynvr.sources.opening import Timeouts
from pynvr.sources.packet_camera import LivePackets

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


@pytest.mark.slow
def test_few_pictures_a_second_in_a_transport_stream(tmp_path: Path, logged_errors: list[str]) -> None:
    """A busy server may need a second call."""
    film = encode(tmp_path / "slow.ts", scene([number / 4 for number in range(60)], (0, 9)), fps=4, gop=4)
    command = f"ffmpeg -v error -re -i {film} -c copy -f mpegts -flush_packets 1 -muxdelay 0 -".split()
    with WebCamera(flow=("video/mp2t", command)) as camera:
        packets = LivePackets(camera.url("flow"), threading.Event(), 2**26, Timeouts(2.0, 3.0))
        until(lambda: packets.received >= 12, 40, "twelve of them")
        packets.close()
    times = [item.time for item in packets.until(math.inf) if not isinstance(item, Gap)]
    # the first two come at once; others when the machine has time
    assert np.median(np.diff(times)) == pytest.approx(0.25, abs=0.1)


@pytest.mark.slow
def test_what_opencv_cannot_decode_is_said(tmp_path: Path, logged_errors: list[str]) -> None:
    raw = encode(tmp_path / "raw.mkv", scene([number / 25 for number in range(125)], (0, 5)), codec="mpeg4")
    film = tmp_path / "film.mkv"
    encoder = ["-c:v", "libsvtav1", "-preset", "12", "-g", "25", "-svtav1-params", "lp=1"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(raw), *encoder, str(film)], check=True)
    with pytest.raises(SettingsError, match=r"film\.mkv sends av1;"):
        FilePackets(film, threading.Event())
    command = f"ffmpeg -v error -re -i {film} -c copy -f matroska -live 1 -".split()
    with WebCamera(flow=("video/x-matroska", command)) as camera:
        source = LiveSource(camera.url("flow"), threading.Event(), 2**26)
        until(lambda: logged_errors, 20, "an error")
        source.close()
    assert "sends AV01, which this OpenCV cannot decode" in logged_errors[0]


@pytest.mark.slow
def test_a_wrong_password_is_sent_few_times(logged_errors: list[str]) -> None:
    """Cameras lock an account after some five tries."""
    with WebCamera(login=("me", "right"), digest=True) as camera:
        source = LiveSource(camera.url("video", "me:wrong"), threading.Event(), 2**26)
        until(lambda: logged_errors, 20, "an error")
        source.close()
    assert "refuses the user or the password" in logged_errors[0]
    assert camera.passwords == 3


def test_a_camera_that_asks_for_a_password_by_digest_is_understood() -> None:
    with WebCamera(login=("me", "right"), digest=True) as camera:
        assert why_not_opened(camera.url("video"), 2, False).text.startswith("asks for a user and a password")
