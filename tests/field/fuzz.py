"""Chance at work on a file: bits flipped, parts cut out, parts repeated."""

from __future__ import annotations

import random


def spoil(data: bytes, seed: int) -> bytes:
    """Another content, the same for the same seed: one to four accidents of one kind or of several."""
    dice = random.Random(seed)
    for _ in range(dice.choice((1, 1, 2, 4))):
        data = dice.choice((_flip, _flip, _cut_out, _repeat, _shorten))(data, dice)
    return data


def _flip(data: bytes, dice: random.Random) -> bytes:
    """Up to 60 bits, anywhere or all within a few hundred bytes."""
    changed = bytearray(data)
    begin, end = 0, len(data)
    if dice.random() < 0.5:
        begin = dice.randrange(max(1, len(data) - 300))
        end = min(len(data), begin + 300)
    for _ in range(dice.choice((1, 3, 10, 60))):
        changed[dice.randrange(begin, end)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut_out(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + data[place + dice.choice((1, 188, 1000, len(data) // 10)) :]


def _repeat(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    end = place + dice.choice((1, 188, 1000, len(data) // 10))
    return data[:end] + data[place:]


def _shorten(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) // 3, len(data))]
