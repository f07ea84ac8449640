"""The recorder behind the event rule: each frame lies in one recording or in none, as the rule says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import MOMENT, frame, no_pictures, play, read_index, rising, wandering

from pynvr import pipeline
from pynvr.archive.archive import Archive
from pynvr.detection.detector import Detection
from pynvr.events import MotionEvents
from pynvr.media.frame import Encoding, Frame, Gap, Image
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.frame_recorder import FrameRecorder
from pynvr.recording.orders import Begin, Write
from pynvr.recording.prealarm import PreAlarmRing
from pynvr.recording.writer import RecordingWriter

TINY = np.zeros((1, 1), np.uint8)
PLENTY = 2**30
LONG = 1e9


class Script:
    """A detector that knows beforehand in which of the pictures something moves."""

    def __init__(self, moving: Iterable[int]) -> None:
        self._moving = set(moving)
        self._seen = 0
        self.resets = 0

    def detect(self, image: Image, time_s: float) -> Detection:
        motion = self._seen in self._moving
        self._seen += 1
        return Detection(TINY, TINY, TINY, 2000 * motion, motion)

    def reset(self) -> None:
        self.resets += 1


class Notebook(RecordingWriter):
    """A writer that only notes which frames it was given."""

    def __init__(self) -> None:
        self.notes: list[list[int]] = []
        self.begins: list[Begin] = []
        self.labels: list[float] = []
        self.open = self.closed = False

    def begin(self, begin: Begin, pre_alarm: Iterable[Frame] = ()) -> None:
        assert not self.open
        self.open = True
        self.notes.append([held.index for held in pre_alarm])
        self.begins.append(begin)

    def write(self, order: Write) -> None:
        assert self.open
        assert isinstance(order.frame, Frame)
        assert order.hold_left_s is not None
        self.notes[-1].append(order.frame.index)
        self.labels.append(order.hold_left_s)

    def end(self, *_: object) -> None:
        assert self.open
        self.open = False

    def close(self) -> None:
        self.closed = True

    @property
    def triggers(self) -> list[float]:
        return [begin.trigger_s for begin in self.begins]


def run(
    frames: Iterable[Frame | Gap], moving: Iterable[int], pre_s: float, hold_s: float, longest_s: float = LONG
) -> Notebook:
    notebook = Notebook()
    recorder = FrameRecorder(PreAlarmRing(pre_s, PLENTY), notebook, no_pictures(), hold_s, longest_s, 20.0)
    pipeline.run(frames, Script(moving), MotionEvents(hold_s), recorder)
    recorder.close()
    assert not notebook.open
    assert notebook.closed
    return notebook


def expected(times: Sequence[float], moving: Iterable[int], pre_s: float, hold_s: float) -> list[list[int]]:
    """The same by looking at the whole list: which frames belong into which recording."""
    slack = 0.0005
    events: list[list[int]] = []  # trigger, latest motion
    for index in sorted(moving):
        last = events[-1][1] if events else None
        connected_s = max(hold_s + slack, 1.0 if last == index - 1 else 0.0)
        if last is not None and times[index] - times[last] <= connected_s:
            events[-1][1] = index
        else:
            events.append([index, index])
    recordings: list[list[int]] = []
    for trigger, last in events:
        taken = recordings[-1][-1] if recordings else -1
        recordings.append(
            [
                index
                for index, time in enumerate(times)
                if index > taken
                and times[trigger] - time <= pre_s + slack
                and time - times[last] <= hold_s + slack
            ]
        )
    return recordings


BLANK = np.zeros((1, 1, 3), np.uint8)


@st.composite
def courses(draw: st.DrawFn) -> tuple[list[float], list[int], float, float]:
    steps_ms = draw(st.lists(st.integers(1, 700), min_size=1, max_size=80))
    times = [float(time) for time in np.cumsum(steps_ms) / 1000]
    moving = sorted(draw(st.sets(st.integers(0, len(times) - 1))))
    return times, moving, draw(st.integers(0, 3000)) / 1000, draw(st.integers(0, 3000)) / 1000


@given(courses())
def test_every_course_of_events_is_recorded_by_the_rule(
    course: tuple[list[float], list[int], float, float],
) -> None:
    times, moving, pre_s, hold_s = course
    notebook = run((frame(i, t, BLANK) for i, t in enumerate(times)), moving, pre_s, hold_s)
    assert notebook.notes == expected(times, moving, pre_s, hold_s)
    written = [index for note in notebook.notes for index in note]
    assert written == sorted(set(written))
    assert all(0 <= seconds <= hold_s + 0.001 for seconds in notebook.labels)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(rising(1, 40), id="1 fps"),
        pytest.param(rising(7, 40), id="7 fps"),
        pytest.param(rising(25, 40), id="25 fps"),
        pytest.param(wandering(40), id="wandering"),
    ],
)
def test_five_seconds_before_and_ten_after(times: list[float]) -> None:
    moving = [index for index, time in enumerate(times) if 12.05 <= time <= 14.5]
    (note,) = run((frame(i, t, BLANK) for i, t in enumerate(times)), moving, 5, 10).notes
    trigger, last = times[moving[0]], times[moving[-1]]
    assert times[note[0]] >= trigger - 5.0005 > times[note[0] - 1]
    assert times[note[-1]] <= last + 10.0005 < times[note[-1] + 1]
    assert note == list(range(note[0], note[-1] + 1))


def test_motion_in_the_frame_that_ends_a_recording_begins_the_next() -> None:
    notebook = run((frame(i, float(i), BLANK) for i in range(30)), [5, 12], 3, 6)
    assert notebook.notes == [list(range(2, 12)), list(range(12, 19))]


def test_label_counts_down_and_begins_anew_with_each_motion() -> None:
    notebook = run((frame(i, float(i), BLANK) for i in range(12)), [3, 5], 2, 4)
    assert notebook.labels == [4, 3, 4, 3, 2, 1, 0]


def test_long_event_goes_on_in_another_file_without_losing_a_frame() -> None:
    notebook = run((frame(i, float(i), BLANK) for i in range(60)), range(5, 30), 3, 6, longest_s=10)
    assert notebook.notes == [list(range(2, 12)), list(range(12, 22)), list(range(22, 32)), [32, 33, 34, 35]]
    assert [begin.continues for begin in notebook.begins] == [False, True, True, True]


def test_a_ring_that_is_too_small_is_told(caplog: pytest.LogCaptureFixture) -> None:
    frames = [frame(number, number / 10) for number in range(100)]
    notebook = Notebook()
    ring = PreAlarmRing(5.0, 20 * 1024)
    recorder = FrameRecorder(ring, notebook, no_pictures(), 1.0, LONG, 10.0)
    pipeline.run(iter(frames), Script([50, 51, 90]), MotionEvents(1.0), recorder)
    assert 0 < len(notebook.notes[0]) < 51
    told = [record.message for record in caplog.records if "PRE_ALARM_MEMORY_LIMIT_MB" in record.message]
    assert len(told) == 2


def test_nothing_moves() -> None:
    assert run((frame(i, image=BLANK) for i in range(100)), [], 5, 10).notes == []


def with_gap(before: int, after: int) -> Iterator[Frame | Gap]:
    for index in range(before):
        yield frame(index, image=BLANK)
    yield Gap("the camera was lost")
    for index in range(before, before + after):
        yield frame(index, index / 20 + 0.2, BLANK)


def test_gap_ends_the_recording_and_its_pre_alarm() -> None:
    notebook = run(with_gap(50, 50), [30, 60], 5, 10)
    assert notebook.notes == [list(range(50)), list(range(50, 100))]
    assert notebook.triggers == [1.5, 3.2]


def test_pre_alarm_does_not_reach_across_a_gap() -> None:
    assert run(with_gap(50, 50), [60], 5, 10).notes == [list(range(50, 100))]


def test_gap_resets_the_detector_and_begins_the_warm_up_anew() -> None:
    notebook, detector = Notebook(), Script([5, 30, 55, 85])
    recorder = FrameRecorder(PreAlarmRing(1, PLENTY), notebook, no_pictures(), 0.5, LONG, 20.0)
    pipeline.run(with_gap(50, 50), detector, MotionEvents(0.5, warm_up_s=1.0), recorder)
    recorder.close()
    assert detector.resets == 1
    assert notebook.triggers == [1.5, 85 / 20 + 0.2]


def test_source_that_ends_within_an_event_ends_the_recording() -> None:
    assert run((frame(i, image=BLANK) for i in range(50)), [40], 1, 10).notes == [list(range(20, 50))]


@pytest.mark.parametrize("memory", ["raw", "packed"])
def test_recordings_on_the_disk(memory: str, archive_path: Path) -> None:
    """With the real writer, and with a ring that has to keep its frames as JPEG."""
    frames = [frame(index) for index in range(200)]
    archive = Archive(archive_path, datetime.isoformat)
    archive.open()
    limit = PLENTY if memory == "raw" else 20 * frames[0].encoded(Encoding.I420).nbytes
    ring = PreAlarmRing(2.0, limit)
    writer = RecordingWriter(archive, partial(EncodedPart, "DIVX", ".mp4", None), 2**26, live=False)
    recorder = FrameRecorder(ring, writer, no_pictures(), 1.0, LONG, 20.0)
    pipeline.run(frames, Script([60, 70, 150]), MotionEvents(1.0), recorder)
    recorder.close()
    archive.close()
    assert (ring.encoding is Encoding.JPEG) == (memory == "packed")
    assert ring.dropped == 0
    played = [play(path).numbers for path in writer.state.recordings]
    assert played == [list(range(20, 91)), list(range(110, 171))]
    first = read_index(archive_path)[0]
    assert (first["trigger_s"], first["last_motion_s"], first["peak_changed_px"]) == (3.0, 3.5, 2000)
    assert first["first_frame_utc"] == frames[20].utc.isoformat(timespec="milliseconds")
    assert frames[0].utc == MOMENT
