"""A camera that shows one picture for ever is left alone; one that changes its form is opened anew."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import takewhile

import cv2
import numpy as np
import pytest
from live_http import WebCamera, as_jpegs

from pynvr.media.frame import Frame, Gap
from pynvr.sources import freeze
from pynvr.sources.camera import LiveSource

pytestmark = pytest.mark.slow
FPS = 20
SMALL, LARGE, GRAY = (120, 160, 3), (240, 320, 3), (120, 160)


class Changing(WebCamera):
    """Sends its first picture until `changed`, then its last one, within the same connection."""

    def __enter__(self) -> Changing:
        self.changed = threading.Event()
        super().__enter__()
        return self

    def _due(self, began: float) -> Iterator[bytes]:
        for _ in super()._due(began):
            yield self.jpegs[-1 if self.changed.is_set() else 0]


@pytest.fixture
def camera(request: pytest.FixtureRequest) -> Iterator[Changing]:
    images = (np.full(shape, 99, np.uint8) for shape in (SMALL, getattr(request, "param", LARGE)))
    with Changing(as_jpegs(images), [0, 1 / FPS]) as camera:
        yield camera


@pytest.fixture
def source(camera: Changing, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveSource]:
    monkeypatch.setattr(freeze, "FROZEN_AFTER_S", 0.5)
    source = LiveSource(camera.url("video"), threading.Event(), 10_000_000)
    yield source
    source.close()


def test_one_picture_for_ever(camera: Changing, source: LiveSource) -> None:
    looked = [len(camera.requests) for _, _ in zip(range(4 * FPS), source, strict=False)]
    assert looked[-1] == looked[0] + 1, "it was asked once whether its pictures are of another form"
    assert source.status().connections == 1


@pytest.mark.parametrize("camera", [LARGE, GRAY], indirect=True, ids=["larger", "without colours"])
def test_a_picture_that_changes_its_form(
    camera: Changing, source: LiveSource, logged_errors: list[str]
) -> None:
    for number, _ in enumerate(takewhile(lambda item: not isinstance(item, Gap), source)):
        if number == 2:
            camera.changed.set()
    assert isinstance(frame := next(iter(source)), Frame)
    sent = cv2.imdecode(np.frombuffer(camera.jpegs[-1], np.uint8), cv2.IMREAD_COLOR)
    assert frame.image.shape == sent.shape
    assert len(logged_errors) == 1 and "have another size or colour format now" in logged_errors[0]
