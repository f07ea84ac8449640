"""The best picture and the film strip: which frame they show, what they cost, what a crash leaves of them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from recordings import MOMENT, begins, frame, numbered, read_index

from pynvr.archive import companions
from pynvr.archive.archive import Archive
from pynvr.archive.closing import recover
from pynvr.demo.frame_number import read_frame_number
from pynvr.detection.detector import Detection
from pynvr.media.frame import Frame
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.event_pictures import STRIP_MOST, STRIP_WIDTH_PX, EventPictures, weigh
from pynvr.recording.open_recording import OpenRecording
from pynvr.recording.orders import Picture, Write

FPS = 20
GRAY = np.zeros((60, 80), np.uint8)
SILENCE = Detection(GRAY, GRAY, GRAY, 0, False)


def blob(left: int, top: int, width: int, height: int) -> Detection:
    """Motion of one blob in a mask of 80x60."""
    mask = np.zeros_like(GRAY)
    mask[top : top + height, left : left + width] = 255
    return Detection(GRAY, GRAY, mask, cv2.countNonZero(mask), True)


class Kept:
    """Collects what is handed over."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.wanted: list[bool] = []
        self.first: list[bytes] = []
        self.maker = EventPictures(self.pictures.append, self.wanted.append, self.first.append)

    def last(self, kind: str) -> Picture:
        return [picture for picture in self.pictures if picture.kind == kind][-1]

    def run(self, seen: Sequence[Detection], size: tuple[int, int] = (160, 120)) -> Kept:
        self.maker.begin()
        for number, detection in enumerate(seen):
            self.maker.see(frame(number, number / FPS, numbered(number, size)), detection, number / FPS)
        self.maker.end()
        return self


def shown(picture: Picture) -> int | None:
    """The number of the frame that is to be seen."""
    return read_frame_number(cv2.imdecode(picture.jpeg, cv2.IMREAD_COLOR))


WHOLE = blob(30, 20, 10, 20)
CASES = {
    "the largest": ([SILENCE, blob(30, 20, 5, 5), blob(30, 20, 20, 20), blob(30, 20, 9, 9)], 2),
    "the first of equals": ([SILENCE, WHOLE, WHOLE, WHOLE], 1),
    "not the one that is cut": ([blob(0, 20, 15, 20), blob(0, 20, 18, 20), WHOLE, blob(65, 20, 15, 20)], 2),
    "the cut one if it is the only one": ([SILENCE, blob(0, 20, 10, 20), SILENCE], 1),
    "a cut one that is much larger": ([blob(20, 20, 4, 4), blob(0, 0, 60, 60)], 1),
    "the trigger where nothing moves": ([SILENCE] * 5, 0),
    "the last": ([blob(20, 20, size, size) for size in range(3, 30)], 26),
}


@pytest.mark.parametrize(("seen", "best"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("size", [(160, 120), (1280, 720), (161, 121)])
def test_the_best_picture(seen: list[Detection], best: int, size: tuple[int, int]) -> None:
    last = Kept().run(seen, size).last("picture")
    assert shown(last) == best
    assert last.facts["peak_s"] == best / FPS


def test_the_box_is_told_in_fractions() -> None:
    _, box = weigh(blob(20, 15, 40, 30))
    assert box == (0.25, 0.25, 0.5, 0.5)
    assert weigh(SILENCE) == (0.0, None)
    last = Kept().run([SILENCE, blob(20, 15, 40, 30)]).last("picture")
    assert last.facts["peak_box"] == (0.25, 0.25, 0.5, 0.5)


def test_the_first_picture_of_an_event_comes_at_once_and_once() -> None:
    kept = Kept()
    kept.maker.begin()
    kept.maker.see(frame(0), WHOLE, 0.0)
    assert len(kept.first) == 1
    kept.maker.see(frame(1), blob(20, 10, 30, 40), 0.1)
    kept.maker.end()
    kept.maker.begin(continues=True)
    kept.maker.see(frame(2), WHOLE, 0.2)
    kept.maker.end()
    assert len(kept.first) == 1
    assert kept.wanted == [True, False, True, False]


def test_nothing_is_made_while_nothing_goes_on() -> None:
    kept = Kept()
    kept.maker.see(frame(0), WHOLE, 0.0)
    kept.maker.end()
    assert kept.pictures == []


def test_what_is_only_looked_at_is_no_picture() -> None:
    kept = Kept()
    kept.maker.begin()
    jpeg = cv2.imencode(".jpg", numbered(7))[1]
    small = np.zeros((60, 80), np.uint8)
    kept.maker.see(Frame(small, 0.0, MOMENT, 0), blob(30, 20, 30, 30), 0.0)
    kept.maker.see(Frame(small, 0.1, MOMENT, 1, jpeg=jpeg), WHOLE, 0.1)
    kept.maker.end()
    assert shown(kept.last("picture")) == 7
    assert kept.last("picture").facts["peak_s"] == 0.1


@pytest.mark.parametrize("seconds", [0.05, 0.5, 3, 7, 20, 61, 600])
def test_the_strip_is_even_over_an_event_of_any_length(seconds: float) -> None:
    kept = Kept()
    kept.maker.begin()
    image = np.zeros((90, 160, 3), np.uint8)
    for number in range(max(1, round(seconds * 10))):
        kept.maker.see(frame(number, number / 10, image), SILENCE, number / 10)
    strip = kept.last("strip")
    kept.maker.end()
    times = strip.facts["strip_s"]
    assert isinstance(times, list)
    height, width = cv2.imdecode(strip.jpeg, cv2.IMREAD_COLOR).shape[:2]
    assert (width, height) == (len(times) * STRIP_WIDTH_PX, STRIP_WIDTH_PX * 90 // 160)
    assert 1 <= len(times) <= STRIP_MOST
    assert times[0] == 0.0
    steps = np.diff(times)
    assert np.allclose(steps, steps[0] if len(steps) else 0)
    if seconds >= 7:
        assert len(times) >= STRIP_MOST // 2
        assert times[-1] >= seconds - 2 * steps[0]


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080)])
def test_a_frame_of_an_event_costs_little(size: tuple[int, int]) -> None:
    # somebody who comes nearer: each frame is better than the one before; then ten seconds of hold
    seen = [blob(20, 5, 5 + number // 3, 5 + number // 3) for number in range(100)] + [SILENCE] * 100
    frames = [numbered(0, size)] * len(seen)
    kept = Kept()
    costs = []
    for _ in range(3):
        begun = time.thread_time()
        kept.maker.begin()
        for number, (image, detection) in enumerate(zip(frames, seen, strict=True)):
            kept.maker.see(frame(number, number / 25, image), detection, number / 25)
        kept.maker.end()
        costs.append((time.thread_time() - begun) / len(seen))
    assert min(costs) < 0.002


# ---- on the disk


def picture(kind: str, number: int, **facts: object) -> Picture:
    jpeg = cv2.imencode(".jpg", numbered(number))[1]
    return Picture(kind, jpeg, facts)  # type: ignore[arg-type]


def open_one(archive: Archive) -> OpenRecording:
    recording = OpenRecording(archive, partial(EncodedPart, "DIVX", ".mp4", None), begins(frame(0)))
    for number in range(5):
        recording.write(Write(frame(number)))
    recording.keep(picture("picture", 1, peak_s=0.05))
    recording.keep(picture("strip", 2, strip_s=[0.0]))
    recording.keep(picture("picture", 3, peak_s=0.15, peak_box=(0, 0, 1, 1)))
    return recording


def check(archive: Archive) -> None:
    (entry,) = read_index(archive.root)
    assert entry["picture"] == entry["file"].replace(".mp4", ".jpg")
    assert entry["strip"] == entry["file"].replace(".mp4", ".strip.jpg")
    assert read_frame_number(cv2.imread(str(archive.root / entry["picture"]))) == 3
    assert (entry["peak_s"], entry["peak_box"], entry["strip_s"]) == (0.15, [0, 0, 1, 1], [0.0])
    names = {path.name for path in archive.root.rglob("*") if path.is_file()}
    assert len(names) == 4, names


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    (tmp_path / "video").mkdir()
    return Archive(tmp_path / "video", None)


def test_pictures_lie_beside_a_recording(archive: Archive) -> None:
    open_one(archive).close()
    check(archive)


def test_a_recovered_recording_has_its_pictures(archive: Archive) -> None:
    recording = open_one(archive)
    assert recording._part is not None
    recording._part.close()  # all of it is on the disk, and nobody closes the recording
    recording._journal.close()
    recover(archive)
    check(archive)
    assert read_index(archive.root)[0]["recovered"] is True


@pytest.mark.parametrize("torn", [b"", b"\xff\xd8\xff", b"\0" * 100])
def test_a_torn_picture_is_left_out(archive: Archive, torn: bytes) -> None:
    recording = open_one(archive)
    (part,) = archive.root.glob("*.part.jpg")
    part.write_bytes(torn)
    (archive.root / f"{part.name}.part").write_bytes(torn)
    recording.close()
    (entry,) = read_index(archive.root)
    assert "picture" not in entry
    assert "strip" in entry
    assert not list(archive.root.glob("*.part*"))


def test_a_recording_that_came_to_nothing_leaves_no_picture(archive: Archive) -> None:
    recording = OpenRecording(archive, partial(EncodedPart, "DIVX", ".mp4", None), begins(frame(0)))
    recording.keep(picture("picture", 1))
    assert recording.close() is None
    companions.put(archive.root / "video_2017-04-02T132017_7", "strip", b"\xff\xd8\xff\xd9")
    recover(archive)
    assert [path.name for path in archive.root.iterdir()] == []


def test_a_disk_that_refuses_pictures_still_records(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(companions, "put", refuse)
    assert open_one(archive).close() is not None
    assert json.loads(archive.index.path.read_text())["frames"] == 5
