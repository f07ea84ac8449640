"""Frames keep their times and number while they wait, and their picture nearly."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import frame

from pynvr.demo.frame_number import read_frame_number
from pynvr.demo.scene import DemoScene
from pynvr.media.frame import Encoding


@pytest.mark.parametrize(("encoding", "smaller", "differs"), [(Encoding.I420, 2, 2), (Encoding.JPEG, 5, 4)])
def test_a_frame_that_waits_is_smaller_and_the_same_to_the_eye(
    encoding: Encoding, smaller: int, differs: int
) -> None:
    raw = frame(1234, image=DemoScene((640, 480)).render(7.5, 1234))
    waiting = raw.encoded(encoding)
    assert waiting.nbytes <= raw.nbytes / smaller
    assert (waiting.time, waiting.utc, waiting.index) == (raw.time, raw.utc, raw.index)
    assert waiting.image.shape == raw.image.shape
    assert np.abs(waiting.image.astype(int) - raw.image).mean() < differs
    assert read_frame_number(waiting.packed().image) == 1234


@pytest.mark.parametrize("size", [(1, 1), (161, 120), (160, 121)])
def test_odd_sizes_stay_bgr_where_i420_is_asked_for(size: tuple[int, int]) -> None:
    odd = frame(0, image=np.zeros((size[1], size[0], 3), np.uint8))
    assert odd.encoded(Encoding.I420).encoding is Encoding.BGR
    assert odd.encoded(Encoding.JPEG).encoding is Encoding.JPEG


def test_what_is_as_small_already_is_not_made_again() -> None:
    raw = frame(0)
    assert raw.image is raw.image
    for encoding in Encoding:
        waiting = raw.encoded(encoding)
        assert all(waiting.encoded(other) is waiting for other in Encoding if other <= encoding)
    assert raw.nbytes == 160 * 120 * 3
