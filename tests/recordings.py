"""Making clips whose every frame has a number, and reading recordings back, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from pynvr.demo.frame_number import draw_frame_number, read_frame_number
from pynvr.demo.scene import DemoScene, Visit
from pynvr.detection.classic import ClassicDetector
from pynvr.detection.pacing import RestingDetector
from pynvr.media.frame import Frame, Image
from pynvr.recording.event_pictures import EventPictures
from pynvr.recording.orders import Begin
from pynvr.tuning.clip import Clip

SMALL = (160, 120)
MOMENT = datetime(2017, 4, 2, 13, 20, 17, tzinfo=timezone.utc)

RECORD_FOREVER = """
import itertools, sys
from functools import partial
from pathlib import Path
from pynvr.archive.archive import Archive
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.orders import Write
from pynvr.recording.writer import RecordingWriter
from recordings import begins, frame, numbered

archive = Archive(Path(sys.argv[1]), None)
archive.open()
writer = RecordingWriter(archive, partial(EncodedPart, sys.argv[2], sys.argv[3], None), 2**26, live=False)
writer.begin(begins(frame(0)))
rng = __import__("numpy").random.default_rng(1)
for index in range(1000):  # the queue holds 582 of them at most, so 400 are written
    image = numbered(index)
    image[:90] = rng.integers(0, 255, (90, 160, 3))
    writer.write(Write(frame(index, image=image), 1, True, 10.0))
print("enough", flush=True)
for index in itertools.count(1000):
    writer.write(Write(frame(index), 1, True, 10.0))
"""
"""A process to be killed; its arguments are archive, codec and suffix. Says "enough" when 400 are written."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a player sees of a video file."""

    numbers: list[int | None]
    """The frame number drawn in each picture."""
    times: list[float]
    """When each is shown, seconds."""
    images: list[Image]
    size: tuple[int, int]
    fps: float
    """As the container says."""

    @property
    def span_s(self) -> float:
        """From the first picture's time to the last one's."""
        return self.times[-1] - self.times[0]

    @property
    def duration_s(self) -> float:
        """As the container says: frames over rate."""
        return len(self.times) / self.fps


def play(path: Path, keep: bool = False, whole: bool = True) -> Played:
    """Decode a file; the pictures themselves are kept if asked. `whole`: all of it has to be readable."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert capture.isOpened(), path
    numbers, times, images = [], [], []
    while (got := capture.read())[0]:
        image = cast(Image, got[1])
        if keep:
            images.append(image)
        numbers.append(read_frame_number(image))
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fps = capture.get(cv2.CAP_PROP_FPS)
    frame_count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    # of these FFmpeg only guesses how many there are
    exact = whole and path.suffix not in (".ts", ".mkv")
    assert not exact or frame_count == len(times), f"{path} says {frame_count} frames and has {len(times)}"
    return Played(numbers, times, images, size, fps)


def read_index(archive: Path) -> list[dict[str, Any]]:
    """The index's objects; every line has to be one."""
    path = archive / "recordings.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def videos(archive: Path) -> list[Path]:
    """The recordings in an archive, in order of their names."""
    return sorted(
        path for path in archive.rglob("video_*") if path.is_file() and path.suffix not in (".jpg", ".keep")
    )


def remains(archive: Path) -> list[str]:
    """Everything in an archive but its lock and the finished pictures of recordings."""
    files = (path for path in archive.rglob("*") if path.is_file() and path.name != ".pynvr.lock")
    left = (path for path in files if path.suffix != ".jpg" or ".part" in path.name)
    return sorted(path.relative_to(archive).as_posix() for path in left)


def no_pictures() -> EventPictures:
    """For a recorder of which only the video matters."""
    return EventPictures(lambda picture: None)


def rising(fps: float, seconds: float) -> list[float]:
    """Times at an even rate, to the millisecond."""
    return [round(index / fps, 3) for index in range(round(fps * seconds))]


def wandering(seconds: float) -> list[float]:
    """Times whose rate wanders between about 8 and 30 frames per second, to the millisecond."""
    times = [0.0]
    while times[-1] < seconds:
        fps = 19 + 11 * np.sin(times[-1] * 1.3)
        times.append(round(times[-1] + 1 / fps, 3))
    return times


def make_clip(path: Path, times: Sequence[float], visits: Iterable[Visit], fourcc: str = "DIVX") -> Path:
    """A small drawn clip with numbered frames, each shown at its time."""
    scene = DemoScene(SMALL, visits=tuple(visits))
    clip = Clip(path, fourcc, 25.0)
    for index, time in enumerate(times):
        clip.write(scene.render(time, index), time)
    assert clip.close() == len(times)
    return path


def expected_recordings(path: Path, pre_alarm_s: float, hold_s: float) -> list[list[int | None]]:
    """Which frames of a file belong into which recording, worked out the plain way over the whole list."""
    clip = play(path, keep=True)
    detector = RestingDetector(ClassicDetector())
    looked_at = zip(clip.times, clip.images, strict=True)
    motion = [time for time, image in looked_at if detector.detect(image, time).motion]
    events: list[tuple[float, float]] = []  # trigger, latest motion
    for time in motion:
        if events and time <= events[-1][1] + hold_s + 1e-6:
            events[-1] = (events[-1][0], time)
        else:
            events.append((time, time))
    recordings, free_from = [], -1.0
    for trigger, last in events:
        chosen = [
            (number, time)
            for number, time in zip(clip.numbers, clip.times, strict=True)
            if time > free_from and trigger - pre_alarm_s - 1e-6 <= time <= last + hold_s + 1e-6
        ]
        recordings.append([number for number, _ in chosen])
        free_from = chosen[-1][1]
    return recordings


def numbered(number: int, size: tuple[int, int] = SMALL, gray: int = 90) -> Image:
    """A grey picture of `size` (width, height) that bears a number."""
    image = np.full((size[1], size[0], 3), gray, np.uint8)
    draw_frame_number(image, number)
    return image


def frame(index: int, time: float | None = None, image: Image | None = None) -> Frame:
    """A frame of a source; 20 of them a second unless a time is given."""
    seconds = index / 20 if time is None else time
    picture = numbered(index) if image is None else image
    return Frame(picture, seconds, MOMENT + timedelta(seconds=seconds), index)


def begins(trigger: Frame) -> Begin:
    """The order to open a recording that `trigger` sets off."""
    return Begin(trigger.time, trigger.utc, 20.0)


def expected_alarms(path: Path) -> list[tuple[int, int]]:
    """First and last frame of each run of frames in which the detector sees motion."""
    detector = ClassicDetector()
    moving = [detector.detect(image).motion for image in play(path, keep=True).images]
    edges = np.flatnonzero(np.diff([False, *moving, False]))
    return [(int(start), int(end) - 1) for start, end in edges.reshape(-1, 2)]
