"""The ring: exactly so many seconds, never more than so many bytes, in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import frame, numbered, rising, wandering

from pynvr.media.frame import Encoding, Image
from pynvr.recording.prealarm import PreAlarmRing

PLENTY = 2**40
BLANK = np.zeros((1, 1, 3), np.uint8)


def fill(ring: PreAlarmRing, times: list[float], image: Image = BLANK) -> None:
    for index, time in enumerate(times):
        ring.push(frame(index, time, image))


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(rising(1, 30), id="1 fps"),
        pytest.param(rising(7, 30), id="7 fps"),
        pytest.param(rising(25, 30), id="25 fps"),
        pytest.param(wandering(30), id="wandering"),
        pytest.param([0.0, 1.0, 2.0, 20.0, 20.1, 24.9], id="a hole"),
    ],
)
@pytest.mark.parametrize("seconds", [0.0, 0.5, 5.0])
def test_keeps_what_is_not_older(times: list[float], seconds: float) -> None:
    ring = PreAlarmRing(seconds, PLENTY)
    fill(ring, times)
    now = times[-1] + 0.04
    kept = ring.take(now)
    assert [held.time for held in kept] == [time for time in times if now - time <= seconds + 0.0005]
    assert ring.dropped == 0


def test_take_leaves_it_empty() -> None:
    ring = PreAlarmRing(5, PLENTY)
    fill(ring, rising(10, 2))
    assert len(ring.take(2.0)) == 20
    assert (ring.nbytes, ring.take(2.0)) == (0, [])


def test_clear() -> None:
    ring = PreAlarmRing(5, PLENTY)
    fill(ring, rising(10, 2))
    ring.clear()
    assert ring.nbytes == 0


def test_rounded_times_are_not_too_old() -> None:
    ring = PreAlarmRing(5.0, PLENTY)
    fill(ring, [0.7000000000000001, 5.7])
    assert len(ring.take(5.700000000000001)) == 2


@pytest.mark.parametrize(
    ("times_the_span", "encoding"),
    [(3.2, Encoding.BGR), (2.8, Encoding.I420), (0.55, Encoding.I420), (0.45, Encoding.JPEG)],
)
def test_the_more_memory_the_less_work(times_the_span: float, encoding: Encoding) -> None:
    image = numbered(0)
    ring = PreAlarmRing(5, round(times_the_span * 5 * 20 * image.nbytes))
    fill(ring, rising(20, 20), image)
    assert ring.encoding is encoding
    kept = ring.take(20)
    assert len(kept) == 100
    assert all(held.encoding is encoding for held in kept)


def test_a_size_without_a_planar_form_stays_as_it_is_while_it_fits() -> None:
    image = np.zeros((15, 15, 3), np.uint8)
    ring = PreAlarmRing(5, round(1.5 * 5 * 20 * image.nbytes))
    fill(ring, rising(20, 20), image)
    assert all(held.encoding is Encoding.BGR for held in ring.take(20))


def test_packs_before_the_limit_is_reached() -> None:
    """Half a second tells how many bytes the whole span would take."""
    image = numbered(0)
    ring = PreAlarmRing(5, 4 * 20 * image.nbytes // 2)
    fill(ring, rising(20, 0.7), image)
    assert ring.encoding is Encoding.JPEG
    fill(ring, rising(20, 8), image)
    kept = ring.take(8)
    assert all(held.encoding is Encoding.JPEG for held in kept)
    assert len(kept) == 100
    assert ring.dropped == 0


def test_burst_at_the_beginning_is_no_rate() -> None:
    image = numbered(0)
    ring = PreAlarmRing(5, 5 * 25 * image.nbytes // 2)
    fill(ring, [0.0, 0.001, 0.002, 0.003, 0.2, 0.4, 0.6, 0.8], image)
    assert ring.encoding is not Encoding.JPEG


def test_what_does_not_fit_even_as_jpeg_is_counted() -> None:
    image = numbered(0)
    jpeg = frame(0, image=image).encoded(Encoding.JPEG).nbytes
    ring = PreAlarmRing(5, 10 * jpeg)
    fill(ring, rising(20, 3), image)
    kept = ring.take(3)
    assert [held.index for held in kept] == list(range(50, 60))
    assert ring.dropped == 50


@given(
    st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 40)), min_size=1, max_size=40),
    st.integers(0, 5000),
    st.integers(0, 20000),
)
def test_never_more_bytes_than_allowed_and_always_the_latest_in_order(
    steps: list[tuple[int, int]], span_ms: int, limit_bytes: int
) -> None:
    ring = PreAlarmRing(span_ms / 1000, limit_bytes)
    time = 0.0
    for index, (step_ms, size) in enumerate(steps):
        time += step_ms / 1000
        ring.push(frame(index, time, np.full((size, size, 3), 7, np.uint8)))
        assert ring.nbytes <= limit_bytes
    nbytes = ring.nbytes
    kept = ring.take(time)
    assert sum(held.nbytes for held in kept) == nbytes
    assert [held.index for held in kept] == list(range(len(steps) - len(kept), len(steps)))
    assert all(time - held.time <= span_ms / 1000 + 0.0005 for held in kept)
