"""Times of a file made right, told as the file says them."""

from __future__ import annotations

import pytest

from pynvr.sources.films.timeline import Timeline

STEP = 0.04
EVEN = [number * STEP for number in range(50)]


def laid(times: list[float], joinable: bool = True) -> list[float]:
    line = Timeline(STEP, lambda *_: not joinable)
    return [line.place(time, time)[0] for time in times]


@pytest.mark.parametrize(
    ("told", "joinable"),
    [
        pytest.param(EVEN, True, id="as they should be"),
        pytest.param([*EVEN[:20], *EVEN[:30]], True, id="begin again"),
        pytest.param([*EVEN[:20], *(time + 3600 for time in EVEN[:30])], True, id="leap"),
        pytest.param([*EVEN[:20], *(time - 3600 for time in EVEN[:30])], True, id="leap back"),
        pytest.param([*EVEN[:20], 95443.7, *EVEN[21:]], True, id="one is damaged"),
        pytest.param([EVEN[0]] * 50, True, id="stand still"),
        pytest.param([*EVEN[:20], *[EVEN[19]] * 5, *EVEN[25:]], True, id="stand still for a while"),
    ],
)
def test_one_second_plays_for_one_second(told: list[float], joinable: bool) -> None:
    assert laid(told, joinable) == pytest.approx(EVEN, abs=STEP)


def test_a_pause_is_believed_where_it_can_be() -> None:
    told = [*EVEN[:20], *(time + 100 for time in EVEN[20:])]
    assert laid(told, joinable=False) == pytest.approx(told)


def test_what_is_shown_later_than_decoded_stays_so_after_times_begin_anew() -> None:
    line = Timeline(STEP, lambda *_: True)
    group = [(0.0, 0.08), (0.04, 0.2), (0.08, 0.12), (0.12, 0.16)]
    shown = [line.place(*times)[1] for times in group + group]
    assert sorted(time for time in shown if time is not None) == pytest.approx(
        [0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.36]
    )
    assert len(line.laid_anew) == 0 or line.laid_anew[0] > 0.1
