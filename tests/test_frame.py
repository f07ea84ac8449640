"""Frames keep their times and number while they wait, and their picture nearly."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import frame

from pynvr.demo.frame_number import read_frame_number
from pynvr.demo.scene import DemoScene


def test_packed_frame_is_smaller_and_the_same_to_the_eye() -> None:
    raw = frame(1234, image=DemoScene((640, 480)).render(7.5, 1234))
    packed = raw.packed()
    assert packed.nbytes < raw.nbytes / 5
    again = packed.unpacked()
    assert (again.time, again.utc, again.index) == (raw.time, raw.utc, raw.index)
    assert again.image.shape == raw.image.shape
    assert np.abs(again.image.astype(int) - raw.image).mean() < 4
    assert read_frame_number(again.image) == 1234


def test_planar_frame_has_half_the_size_and_the_same_picture() -> None:
    raw = frame(1234, image=DemoScene((640, 480)).render(7.5, 1234))
    planar = raw.planar()
    assert planar.nbytes == raw.nbytes / 2
    again = planar.unpacked()
    assert (again.time, again.utc, again.index) == (raw.time, raw.utc, raw.index)
    assert np.abs(again.image.astype(int) - raw.image).mean() < 2
    assert read_frame_number(planar.packed().unpacked().image) == 1234


@pytest.mark.parametrize("size", [(1, 1), (161, 120), (160, 121)])
def test_odd_sizes_have_no_planar_form(size: tuple[int, int]) -> None:
    odd = frame(0, image=np.zeros((size[1], size[0], 3), np.uint8))
    assert odd.planar() is odd


def test_making_what_is_so_already_does_nothing() -> None:
    raw = frame(0)
    planar, packed = raw.planar(), raw.packed()
    assert raw.unpacked() is raw
    assert planar.planar() is planar
    assert packed.packed() is packed.planar() is packed
    assert raw.nbytes == 160 * 120 * 3
