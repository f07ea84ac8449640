"""What disks, networks and power cuts do to a file; each function makes one that does it to a path."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from player import probe

Harm = Callable[[Path], None]

TS_PACKET = 188


def cut(share: float) -> Harm:
    """Keep only so much of the beginning."""
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def behead(share: float) -> Harm:
    """Lose so much of the beginning."""
    return lambda path: _rewrite(path, lambda data: data[int(len(data) * share) :])


def zero_packet(*shares: float) -> Harm:
    """Overwrite with zeros the video packets that lie so far within the film."""

    def harm(path: Path) -> None:
        places = _packets(path)
        for share in shares:
            _zero(path, *places[min(len(places) - 1, int(len(places) * share))])

    return harm


def zero_packets(every: int) -> Harm:
    """Overwrite every so many-th video packet with zeros, from the middle of the first run on."""

    def harm(path: Path) -> None:
        for place in _packets(path)[every // 2 :: every]:
            _zero(path, *place)

    return harm


def scratch(every: int, seed: int = 1) -> Harm:
    """Change one bit in every so many-th video packet."""

    def harm(path: Path) -> None:
        dice = random.Random(seed)
        with path.open("r+b") as file:
            for position, size in _packets(path)[every // 2 :: every]:
                place = position + dice.randrange(size // 4, size)
                file.seek(place)
                (byte,) = file.read(1)
                file.seek(place)
                file.write(bytes([byte ^ 1 << dice.randrange(8)]))

    return harm


def zeros(begin: float, end: float) -> Harm:
    """Overwrite all between two places with zeros: a download with a hole, a bad disk block."""

    def harm(path: Path) -> None:
        size = path.stat().st_size
        _zero(path, int(size * begin), int(size * (end - begin)))

    return harm


def garbage(share: float, size: int = 5000) -> Harm:
    """Put noise in between at a place; 0.0: before it all, 1.0: behind."""
    noise = random.Random(2).randbytes(size)

    def put(data: bytes) -> bytes:
        place = int(len(data) * share)
        return data[:place] + noise + data[place:]

    return lambda path: _rewrite(path, put)


def without(share: float, size: int) -> Harm:
    """Lose so many bytes at a place."""

    def take(data: bytes) -> bytes:
        place = int(len(data) * share)
        return data[:place] + data[place + size :]

    return lambda path: _rewrite(path, take)


def lose_ts_packets(every: int) -> Harm:
    """Lose every so many-th packet of a transport stream, as UDP does."""

    def lose(data: bytes) -> bytes:
        kept = [data[at : at + TS_PACKET] for at in range(0, len(data), TS_PACKET)]
        return b"".join(packet for number, packet in enumerate(kept, 1) if number % every)

    return lambda path: _rewrite(path, lose)


def _packets(path: Path) -> list[tuple[int, int]]:
    """Where the first video stream's packets lie: position and size; what a container puts around is not."""
    options = ["-select_streams", "v:0", "-show_packets"]
    packets = probe(path, "packet=pos,size", *options)["packets"]
    return [(int(packet["pos"]), int(packet["size"])) for packet in packets if "pos" in packet]


def _zero(path: Path, position: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(bytes(size))


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))
