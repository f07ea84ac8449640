"""Addresses as people write them: what is wrong is said with the sign to write, and no secret is shown."""

from __future__ import annotations

import pytest

from pynvr.errors import SettingsError
from pynvr.sources.address import as_ffmpeg_writes, check_address, fault_of, hint_at_password


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://192.168.1.20/stream1",
        "rtsp://me:secret@192.168.1.20:554/stream1",
        "rtsp://me:p%40s%2Fs@cam/live?channel=1&subtype=0",
        "rtsp://me:p@s:s@cam/live",
        "rtsp://me@cam/live",
        "rtsp://me:@cam/live",
        "rtsp://[fe80::1]:554/live",
        "rtsp://me:secret@[::1]/live",
        "http://cam/video.cgi?user=me&email=me@home",
        "http://cam:8080/who@where",
        "rtsp://cam/live#main",
        "udp://:5000",
        "udp://@:5000",
    ],
)
def test_nothing_is_wrong(address: str) -> None:
    assert fault_of(address) is None
    check_address(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("rtsp://me:s3cr3t/x@cam/live", "write %2F"),
        ("rtsp://me:s3cr3t#x@cam/live", "write %23"),
        ("rtsp://me:s3cr3t?x@cam/live", "write %3F"),
        ("rtsp://me:s3cr3t x@cam/live", "a space, which has to be percent-encoded: write %20"),
        ("rtsp://me:s3cr3t%x@cam/live", "write %25"),
        ("rtsp://cam/a stream", "it holds a space"),
        ("rtsp:///live", "names no host"),
        ("rtsp://me:s3cr3t@/live", "names no host"),
        ("http://:8080/live", "names no host"),
        ("udp://", "names no host"),
        ("rtsp://cam:rtsp/live", "not the number of a port"),
        ("rtsp://cam:99999/live", "not the number of a port"),
        ("rtsp://fe80::1/live", "in brackets"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(address: str, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        check_address(address)
    assert words in str(raised.value)
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize("cam", ["0", "/dev/video0", "clip:10.mp4", "demo:rain"])
def test_what_is_no_address_is_left_alone(cam: str) -> None:
    check_address(cam)


def test_signs_that_may_be_mistaken_in_a_refused_password() -> None:
    assert hint_at_password("rtsp://me:secret@cam/") == ""
    assert hint_at_password("rtsp://me:a%41@b@cam/").endswith('write "%" as %25, an at sign as %40')


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("RTSP://Cam/Live", "rtsp://Cam/Live"),
        ("rtsp://me:p%25@[fe80::1%25eth0]:554/a%25]", "rtsp://me:p%25@[fe80::1%eth0]:554/a%25]"),
        ("rtsp://[fe80::1%eth0]/live", "rtsp://[fe80::1%eth0]/live"),
        ("http://me:[%25@cam/live", "http://me:[%25@cam/live"),
        ("clip%25.mp4", "clip%25.mp4"),
    ],
)
def test_what_ffmpeg_knows_in_another_spelling_only(address: str, written: str) -> None:
    assert as_ffmpeg_writes(address) == written
