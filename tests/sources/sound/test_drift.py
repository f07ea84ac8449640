"""Sound whose clock drifts from that of the pictures is followed; good clocks are left alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from pynvr.sources.sound.drift import CORRECTION, Drift
from pynvr.sources.sound.interleave import Interleaver

PICTURE_S, PIECE_S = 0.04, 0.064
HOUR_S = 3600.0


def hour(
    drift: float = 0.0,
    late: Callable[[float], float] = lambda truth: 0.0,
    jitter_s: float = 0.0,
    together: bool = True,
    silent: tuple[float, float] = (0.0, 0.0),
) -> list[tuple[float, float]]:
    """When each piece of sound was heard, and by how much later it is said to have been, for an hour.

    The sound's clock is too fast by `drift` seconds a second. It arrives later than pictures of its time by
    `late`. All arrivals are late by up to `jitter_s`: what follows waits for it in one connection, or
    (not `together`) each for itself. There is no sound within `silent`.
    """
    dice = random.Random(1)
    sent = [(n * PICTURE_S, n * PICTURE_S, b"") for n in range(round(HOUR_S / PICTURE_S))]
    pieces = [n * PIECE_S for n in range(round(HOUR_S / PIECE_S))]
    sent += [
        (truth + PIECE_S + late(truth), truth, b"sound")
        for truth in pieces
        if not silent[0] <= truth < silent[1]
    ]
    sent.sort()
    arrivals, latest = [], 0.0
    for due, truth, data in sent:
        arrival = due + dice.uniform(0, jitter_s)
        latest = max(latest, arrival)
        arrivals.append((latest if together else arrival, truth, data))
    interleaver, found = Interleaver(drift=Drift()), []
    for arrival, truth, data in sorted(arrivals, key=lambda each: each[0]):
        if data:
            interleaver.add_sound(truth * (1 + drift), repr(truth).encode(), 1e5 + arrival)
        else:
            for piece in interleaver.sound_for(truth, 1e5 + arrival):
                found.append((float(piece.data), truth + piece.after_s - float(piece.data)))
    return found


@pytest.mark.parametrize("drift", [300e-6, 200e-6, 100e-6, 50e-6, 10e-6, -50e-6, -100e-6, -200e-6, -300e-6])
@pytest.mark.parametrize("jitter_s", [0.0, 0.1])
def test_drifting_sound_stays_with_its_pictures(drift: float, jitter_s: float) -> None:
    found = hour(drift, jitter_s=jitter_s)
    assert len(found) > HOUR_S / PIECE_S - 5
    assert max(abs(off) for _, off in found) <= 0.04


def test_a_correction_cannot_be_heard() -> None:
    """Each piece follows the one before by its own length, to a hundredth of a percent."""
    found = hour(200e-6)
    steps = [later[1] - sooner[1] for sooner, later in pairwise(found)]
    assert max(map(abs, steps)) <= (CORRECTION + 200e-6) * 2 * PIECE_S


@pytest.mark.parametrize(
    "arrivals",
    [
        {},
        {"jitter_s": 0.1},
        {"jitter_s": 0.5},
        {"jitter_s": 0.1, "together": False},
        {"jitter_s": 0.5, "together": False},
        {"late": lambda truth: 0.2},
        # the pictures take longer while the scene is busy, for minutes
        {"late": lambda truth: -0.06 * (truth % 1200 > 600), "jitter_s": 0.05},
        {"late": lambda truth: -0.012 * (truth % 1200 > 600)},
        {"silent": (600.0, 1800.0), "jitter_s": 0.1},
    ],
    ids=["even", "jitter", "bursts", "apart", "far apart", "late", "busy", "a little busy", "silent"],
)
def test_good_clocks_are_left_alone(arrivals: dict[str, object]) -> None:
    found = hour(**arrivals)  # type: ignore[arg-type]
    assert len(found) > 0.6 * HOUR_S / PIECE_S
    assert max(abs(off) for _, off in found) < 1e-6


def test_a_leap_of_the_times_is_no_drift() -> None:
    """As when the first report of a camera comes, and FFmpeg places its sound anew."""
    drift = Drift()
    for n in range(90_000):
        drift.note(0.01 if n < 20_000 else 0.15, n * PICTURE_S)
    assert drift.shift_s == 0.0
