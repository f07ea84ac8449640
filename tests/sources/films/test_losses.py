"""What of a file was lost or is missing at its end, told from what went in and what came out."""

from __future__ import annotations

import logging

import pytest

from pynvr.errors import CameraError
from pynvr.sources.films.losses import SHOWN_AT_MOST, Losses, Promise, Stretches


def test_moments_close_to_each_other_are_one_stretch() -> None:
    stretches = Stretches()
    for time in (1.0, 1.5, 2.25, 14.0):
        stretches.add(time)
    assert str(stretches) == "1.0-2.2 s: 3 pictures, 14.0-14.0 s: 1 picture"
    assert stretches.count == 4


def test_many_stretches_are_not_all_named() -> None:
    stretches = Stretches()
    for number in range(2 * SHOWN_AT_MOST):
        stretches.add(10.0 * number)
    assert str(stretches).count(" s: ") == SHOWN_AT_MOST
    assert str(stretches).endswith(f"and so on, {2 * SHOWN_AT_MOST} pictures in all")


@pytest.mark.parametrize(
    ("one_each", "refused", "lost"),
    [
        pytest.param(False, True, 1, id="refused"),
        pytest.param(False, False, 0, id="a packet of which nothing is to be seen"),
        pytest.param(True, False, 1, id="swallowed"),
    ],
)
def test_a_packet_whose_picture_never_came(one_each: bool, refused: bool, lost: int) -> None:
    losses = Losses(one_each)
    losses.sent(0.0)
    assert losses.shown(0.0) == 0
    for time in (0.2, 0.1):  # with a B-frame
        losses.sent(time)
    if refused:
        losses.refused()
    assert losses.shown(0.2) == lost
    assert losses.rest() == 0
    assert losses.lost.count == lost


@pytest.mark.parametrize("half", [False, True])
def test_two_packets_of_an_interlaced_picture_are_no_loss(half: bool) -> None:
    losses = Losses(one_each=True)
    losses.sent(0.0)
    assert losses.shown(0.0) == 0
    losses.sent(0.02)
    losses.sent(0.04)
    assert losses.shown(0.04, half) == (0 if half else 1)


@pytest.mark.parametrize(
    ("promise", "packets", "end", "told"),
    [
        pytest.param(Promise(100, None), 100, 4.0, "", id="all came"),
        pytest.param(Promise(100, None), 99, 3.96, "100 pictures, and 99 came", id="one picture less"),
        pytest.param(Promise(100, None), 40, 1.6, "cut", id="much less"),
        pytest.param(Promise(None, 4.0), 100, 3.96, "", id="the last picture's own time"),
        pytest.param(Promise(None, 4.0), 90, 3.6, "4.0 s, and 3.6 s came", id="some time less"),
        pytest.param(Promise(None, 4.0), 40, 1.6, "cut", id="much time less"),
        pytest.param(Promise(None, None), 1, 0.04, "", id="nothing was promised"),
    ],
)
def test_what_was_promised(
    caplog: pytest.LogCaptureFixture, promise: Promise, packets: int, end: float, told: str
) -> None:
    with caplog.at_level(logging.WARNING):
        if told == "cut":
            with pytest.raises(CameraError, match=r"clip\.mp4: ends too early: it promises"):
                promise.check("clip.mp4", packets, end, 25.0)
        else:
            promise.check("clip.mp4", packets, end, 25.0)
    assert [record.getMessage() for record in caplog.records] == (
        [f"clip.mp4: ends too early: it promises {told}"] if told not in ("", "cut") else []
    )
