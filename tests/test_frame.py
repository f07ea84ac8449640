"""Frames keep their times and number while they wait as JPEG, and their picture nearly."""

from __future__ import annotations

import numpy as np
from recordings import frame

from pynvr.demo import DemoScene
from pynvr.strip import read_frame_number


def test_packed_frame_is_smaller_and_the_same_to_the_eye() -> None:
    raw = frame(1234, image=DemoScene((640, 480)).render(7.5, 1234))
    packed = raw.packed()
    assert packed.nbytes < raw.nbytes / 5
    again = packed.unpacked()
    assert (again.time, again.utc, again.index) == (raw.time, raw.utc, raw.index)
    assert again.image.shape == raw.image.shape
    assert np.abs(again.image.astype(int) - raw.image).mean() < 4
    assert read_frame_number(again.image) == 1234


def test_packing_and_unpacking_what_is_so_already_does_nothing() -> None:
    raw = frame(0)
    packed = raw.packed()
    assert raw.unpacked() is raw
    assert packed.packed() is packed
    assert raw.nbytes == 160 * 120 * 3
