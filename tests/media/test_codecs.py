"""What has to be known of a stream's bytes: its codec, and where its parameter sets are."""

from __future__ import annotations

import pytest

from pynvr.errors import SettingsError
from pynvr.media.codecs import H264, H265, MJPEG, CopyCodec, copyable, is_annex_b, parameter_sets

SPS, PPS, IDR, SEI = b"\x67sps", b"\x68pps", b"\x65idr", b"\x06sei"
VPS5, SPS5, PPS5, IDR5 = b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps", b"\x26\x01idr"


def annex_b(*units: bytes, code: bytes = b"\0\0\0\1") -> bytes:
    return b"".join(code + unit for unit in units)


@pytest.mark.parametrize("code", [b"\0\0\1", b"\0\0\0\1"])
def test_parameter_sets_are_found_before_the_picture(code: bytes) -> None:
    assert parameter_sets(H264, annex_b(SEI, SPS, PPS, IDR, code=code)) == annex_b(SPS, PPS)
    assert parameter_sets(H265, annex_b(VPS5, SPS5, PPS5, IDR5, code=code)) == annex_b(VPS5, SPS5, PPS5)


@pytest.mark.parametrize("units", [(IDR,), (SEI, IDR), (PPS, IDR), (IDR, SPS, PPS), ()])
def test_without_a_sequence_set_before_the_picture_there_are_none(units: tuple[bytes, ...]) -> None:
    assert parameter_sets(H264, annex_b(*units)) == b""


def test_of_what_is_no_annex_b_there_are_none() -> None:
    assert parameter_sets(H264, b"\x01\x64\x00\x0d\xff\xe1") == b""
    assert parameter_sets(MJPEG, annex_b(SPS)) == b""
    assert not is_annex_b(b"\x01\x64\x00\x0d")


@pytest.mark.parametrize(
    ("fourcc", "codec"),
    [("h264", H264), ("H264", H264), ("hevc", H265), ("hev1", H265), ("MJPG", MJPEG), ("mp4v", None)],
)
def test_codecs_by_their_names(fourcc: str, codec: CopyCodec | None) -> None:
    if codec is None:
        with pytest.raises(SettingsError, match=fourcc):
            copyable(fourcc, "camera", ".mp4")
    else:
        assert copyable(fourcc, "camera", ".mp4") is codec
