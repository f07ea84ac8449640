"""How a finished .mp4 is to be shown, turned or with pixels that are not square, written into its boxes.

OpenCV's writer can say neither. Both are few bytes of the track's description, behind the pictures.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pynvr.errors import RecordingError
from pynvr.media.packet import AS_CODED, Shape

ONE = 1 << 16
SAMPLE_ENTRY_BYTES = 86
"""Header and fixed fields of a video sample entry; boxes like `pasp` follow."""
LARGEST_MOOV = 256 << 20


class Box(NamedTuple):
    """A box within bytes: from its size field to its end."""

    kind: bytes
    start: int
    body: int
    end: int


def set_shape(path: Path, shape: Shape) -> None:
    """Have players turn the pictures of a finished .mp4 with one track, and give pixels their shape.

    Raises RecordingError where the file is not built as OpenCV builds it; it is left alone then.
    """
    if shape == AS_CODED:
        return
    with path.open("r+b") as file:
        at, size = _find_moov(file, path)
        file.seek(at)
        moov = bytearray(file.read(size))
        try:
            _turn(moov, shape)
            if shape.pixel_width != shape.pixel_height:
                _add_pixel_shape(moov, shape)
        except (struct.error, StopIteration, IndexError):
            raise RecordingError(f"{path}: its boxes cannot be understood") from None
        file.seek(at)
        file.write(moov)


def _find_moov(file: BinaryIO, path: Path) -> tuple[int, int]:
    """Where the description lies and how large it is: at the end of the file, so that it may grow."""
    at, end = 0, file.seek(0, 2)
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        size = size or end - at
        if kind == b"moov" and at + size == end and size <= LARGEST_MOOV:
            return at, size
        if size < 8:
            break
        at += size
    raise RecordingError(f"{path}: has no description at its end")


def _boxes(data: bytearray, begin: int, end: int) -> Iterator[Box]:
    while begin + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, begin)
        if size < 8 or begin + size > end:
            raise IndexError
        yield Box(kind, begin, begin + 8, begin + size)
        begin += size


def _within(data: bytearray, *kinds: bytes) -> list[Box]:
    """The boxes on the way down to the first one of these kinds, each inside the one before."""
    way: list[Box] = []
    begin, end = 0, len(data)
    for kind in kinds:
        box = next(box for box in _boxes(data, begin, end) if box.kind == kind)
        way.append(box)
        begin, end = box.body, box.end
    return way


def _turn(moov: bytearray, shape: Shape) -> None:
    """Write the matrix of the track's header, and the size at which it is shown."""
    header = _within(moov, b"moov", b"trak", b"tkhd")[-1]
    at = header.body + (88 if moov[header.body] == 1 else 76)  # width and height end the box
    width, height = struct.unpack_from(">II", moov, at)
    width = width * shape.pixel_width // shape.pixel_height
    cosine, sine = {0: (1, 0), 90: (0, -1), 180: (-1, 0), 270: (0, 1)}[shape.turn]
    # a picture turned about its corner is moved back to where it is seen
    left = {180: width, 270: height}.get(shape.turn, 0)
    top = {90: width, 180: height}.get(shape.turn, 0)
    matrix = (cosine * ONE, sine * ONE, 0, -sine * ONE, cosine * ONE, 0, left, top, 1 << 30)
    struct.pack_into(">9i", moov, at - 36, *matrix)
    struct.pack_into(">II", moov, at, width, height)


def _add_pixel_shape(moov: bytearray, shape: Shape) -> None:
    """Put a `pasp` box behind the sample entry, or into the one that is there."""
    way = _within(moov, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(_boxes(moov, way[-1].body + 8, way[-1].end))
    spacing = struct.pack(">I4sII", 16, b"pasp", shape.pixel_width, shape.pixel_height)
    inside = _boxes(moov, entry.start + SAMPLE_ENTRY_BYTES, entry.end)
    there = next((box for box in inside if box.kind == b"pasp"), None)
    if there is not None:
        moov[there.start : there.end] = spacing
        return
    moov[entry.end : entry.end] = spacing
    for box in (*way, entry):
        (size,) = struct.unpack_from(">I", moov, box.start)
        struct.pack_into(">I", moov, box.start, size + len(spacing))
