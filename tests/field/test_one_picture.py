"""A camera that shows one picture for ever is left alone; one whose pictures become larger is opened anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import takewhile

import numpy as np
import pytest
from live_http import WebCamera, as_jpegs

from pynvr.media.frame import Frame, Gap
from pynvr.sources import freeze
from pynvr.sources.camera import LiveSource

pytestmark = pytest.mark.slow
FPS = 20
SMALL, LARGE = (120, 160, 3), (240, 320, 3)


class Growing(WebCamera):
    """Sends its first picture until `grown`, then its last one, within the same connection."""

    def __enter__(self) -> Growing:
        self.grown = threading.Event()
        super().__enter__()
        return self

    def _due(self, began: float) -> Iterator[bytes]:
        for _ in super()._due(began):
            yield self.jpegs[-1 if self.grown.is_set() else 0]


@pytest.fixture
def camera() -> Iterator[Growing]:
    images = (np.full(shape, 99, np.uint8) for shape in (SMALL, LARGE))
    with Growing(as_jpegs(images), [0, 1 / FPS]) as camera:
        yield camera


@pytest.fixture
def source(camera: Growing, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveSource]:
    monkeypatch.setattr(freeze, "FROZEN_AFTER_S", 0.5)
    source = LiveSource(camera.url("video"), threading.Event(), 10_000_000)
    yield source
    source.close()


def test_one_picture_for_ever(camera: Growing, source: LiveSource) -> None:
    looked = [len(camera.requests) for _, _ in zip(range(4 * FPS), source, strict=False)]
    assert looked[-1] == looked[0] + 1, "it was asked once whether its pictures are of another size"
    assert source.status().connections == 1


def test_a_picture_that_becomes_larger(camera: Growing, source: LiveSource, logged_errors: list[str]) -> None:
    for number, _ in enumerate(takewhile(lambda item: not isinstance(item, Gap), source)):
        if number == 2:
            camera.grown.set()
    assert isinstance(frame := next(iter(source)), Frame)
    assert frame.image.shape == LARGE
    assert len(logged_errors) == 1 and "have another size now" in logged_errors[0]
