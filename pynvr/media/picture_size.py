"""The size of the pictures that parameter sets announce: ITU-T H.264, 7.3.2.1.1, and H.265, 7.3.2.2.

OpenCV tells the size that a stream has when it is opened, and never that it has changed.
"""

from __future__ import annotations

from pynvr.media.codecs import H264, H265, CopyCodec, units_before_picture

WITH_CHROMA_FORMAT = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
"""Profiles of H.264 whose sequence parameter sets begin with more."""
SUBSAMPLING = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}
"""Chroma format -> by how much colours are coarser, horizontally and vertically."""
MACROBLOCK_PX = 16
SIDE_PX = range(16, 16385)
"""Any other width or height comes from a damaged set."""
H264_PROFILES = {66, 77, 88} | WITH_CHROMA_FORMAT
H264_LEVELS = {9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62}
H265_PROFILES = range(1, 12)
H265_LEVELS = range(30, 256, 3)


def size_of(codec: CopyCodec, sets: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels that Annex B parameter sets announce.

    None where they are not understood: the few bytes of a set say much, and hardly any damage makes sense.
    """
    parse = {H264.name: _h264, H265.name: _h265}.get(codec.name)
    if parse is None:
        return None
    for unit in units_before_picture(codec, sets):
        if unit and codec.unit_type(unit[0]) == codec.sequence_type:
            try:
                size = parse(_Bits(unit))
            except (IndexError, ValueError):  # cut short, or damaged
                return None
            return size if all(side in SIDE_PX for side in size) else None
    return None


class _Bits:
    """Reads the bits of a unit, without the bytes that keep start codes out of it."""

    def __init__(self, unit: bytes) -> None:
        self._bytes = unit.replace(b"\0\0\3", b"\0\0")
        self._at = 0

    def take(self, count: int) -> int:
        """An unsigned number of `count` bits; raises IndexError at the end."""
        value = 0
        for _ in range(count):
            value = value << 1 | self._bytes[self._at >> 3] >> (7 - self._at % 8) & 1
            self._at += 1
        return value

    def skip(self, count: int) -> None:
        self._at += count

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number, ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_golomb(self) -> int:
        """A signed one, se(v)."""
        value = self.golomb()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _h264(bits: _Bits) -> tuple[int, int]:
    bits.skip(8)
    profile = bits.take(8)
    bits.skip(8)
    _check(profile in H264_PROFILES and bits.take(8) in H264_LEVELS)
    bits.golomb()
    chroma = 1
    if profile in WITH_CHROMA_FORMAT:
        chroma = bits.golomb()
        if chroma == 3:
            bits.skip(1)
        bits.golomb()
        bits.golomb()
        bits.skip(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 8 if chroma != 3 else 12)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.skip(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    bits.skip(1)
    width = (bits.golomb() + 1) * MACROBLOCK_PX
    map_units = bits.golomb() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.skip(1)
    bits.skip(1)
    height = map_units * MACROBLOCK_PX * (2 - frames_only)
    across, down = SUBSAMPLING.get(chroma, (1, 1))
    return _cropped(bits, width, height, across, down * (2 - frames_only))


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for number in range(count):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.signed_golomb()) % 256
            last = following or last


def _h265(bits: _Bits) -> tuple[int, int]:
    bits.skip(16 + 4)
    layers = bits.take(3)
    bits.skip(1)
    bits.skip(3)
    profile = bits.take(5)
    bits.skip(80)
    _check(profile in H265_PROFILES and bits.take(8) in H265_LEVELS)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.skip(2 * (8 - layers))
    for profile, level in present:
        bits.skip(88 * profile + 8 * level)
    bits.golomb()
    chroma = bits.golomb()
    if chroma == 3:
        bits.skip(1)
    width, height = bits.golomb(), bits.golomb()
    return _cropped(bits, width, height, *SUBSAMPLING.get(chroma, (1, 1)))


def _check(sensible: bool) -> None:
    if not sensible:
        raise ValueError


def _cropped(bits: _Bits, width: int, height: int, across: int, down: int) -> tuple[int, int]:
    """The size without what is cut off: told in steps of so many pixels."""
    if not bits.take(1):
        return width, height
    left, right, top, bottom = (bits.golomb() for _ in range(4))
    return width - (left + right) * across, height - (top + bottom) * down
