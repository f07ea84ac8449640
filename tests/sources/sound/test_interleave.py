"""Which sound goes with which picture, where their clocks agree and where they do not. Times are seconds."""

from __future__ import annotations

import pytest

from pynvr.sources.sound.interleave import FURTHEST_APART_S, Interleaver

PICTURE_S, PIECE_S = 0.04, 0.02


def heard(
    sound_ahead_s: float = 0.0,
    sound_late_s: float = 0.0,
    leap: tuple[float, float] = (0.0, 0.0),
    blind: float = 0,
    damaged: float = 0,
    damaged_sound: float = 0,
) -> list[tuple[float, float]]:
    """When each piece was heard in truth, and when it is said to have been, over 10 s of a camera.

    Its sound has a clock that is ahead, and arrives later than the pictures. At 5 s both clocks leap by
    `leap`, and from then on no pictures come for so long. `damaged` is what is wrong with the time of every
    fiftieth picture, `damaged_sound` with that of every fiftieth piece.
    """
    interleaver, found = Interleaver(), []
    events = [(n * PICTURE_S, n * PICTURE_S, b"") for n in range(250)]
    events += [(n * PIECE_S + sound_late_s, n * PIECE_S, str(n).encode()) for n in range(500)]
    for arrival, truth, data in sorted(events):
        told = truth + (leap[bool(data)] if truth >= 5 else 0.0)
        told += damaged if not data and round(truth / PICTURE_S) % 50 == 1 else 0.0
        told += damaged_sound if data and int(data) % 50 == 1 else 0.0
        if data:
            interleaver.add_sound(told + sound_ahead_s, data, arrival)
        elif not 5 <= truth < 5 + blind:
            found += [
                (int(piece.data) * PIECE_S, truth + piece.after_s)
                for piece in interleaver.sound_for(told, arrival)
            ]
    return found


@pytest.mark.parametrize(
    ("stream", "wrong_s", "missing"),
    [
        ({}, 0.0, 2),
        ({"sound_late_s": 0.3}, 0.0, 17),  # what comes after the last picture
        ({"sound_ahead_s": -1.5}, 1.5, 2),  # nobody can tell it from sound that is late
        ({"sound_ahead_s": 1000.0}, 0.05, 4),
        ({"sound_ahead_s": -1e6, "sound_late_s": 0.1}, 0.15, 10),
        ({"leap": (50.0, 50.0)}, 0.05, 6),  # both were set
        ({"leap": (-3.0, 0.0)}, 0.05, 6),  # only one was
        ({"damaged": 1000.0}, 0.0, 2),
        ({"damaged": -1000.0}, 0.0, 2),
        ({"damaged_sound": 1.5}, 0.0, 12),
        ({"blind": 4}, 0.0, 2),  # sound that goes on without pictures keeps its times
    ],
)
def test_sound_is_laid_beside_its_pictures(stream: dict[str, object], wrong_s: float, missing: int) -> None:
    found = heard(**stream)  # type: ignore[arg-type]
    assert max(abs(told - truth) for truth, told in found) <= wrong_s + 1e-6
    assert len(found) >= 500 - missing
    assert [truth for truth, _ in found] == sorted(truth for truth, _ in found)


def test_sound_waits_for_the_picture_after_it() -> None:
    interleaver = Interleaver()
    interleaver.sound_for(0.0, 0.0)
    interleaver.add_sound(0.05, b"later", 0.0)
    assert interleaver.sound_for(0.04, 0.04) == ()
    (piece,) = interleaver.sound_for(0.08, 0.08)
    assert (piece.data, piece.after_s) == (b"later", pytest.approx(-0.03))


def test_what_is_too_far_away_is_forgotten() -> None:
    interleaver = Interleaver()
    interleaver.add_sound(100.0, b"before the first picture", 0.0)
    assert interleaver.sound_for(100.0 + 2 * FURTHEST_APART_S, 0.1) == ()
