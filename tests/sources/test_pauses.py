"""How often a camera that is away is asked again."""

import random

import pytest

from pynvr.sources.pauses import Pauses


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda least, most: (least, most)[1])


def test_a_camera_that_is_away_is_asked_again_soon_and_then_less_often() -> None:
    pauses = Pauses()
    assert [pauses.next_s(False) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    pauses.begin()
    assert pauses.next_s(False) == 1


def test_a_password_that_is_refused_is_tried_a_few_times_in_half_an_hour() -> None:
    """Cameras lock the account after some five tries."""
    pauses = Pauses()
    assert [pauses.next_s(True) for _ in range(6)] == [60, 120, 240, 480, 600, 600]
    assert pauses.next_s(False) == 30


def test_a_password_that_was_taken_before_is_tried_again_at_once() -> None:
    """Some cameras refuse everybody while they start. But it may have been changed."""
    pauses = Pauses()
    pauses.begin()
    assert [pauses.next_s(True) for _ in range(12)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert pauses.next_s(False) == 30
