"""How far apart sound and pictures begin, where only their arrivals tell. Times are seconds."""

from __future__ import annotations

import random

import pytest

from pynvr.sources.sound.beginning import BELIEVED_S, Beginning
from pynvr.sources.sound.interleave import Interleaver

PICTURE_S, PIECE_S = 0.04, 0.064


def heard(
    behind_s: float,
    late_s: float = 0.0,
    jitter_s: float = 0.0,
    opening_s: float = 0.0,
    waits: bool = False,
    reported: float = 1e9,
    damaged_s: float = 0.0,
) -> list[tuple[float, float]]:
    """When each piece was heard in truth, and by how much later it is said to have been, over 8 s.

    The sound's times are behind by `behind_s` until the camera reports, and it arrives later than the
    pictures. What arrives within `opening_s` comes at once after it. By `damaged_s` the time of one piece
    of sound and of one picture is wrong.
    """
    dice, found = random.Random(1), []
    interleaver = Interleaver(beginning=Beginning(waits))
    events = [(n * PICTURE_S + PICTURE_S * waits, n * PICTURE_S, False) for n in range(200)]
    events += [(n * PIECE_S + PIECE_S + late_s, n * PIECE_S, True) for n in range(125)]
    came = 0.0
    for due, truth, is_sound in sorted(events):
        came = max(came, opening_s, due + dice.uniform(0, jitter_s))
        if truth >= reported:
            interleaver.believe()
        if is_sound:
            told = truth if truth >= reported else truth - behind_s
            if truth == 4 * PIECE_S:
                told += damaged_s
            interleaver.add_sound(told, repr(truth).encode(), 1e5 + came, PIECE_S)
        else:
            for piece in interleaver.sound_for(truth + damaged_s * (truth == 6 * PICTURE_S), 1e5 + came):
                found.append((float(piece.data), truth + piece.after_s - float(piece.data)))
    return found


@pytest.mark.parametrize("behind_s", [0.27, -0.27, 0.8, -1.5])
@pytest.mark.parametrize(
    "arrivals", [{}, {"jitter_s": 0.1}, {"opening_s": 1.3}, {"waits": True}], ids=lambda value: str(value)
)
def test_the_arrivals_tell_it(behind_s: float, arrivals: dict[str, float]) -> None:
    found = heard(behind_s, **arrivals)  # type: ignore[arg-type]
    assert len(found) > 115
    assert max(abs(off) for _, off in found) <= 0.04


@pytest.mark.parametrize("late_s", [0.09, -0.05])
def test_a_camera_that_needs_longer_for_one_of_them_is_believed(late_s: float) -> None:
    assert abs(late_s) < BELIEVED_S
    assert max(abs(off) for _, off in heard(0.0, late_s, jitter_s=0.01)) < 1e-6


@pytest.mark.parametrize("damaged_s", [0.4, 1000.0, -1000.0])
@pytest.mark.parametrize("behind_s", [0.0, 0.27])
def test_a_damaged_time_tells_nothing(damaged_s: float, behind_s: float) -> None:
    found = heard(behind_s, damaged_s=damaged_s)
    assert len(found) > 115
    assert max(abs(off) for truth, off in found if truth > 1) <= 0.04


def test_a_report_is_believed_at_once() -> None:
    """However late sound comes."""
    found = heard(0.3, late_s=0.2, reported=4.0)
    assert max(abs(off) for truth, off in found if truth >= 4.0) < 1e-6


def test_sound_without_pictures_waits_for_no_judgement() -> None:
    interleaver = Interleaver(beginning=Beginning())
    for n in range(20):
        interleaver.add_sound(n * PIECE_S, b"", n * PIECE_S, PIECE_S)
    assert len(interleaver.sound_for(20 * PIECE_S, 20 * PIECE_S)) == 20
