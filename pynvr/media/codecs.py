"""The codecs that can be copied, and what has to be known of their bytes.

H.264 and H.265 arrive as Annex B: units, each behind a start code 00 00 01. Before its first picture a
decoder needs the parameter sets. A camera sends them before each key picture, or once to set up the stream.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pynvr.errors import SettingsError

START_CODE = b"\0\0\1"
LONG_START_CODE = b"\0\0\0\1"
JPEG_BEGINS, JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec is written while a recording is open, and named in its final container."""

    part_suffix: str
    """Container of an open recording: readable after a crash up to the last packets."""
    fourcc: dict[str, str]
    """Container's suffix -> the codec's name there; the first one is the usual one."""


@dataclass(frozen=True, slots=True)
class CopyCodec(Codec):
    """A codec whose packets can be copied."""

    name: str
    ffmpeg_name: str
    unit_type: Callable[[int], int] = lambda _: -1
    """A unit's type from its first byte."""
    parameter_sets: frozenset[int] = frozenset()
    first_picture: range = range(0)
    """Types of units that are pictures."""
    delimiter: bytes = b""
    """A transport stream puts this before each packet that does not begin with it."""


H264 = CopyCodec(
    ".ts", dict.fromkeys((".mp4", ".ts", ".mkv"), "avc1"), "H.264", "h264",
    lambda byte: byte & 31, frozenset({7, 8}), range(1, 6), LONG_START_CODE + b"\x09\xf0",
)  # fmt: skip
H265 = CopyCodec(  # Apple's players refuse hev1, FFmpeg's own name for it in .mp4
    ".ts", dict.fromkeys((".mp4", ".ts", ".mkv"), "hvc1"), "H.265", "hevc",
    lambda byte: byte >> 1 & 63, frozenset({32, 33, 34}), range(32), LONG_START_CODE + b"\x46\x01\x50",
)  # fmt: skip
# a JPEG needs no other packet. A transport stream cannot carry it, and browsers cannot play it in .mp4
MJPEG = CopyCodec(".avi", {".avi": "MJPG", ".mkv": "MJPG"}, "MJPEG", "mjpeg")

CODECS = {
    "h264": H264, "avc1": H264, "hevc": H265, "hev1": H265, "hvc1": H265, "h265": H265,
    "mjpg": MJPEG, "mjpeg": MJPEG,
}  # fmt: skip
"""Keys: what OpenCV's CAP_PROP_FOURCC says, and FFmpeg's names, in lower case."""
USUAL_SUFFIX = ".mp4"
FLEXIBLE = (".mp4", ".ts")
"""The default, and settings meant for H.264: other codecs get their own container instead."""


def copyable(sent: str, name: str, suffix: str) -> CopyCodec:
    """The codec that FFmpeg calls `sent`; raises SettingsError if a file of this suffix cannot hold it."""
    codec = CODECS.get(sent.lower())
    if codec is None:
        raise SettingsError(
            f'RECORDING_MODE = "copy": {name} sends {sent}; only H.264, H.265 and MJPEG can be copied: '
            'let the camera send one of these, or set "encode"'
        )
    if suffix not in (*codec.fourcc, *FLEXIBLE):
        raise SettingsError(
            f'OUTPUT_FILES_EXTENSION = "{suffix}": {name} sends {codec.name}, which can be copied into '
            f"{' or '.join(codec.fourcc)} only; set one of these or None"
        )
    return codec


def is_annex_b(data: bytes) -> bool:
    """Whether a packet begins with a start code; packets of an .mp4 file do not."""
    return data.startswith((START_CODE, LONG_START_CODE))


def parameter_sets(codec: CopyCodec, data: bytes) -> bytes:
    """A packet's parameter sets before its first picture, as Annex B; empty if one kind is missing."""
    found: list[bytes] = []
    for unit in filter(None, data.split(START_CODE)[1:]):
        kind = codec.unit_type(unit[0])
        if kind in codec.first_picture:
            break
        if kind in codec.parameter_sets:
            found.append(unit.rstrip(b"\0"))
    if {codec.unit_type(unit[0]) for unit in found} != codec.parameter_sets:
        return b""
    return b"".join(LONG_START_CODE + unit for unit in found)
