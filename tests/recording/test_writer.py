"""The writer: every frame once and in order, whatever the encoder does; the label where it belongs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from recordings import MOMENT, begins, frame, numbered, play, read_index, remains, videos

from pynvr.archive.archive import Archive
from pynvr.errors import HangingError, RecordingError
from pynvr.media.codecs import H264
from pynvr.media.frame import Frame, Image
from pynvr.media.packet import Stream, TimedPacket
from pynvr.recording import encoding, open_recording, orders, retry, writer
from pynvr.recording.copying import PacketPart
from pynvr.recording.encoding import EncodedPart
from pynvr.recording.open_recording import OpenRecording
from pynvr.recording.orders import Begin, Write
from pynvr.recording.writer import RecordingWriter

VGA = (640, 480)
HOLD_S = 10.0

MakeWriter = Callable[..., RecordingWriter]


@pytest.fixture
def make_writer(archive_path: Path) -> Iterator[MakeWriter]:
    archive = Archive(archive_path, None)
    archive.open()

    def make(
        suffix: str = ".mp4", fourcc: str = "DIVX", limit_bytes: int = 2**26, live: bool = False
    ) -> RecordingWriter:
        return RecordingWriter(archive, partial(EncodedPart, fourcc, suffix, None), limit_bytes, live)

    yield make
    archive.close()


def write_all(writer: RecordingWriter, frames: list[Frame]) -> None:
    for each in frames:
        writer.write(Write(each, 10 * each.index, True, HOLD_S))


class Gate:
    """An encoder in front of which everything waits until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = self.opened = threading.Event()

        class GatedEncoder(encoding.Encoder):
            def write(self, image: Image) -> None:
                opened.wait()
                super().write(image)

        monkeypatch.setattr(encoding, "Encoder", GatedEncoder)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(monkeypatch)
    yield gate
    gate.opened.set()


# ---- what is written


@pytest.mark.parametrize("packed", [False, True], ids=["raw", "packed"])
@pytest.mark.parametrize(
    ("fourcc", "suffix"), [("DIVX", ".mp4"), ("XVID", ".avi"), ("mp4v", ".mp4"), ("MJPG", ".avi")]
)
def test_pre_alarm_and_event_are_there_once_and_in_order(
    make_writer: MakeWriter, archive_path: Path, fourcc: str, suffix: str, packed: bool
) -> None:
    frames = [frame(index) for index in range(60)]
    pre_alarm = [each.packed() if packed else each for each in frames[:20]]
    recorder = make_writer(suffix, fourcc)
    recorder.begin(begins(frames[20]), pre_alarm)
    write_all(recorder, frames[20:])
    recorder.end()
    recorder.close()
    (path,) = videos(archive_path)
    assert recorder.state.recordings == [path]
    assert play(path).numbers == list(range(60))
    (entry,) = read_index(archive_path)
    assert (entry["first_frame_s"], entry["trigger_s"], entry["last_frame_s"]) == (0, 1, 2.95)
    assert entry["trigger_utc"] == frames[20].utc.isoformat(timespec="milliseconds")
    assert entry["peak_changed_px"] == 590


def test_one_recording_after_the_other(make_writer: MakeWriter, archive_path: Path) -> None:
    frames = [frame(index) for index in range(90)]
    recordings = make_writer()
    for start in (0, 30, 60):
        recordings.begin(begins(frames[start]))
        write_all(recordings, frames[start : start + 30])
        recordings.end()
    recordings.close()
    played = [play(archive_path / entry["file"]).numbers for entry in read_index(archive_path)]
    assert played == [list(range(30)), list(range(30, 60)), list(range(60, 90))]


def test_an_open_recording_has_part_in_its_name(
    make_writer: MakeWriter, archive_path: Path, gate: Gate
) -> None:
    recorder = make_writer()
    recorder.begin(begins(frame(0)))
    write_all(recorder, [frame(index) for index in range(5)])
    assert all(".part." in name for name in remains(archive_path))
    gate.opened.set()
    recorder.end()
    recorder.close()
    assert remains(archive_path) == ["recordings.jsonl", "video_2017-04-02T132017.mp4"]


def red_px(image: Image) -> Image:
    """Where a picture is red: height x width, true or false."""
    blue, green, red = np.moveaxis(image.astype(int), 2, 0)
    return (red > 150) & (blue < 110) & (green < 110)


@pytest.mark.parametrize("size", [VGA, (1280, 720), (480, 640), (160, 120)])
def test_label_is_red_and_upper_left_and_on_event_frames_only(
    make_writer: MakeWriter, archive_path: Path, size: tuple[int, int]
) -> None:
    frames = [frame(index, image=numbered(index, size)) for index in range(12)]
    recorder = make_writer()
    recorder.begin(begins(frames[4]), frames[:4])
    write_all(recorder, frames[4:])
    recorder.end()
    recorder.close()
    images = play(videos(archive_path)[0], keep=True).images
    for image in images[:4]:
        assert np.abs(image[: size[1] // 2].astype(int) - 90).max() < 12
    for image in images[4:]:
        rows, columns = np.nonzero(red_px(image))
        assert len(rows) > 40
        assert rows.max() < 0.15 * size[1]
        assert columns.min() < 0.1 * size[0]
        assert columns.max() < 0.9 * size[0]


# ---- a slow encoder


def test_live_frames_wait_up_to_the_bound_then_are_dropped_and_counted(
    make_writer: MakeWriter,
    archive_path: Path,
    gate: Gate,
    caplog: pytest.LogCaptureFixture,
    logged_errors: list[str],
) -> None:
    caplog.set_level(logging.WARNING)
    size = frame(0).nbytes
    recorder = make_writer(limit_bytes=20 * size, live=True)
    pre_alarm = [frame(index) for index in range(10)]
    recorder.begin(begins(frame(10)), pre_alarm)
    write_all(recorder, [frame(index) for index in range(10, 100)])
    # One more may have gone from the queue to the encoder, where it is stuck.
    assert recorder.dropped in (79, 80)
    assert "WRITER_QUEUE_LIMIT_MB" in caplog.text
    gate.opened.set()
    recorder.end()
    recorder.close()
    numbers = play(videos(archive_path)[0]).numbers
    assert numbers[:20] == list(range(20))
    # when the thread takes that one is its own affair, so one later frame may have found room
    assert numbers == sorted(set(numbers), key=numbers.index)
    assert len(numbers) == 100 - recorder.dropped
    assert f"{recorder.dropped} frames" in logged_errors[0]
    assert read_index(archive_path)[0]["dropped"] == recorder.dropped


def test_live_frames_wait_as_jpeg_before_any_is_dropped(
    make_writer: MakeWriter, archive_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = frame(0).nbytes
    monkeypatch.setattr(orders, "PACK_ABOVE_BYTES", 10 * size)
    recorder = make_writer(limit_bytes=50 * size, live=True)
    recorder.begin(begins(frame(0)))
    write_all(recorder, [frame(index) for index in range(200)])
    gate.opened.set()
    recorder.end()
    recorder.close()
    assert recorder.dropped == 0
    assert play(videos(archive_path)[0]).numbers == list(range(200))


def test_a_file_waits_for_the_encoder(
    make_writer: MakeWriter, archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = 10
    monkeypatch.setattr(orders, "PACK_ABOVE_BYTES", bound * frame(0).nbytes)
    written = 0
    ahead: list[int] = []

    class CountingEncoder(encoding.Encoder):
        def write(self, image: Image) -> None:
            super().write(image)
            ahead.append(written - len(ahead))

    monkeypatch.setattr(encoding, "Encoder", CountingEncoder)
    frames = [frame(index) for index in range(400)]
    recorder = make_writer(live=False)
    recorder.begin(begins(frames[0]))
    for each in frames:
        recorder.write(Write(each, 0, True, HOLD_S))
        written += 1
    recorder.end()
    recorder.close()
    assert recorder.dropped == 0
    assert play(videos(archive_path)[0]).numbers == list(range(400))
    assert max(ahead) <= bound + 3


# ---- what goes wrong


def test_live_recording_goes_on_when_the_disk_works_again(
    make_writer: MakeWriter,
    archive_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logged_errors: list[str],
) -> None:
    refused = iter(range(5))

    class Moody(encoding.Encoder):
        def write(self, image: Image) -> None:
            if image.mean() > 128 and next(refused, None) is not None:
                raise RecordingError("no space left")
            super().write(image)

    monkeypatch.setattr(encoding, "Encoder", Moody)
    monkeypatch.setattr(retry, "RETRY_S", 0.0)
    recorder = make_writer(live=True)
    recorder.begin(begins(frame(0)))
    write_all(
        recorder,
        [frame(index, image=numbered(index, gray=90 if index < 20 else 200)) for index in range(60)],
    )
    recorder.end()
    recorder.close()
    played = [play(path).numbers for path in videos(archive_path)]
    assert played[0] == list(range(20))
    written = [number for numbers in played for number in numbers]
    assert written == [*range(20), *range(25, 60)]
    assert recorder.dropped == 5
    assert not recorder.state.failing
    assert recorder.state.recorded == 55
    assert "no space left" in logged_errors[0]
    assert len([message for message in logged_errors if "cannot record" in message]) == 1


def test_tries_that_fail_do_not_add_up(archive_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("read-only file system")

    archive = Archive(archive_path, None)
    archive.open()
    monkeypatch.setattr(open_recording.journal, "JournalWriter", refuse)
    for index in range(3):
        with pytest.raises(OSError, match="read-only"):
            OpenRecording(archive, partial(EncodedPart, "DIVX", ".avi", None), begins(frame(index)))
    assert not archive._open
    archive.close()


def test_tidying_up_does_not_hold_up_who_hands_frames_over(
    archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidying, go_on = threading.Event(), threading.Event()

    def tidy() -> None:
        tidying.set()
        assert go_on.wait(10)

    monkeypatch.setattr(writer, "HOUSEKEEPING_S", 0.01)
    archive = Archive(archive_path, None)
    archive.open()
    recorder = RecordingWriter(archive, partial(EncodedPart, "DIVX", ".avi", None), 2**20, True, tidy)
    assert tidying.wait(10)
    recorder.begin(begins(frame(0)), [frame(0)])  # waits for nothing
    go_on.set()
    recorder.end()
    recorder.close()
    archive.close()
    (path,) = videos(archive_path)
    assert play(path).numbers == [0]


def test_tidying_up_that_has_more_to_do_is_called_again_soon(
    archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, called = iter([True, True, False]), threading.Semaphore(0)

    def tidy() -> bool:
        called.release()
        return next(calls)

    monkeypatch.setattr(writer, "LOOK_EVERY_S", 0.01)
    archive = Archive(archive_path, None)
    archive.open()
    recorder = RecordingWriter(archive, partial(EncodedPart, "DIVX", ".avi", None), 2**20, True, tidy)
    recorder.begin(begins(frame(0)), [frame(0)])
    recorder.end()
    assert all(called.acquire(timeout=10) for _ in range(3))
    recorder.close()
    archive.close()
    assert not called.acquire(blocking=False)


@pytest.mark.usefixtures("logged_errors")
def test_packets_behind_a_pre_alarm_that_found_no_room_wait_for_a_key_packet(archive_path: Path) -> None:
    stream = Stream(H264, 320, 240, 10.0, b"", 0.0)

    def packet(number: int, size: int, key: bool) -> TimedPacket:
        return TimedPacket(np.zeros((1, size), np.uint8), key, number / 10, MOMENT, stream)

    archive = Archive(archive_path, None)
    archive.open()
    recorder = RecordingWriter(archive, partial(PacketPart, ".mp4"), 100, True)
    recorder.begin(Begin(0.1, MOMENT, 10.0), [packet(0, 200, True), packet(1, 20, False)])
    recorder.write(Write(packet(2, 20, False)))  # there would be room, but nobody could decode it
    recorder.end()
    recorder.close()
    archive.close()
    assert (recorder.dropped, recorder.state.recorded) == (3, 0)
    assert videos(archive_path) == []


def test_failing_encoder_is_told_at_the_next_frame_and_at_the_end(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(encoding.Encoder):
        def write(self, image: Image) -> None:
            raise RecordingError("is the disk full (PATH_FOR_VIDEO)?")

    monkeypatch.setattr(encoding, "Encoder", FullDisk)
    monkeypatch.setattr(orders, "PACK_ABOVE_BYTES", 0)
    recorder = make_writer(live=False)
    recorder.begin(begins(frame(0)))
    with pytest.raises(RecordingError, match="disk full"):
        write_all(recorder, [frame(index) for index in range(3)])
    with pytest.raises(RecordingError, match="disk full"):
        recorder.end()
    with pytest.raises(RecordingError, match="disk full"):
        recorder.close()


def test_picture_of_another_size_is_an_error_and_not_lost_silently(make_writer: MakeWriter) -> None:
    recorder = make_writer()
    recorder.begin(begins(frame(0)))
    recorder.write(Write(frame(0), 0, True, HOLD_S))
    recorder.write(Write(frame(1, image=numbered(1, (192, 144))), 0, True, HOLD_S))
    with pytest.raises(RecordingError, match="(144, 192, 3)".replace("(", r"\(").replace(")", r"\)")):
        recorder.close()


def test_folder_that_cannot_be_made_is_an_error(archive_path: Path) -> None:
    archive = Archive(archive_path, lambda utc: "in the way")
    archive.open()
    (archive_path / "in the way").touch()
    recorder = RecordingWriter(archive, partial(EncodedPart, "DIVX", ".avi", None), 2**20, live=False)
    with pytest.raises(OSError, match="in the way"):
        recorder.begin(begins(frame(0)))
        recorder.close()
    archive.close()


def test_recording_without_any_picture_leaves_nothing(make_writer: MakeWriter, archive_path: Path) -> None:
    recorder = make_writer()
    recorder.begin(begins(frame(0)))
    recorder.end()
    recorder.close()
    assert recorder.state.recordings == []
    assert remains(archive_path) == []


def test_unforeseen_failure_is_logged_and_told(
    make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch, logged_errors: list[str]
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(encoding, "draw_label", stumble)
    recorder = make_writer()
    recorder.begin(begins(frame(0)))
    recorder.write(Write(frame(0), 0, True, HOLD_S))
    with pytest.raises(ZeroDivisionError):
        recorder.close()
    assert logged_errors == ["the writer failed"]
    assert not recorder.state.recording


@pytest.mark.usefixtures("logged_errors")
def test_nobody_waits_for_a_writer_that_failed_and_cannot_even_close(
    archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    told: list[tuple[type[BaseException], str]] = []
    monkeypatch.setattr(orders, "PACK_ABOVE_BYTES", 0)
    archive = Archive(archive_path, None)
    archive.open()
    recorder = RecordingWriter(
        archive,
        partial(EncodedPart, "DIVX", ".avi", None),
        2**20,
        live=False,
        failed=lambda error, thread: told.append((type(error), thread)),
    )
    really = open_recording.OpenRecording.close

    def close(recording: open_recording.OpenRecording) -> None:
        really(recording)
        raise ValueError

    monkeypatch.setattr(open_recording.OpenRecording, "write", stumble)
    monkeypatch.setattr(open_recording.OpenRecording, "close", close)
    recorder.begin(begins(frame(0)))
    with pytest.raises(ZeroDivisionError):
        write_all(recorder, [frame(index) for index in range(100)])
    with pytest.raises(ZeroDivisionError):
        recorder.close()
    archive.close()
    assert told == [(ZeroDivisionError, "writer")]


def test_nobody_waits_for_a_disk_that_does_not_answer(
    make_writer: MakeWriter, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(writer, "HANG_S", 0.0)
    recorder = make_writer()
    recorder.begin(begins(frame(0)), [frame(0)])
    recorder.end()
    with pytest.raises(HangingError, match="does not answer"):
        recorder.close()
    gate.opened.set()
    monkeypatch.setattr(writer, "HANG_S", 40.0)
    recorder.close()


def test_a_file_does_not_wait_for_ever_for_a_disk_that_does_not_answer(
    make_writer: MakeWriter, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "PACK_ABOVE_BYTES", 0)
    monkeypatch.setattr(writer, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(writer, "HANG_S", 0.0)
    recorder = make_writer()
    recorder.begin(begins(frame(0)))
    with pytest.raises(HangingError, match="does not answer"):
        write_all(recorder, [frame(index) for index in range(3)])
    gate.opened.set()
    monkeypatch.setattr(writer, "HANG_S", 40.0)
    recorder.end()
    recorder.close()


@pytest.mark.usefixtures("logged_errors")
def test_housekeeping_that_fails_does_not_end_the_recording(
    archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise TypeError("a spoilt line of the index")

    monkeypatch.setattr(writer, "HOUSEKEEPING_S", 0.0)
    archive = Archive(archive_path, None)
    archive.open()
    recorder = RecordingWriter(archive, partial(EncodedPart, "DIVX", ".avi", None), 2**20, True, stumble)
    recorder.begin(begins(frame(0)), [frame(index) for index in range(5)])
    recorder.end()
    recorder.close()
    archive.close()
    assert play(videos(archive_path)[0]).numbers == list(range(5))


def test_nobody_waits_for_housekeeping_that_does_not_end(
    archive_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidying, go_on = threading.Event(), threading.Event()

    def tidy() -> None:
        tidying.set()
        go_on.wait(30)

    monkeypatch.setattr(writer, "HOUSEKEEPING_S", 0.01)
    monkeypatch.setattr(writer, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(writer, "HANG_S", 0.0)
    recorder = RecordingWriter(
        Archive(archive_path, None), partial(EncodedPart, "DIVX", ".avi", None), 2**20, True, tidy
    )
    assert tidying.wait(10)
    with pytest.raises(HangingError, match="does not answer"):
        recorder.close()
    go_on.set()


def test_name_is_that_of_the_trigger(make_writer: MakeWriter, archive_path: Path) -> None:
    recorder = make_writer(".avi")
    recorder.begin(begins(frame(120)), [frame(index) for index in range(115, 120)])
    recorder.end()
    recorder.close()
    assert [path.name for path in videos(archive_path)] == ["video_2017-04-02T132023.avi"]
    assert MOMENT.second == 17
