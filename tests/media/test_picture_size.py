"""The size of pictures, read from parameter sets that real encoders have made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from copies import packets_of
from hypothesis import given
from hypothesis import strategies as st
from rtsp import needs_rtsp

from pynvr.media.codecs import H264, H265, CopyCodec
from pynvr.media.ffmpeg import size_of

WRONG_SEI = {H264.name: b"\0\0\1\x06\x05\xff\xff\x10", H265.name: b"\0\0\1\x4e\x01\x05\xff\xff"}
"""It says that it is longer than it is."""

pytestmark = [needs_rtsp, pytest.mark.slow]  # for ffmpeg


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (180, 148), (1280, 720)])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        (H264, "libx264 -profile:v baseline"),
        (H264, "libx264 -profile:v high"),
        (H264, "libx264 -pix_fmt yuv422p"),
        (H264, "libx264 -pix_fmt yuv444p"),
        (H264, "libx264 -x264-params cqm=jvt"),
        (H264, "libx264 -flags +ilme+ildct -x264opts interlaced=1"),
        (H265, "libx265 -x265-params log-level=error"),
        (H265, "libx265 -pix_fmt yuv422p10 -x265-params log-level=error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_size_as_the_encoder_was_told(
    tmp_path: Path, size: tuple[int, int], codec: CopyCodec, options: str
) -> None:
    path = tmp_path / "a.mp4"
    source = f"color=size={size[0]}x{size[1]}:rate=5"
    pixels = [] if "pix_fmt" in options else ["-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-c:v"]
    subprocess.run([*command, *options.split(), *pixels, str(path)], check=True)
    packet = packets_of(path)[0].data
    assert size_of(codec, packet) == size
    assert size_of(codec, WRONG_SEI[codec.name] + packet) == size


@given(st.binary(max_size=60))
def test_any_bytes_are_taken(data: bytes) -> None:
    for codec, header in ((H264, b"\x67"), (H265, b"\x42\x01")):
        size_of(codec, b"\0\0\0\1" + header + data)
