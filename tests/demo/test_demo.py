"""The drawn scene: it must be a camera to the recorder and the truth to the tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from typing import cast

import cv2
import numpy as np
import pytest
from rtsp import encode, needs_rtsp

from pynvr.demo.camera import DemoCamera
from pynvr.demo.frame_number import draw_frame_number, read_frame_number
from pynvr.demo.scene import CROSSING_BACK, STANDING, DemoScene, Visit
from pynvr.detection.classic import ClassicDetector, ClassicParameters
from pynvr.detection.robust import RobustDetector
from pynvr.media.frame import Image

THRESHOLD_PX = ClassicParameters().area_threshold_px
START = datetime(2024, 2, 29, 23, 0, tzinfo=timezone.utc)
VGA = (640, 480)
NUMBERS = [0, 1, 2, 3, 799, 4095, 4096, 65535, 0x555555, 0xAAAAAA, 0xFFFFFF]
SIZES = [(64, 48), (101, 57), VGA, (480, 640), (1920, 1080)]


@pytest.fixture(scope="module")
def scene() -> DemoScene:
    return DemoScene()


def changed_px(scene: DemoScene, times: list[float]) -> list[int]:
    """What the classic detector counts in frames at these times."""
    detector = ClassicDetector()
    return [detector.detect(frame.image).changed_px for frame in DemoCamera(scene, times=times)]


def every(step_s: float, start_s: float, end_s: float) -> list[float]:
    return [float(time) for time in np.arange(start_s, end_s, step_s)]


# ---- the picture


def test_same_arguments_give_same_bytes(scene: DemoScene) -> None:
    moments = [(0.0, 0), (7.0, 140), (27.5, 550)]
    later = [DemoScene().render(*moment) for moment in reversed(moments)]
    for moment, image in zip(moments, reversed(later), strict=True):
        assert np.array_equal(scene.render(*moment), image)


def test_rendering_does_not_paint_on_the_background(scene: DemoScene) -> None:
    image = scene.render(7.0, 1)
    image[:] = 0
    assert scene.render(7.0, 1).mean() > 50


@pytest.mark.slow
def test_seeds_give_different_yards_and_noise(scene: DemoScene) -> None:
    other = DemoScene(seed=2, noise=0)
    assert np.abs(scene.render(0, 0).astype(int) - other.render(0, 0)).mean() > 5
    assert np.any(scene.render(0, 0)[:400] != scene.render(0, 1)[:400])


@pytest.mark.parametrize("deviation", [0.0, 2.0, 6.0])
def test_noise_has_the_deviation_asked_for(deviation: float) -> None:
    scene = DemoScene((320, 240), visits=(), noise=deviation)
    wall = [scene.render(0, index)[60:200] for index in range(40)]
    gray = np.stack([cv2.cvtColor(part, cv2.COLOR_BGR2GRAY) for part in wall])
    assert gray.std(axis=0).mean() == pytest.approx(deviation, rel=0.1, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_every_size(size: tuple[int, int]) -> None:
    scene = DemoScene(size)
    empty, crossing = scene.render(0, 5), scene.render(7.5, 5)
    assert empty.shape == (size[1], size[0], 3)
    assert empty.dtype == np.uint8
    assert read_frame_number(crossing) == 5
    box = scene.figure_box(7.5)
    assert box is not None
    x, y, width, height = box
    assert 0.2 * size[1] < height < 0.6 * size[1]
    difference = np.abs(empty.astype(int) - crossing).mean(axis=2)
    inside = difference[y : y + height, x : x + width]
    assert inside.mean() > 10
    difference[y : y + height, x : x + width + height // 2] = 0  # the shadow falls to the right
    assert difference[size[1] // 10 : -size[1] // 20].mean() < 3  # noise, between clock and strip


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (5000, 480)])
def test_impossible_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="size"):
        DemoScene(size)


def test_clock_ticks_each_second() -> None:
    scene = DemoScene(visits=(), noise=0)

    def clock(time_s: float) -> Image:
        return scene.render(time_s, 0)[:40, 400:]

    assert np.array_equal(clock(3.0), clock(3.95))
    assert np.any(clock(3.95) != clock(4.0))
    later = DemoScene(visits=(), noise=0, clock_start=datetime(2017, 4, 2, 13, 20, 18))
    assert np.array_equal(later.render(3.0, 0), scene.render(4.0, 0))


# ---- who is there, and when


def test_default_visits_leave_room_for_two_whole_recordings(scene: DemoScene) -> None:
    pre_alarm_s, hold_s, seconds = 5.0, 10.0, 40.0
    (first_start, first_end), (second_start, second_end) = scene.motion_intervals
    assert first_start > pre_alarm_s
    assert second_start - pre_alarm_s > first_end + hold_s
    assert second_end + hold_s < seconds


def test_figure_is_there_during_visits_only(scene: DemoScene) -> None:
    for time in every(0.05, 0, 40):
        # At either end of a visit there may be only the shadow, or nothing but a fingertip.
        inside = any(start + 0.3 < time < end - 0.3 for start, end in scene.motion_intervals)
        near = any(start <= time < end for start, end in scene.motion_intervals)
        present = scene.figure_box(time) is not None
        assert present if inside else (near or not present), time


def test_figure_crosses_from_left_to_right(scene: DemoScene) -> None:
    boxes = [scene.figure_box(time) for time in every(0.25, 6.0, 9.6)]
    lefts = [box[0] for box in boxes if box]
    assert len(lefts) == len(boxes)
    assert lefts == sorted(lefts)
    assert lefts[0] == 0
    assert lefts[-1] > 560


def test_figure_stands_still_in_between() -> None:
    scene = DemoScene(visits=(Visit(1, 8, STANDING),))
    assert scene.figure_box(4.6) == scene.figure_box(5.6)
    assert scene.figure_box(3.5) != scene.figure_box(4.5)


def test_scale_makes_a_smaller_person() -> None:
    adult, child = (DemoScene(visits=(Visit(0, 4, scale=scale),)).figure_box(2) for scale in (1, 0.4))
    assert adult
    assert child
    assert child[3] == pytest.approx(0.4 * adult[3], abs=4)


def test_visits_must_not_overlap() -> None:
    with pytest.raises(ValueError, match="overlap"):
        DemoScene(visits=(Visit(4, 3), Visit(2, 2.5)))
    DemoScene(visits=(Visit(4, 3), Visit(2, 2)))


@pytest.mark.parametrize(
    "path", [((0.0, 0, 0.8),), ((0.0, 0, 0.8), (0.9, 1, 0.8)), ((0.0, 0, 0.8), (0, 1, 1), (1, 1, 1))]
)
def test_impossible_path(path: tuple[tuple[float, float, float], ...]) -> None:
    with pytest.raises(ValueError, match="path"):
        Visit(0, 1, path)


@pytest.mark.parametrize(("duration_s", "scale"), [(0, 1), (1, 0)])
def test_impossible_visit(duration_s: float, scale: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Visit(0, duration_s, scale=scale)


# ---- what the classic detector sees


@pytest.mark.slow
@pytest.mark.parametrize("size", [VGA, (480, 640), (160, 120)])
def test_nothing_but_the_figure_counts_as_motion(size: tuple[int, int]) -> None:
    scene = DemoScene(size, visits=(Visit(2, 3),))
    # Every frame of some seconds, and the clock's changes of ten seconds, minute and hour.
    assert max(changed_px(scene, every(0.05, 0, 2))) < 0.7 * THRESHOLD_PX
    assert max(changed_px(scene, every(0.5, 6, 50))) < 0.85 * THRESHOLD_PX
    assert max(changed_px(scene, every(1.0, 2380, 2386))) < 0.95 * THRESHOLD_PX
    assert min(changed_px(scene, every(0.05, 2.6, 4.4))[1:]) > 2 * THRESHOLD_PX


@pytest.mark.slow
def test_second_visit_moves_then_stands_then_moves(scene: DemoScene) -> None:
    (_, _), (start, end) = scene.motion_intervals
    moving = [count >= THRESHOLD_PX for count in changed_px(scene, every(0.05, start, end))]
    assert all(moving[8:24])
    assert not any(moving[44:50])
    assert all(moving[-24:-8])


# ---- the frame number


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("width", [64, 97, 352, 640, 1000, 1280, 1920, 2560, 3840])
def test_number_round_trip(number: int, width: int) -> None:
    image = np.full((60, width, 3), 90, np.uint8)
    draw_frame_number(image, number)
    assert read_frame_number(image) == number


def test_number_wraps_at_24_bits() -> None:
    image = np.zeros((60, 640, 3), np.uint8)
    draw_frame_number(image, (1 << 24) + 5)
    assert read_frame_number(image) == 5


def test_successive_numbers_differ_in_two_blocks_only() -> None:
    images = np.zeros((300, 16, 640, 3), np.uint8)
    for number, image in enumerate(images):
        draw_frame_number(image, number)
    columns = (images[1:] != images[:-1]).any(axis=(1, 3)).sum(axis=1)
    assert set(columns) == {20}


@pytest.mark.parametrize("number", NUMBERS)
def test_number_survives_jpeg_and_scaling(scene: DemoScene, number: int) -> None:
    image = scene.render(7.5, number)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])
    assert read_frame_number(cast(Image, cv2.imdecode(jpeg, cv2.IMREAD_COLOR))) == number
    for size in ((320, 240), (500, 375), (960, 720)):
        assert read_frame_number(cast(Image, cv2.resize(image, size))) == number


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_number_of_a_large_picture_survives_scaling(size: tuple[int, int], number: int) -> None:
    image = DemoScene(size, visits=()).render(7.5, number)
    for scale in (0.5, 0.75, 1.25):
        smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        assert read_frame_number(cast(Image, smaller)) == number


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("fps", [5, 25, 30])
def test_number_is_no_motion_to_the_robust_detector(size: tuple[int, int], fps: int) -> None:
    detector = RobustDetector()
    for frame in DemoCamera(DemoScene(size, visits=()), times=every(1 / fps, 0, 16)):
        seen = detector.detect(frame.image, frame.time)
        assert not seen.motion
        assert seen.score < 0.2 * detector.area_threshold_px


@pytest.mark.slow
@needs_rtsp  # for ffmpeg
@pytest.mark.parametrize(("size", "bitrate"), [((1280, 720), 1_500_000), ((1920, 1080), 3_000_000)])
def test_number_of_a_large_picture_survives_h264(tmp_path: Path, size: tuple[int, int], bitrate: int) -> None:
    camera = DemoCamera(DemoScene(size, noise=4.0), times=every(0.04, 6, 8))
    path = encode(tmp_path / "in.mp4", (frame.image for frame in camera), 25, bitrate=bitrate)
    capture = cv2.VideoCapture(str(path))
    numbers = []
    while (got := capture.read())[0]:
        numbers.append(read_frame_number(cast(Image, got[1])))
    assert numbers == list(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(160, 120), VGA, (1280, 720), (1920, 1080)])
def test_number_survives_mpeg4(tmp_path: Path, size: tuple[int, int]) -> None:
    path = str(tmp_path / "numbers.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"DIVX"), 20, size)
    camera = DemoCamera(DemoScene(size), times=every(0.05, 6, 10))
    for frame in camera:
        writer.write(frame.image)
    writer.release()
    capture = cv2.VideoCapture(path)
    numbers = []
    while (got := capture.read())[0]:
        numbers.append(read_frame_number(cast(Image, got[1])))
    assert numbers == list(range(80))


def test_other_pictures_have_no_number(scene: DemoScene) -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        assert read_frame_number(rng.integers(0, 256, (48, 64, 3), np.uint8)) is None
    bars = np.zeros((48, 640, 3), np.uint8)
    bars[:, np.arange(640) // 10 % 2 == 0] = 255
    for image in (bars, bars[:, ::-1], np.zeros((48, 640, 3), np.uint8), scene.render(7, 7)[:400]):
        assert read_frame_number(image) is None
    assert read_frame_number(np.zeros((1, 1, 3), np.uint8)) is None


def test_damaged_number_is_not_believed(scene: DemoScene) -> None:
    clean = scene.render(0, 1234)
    for column in range(40, 600, 10):
        image = clean.copy()
        image[-8:, column : column + 10] = 255 - image[-8:, column : column + 10]
        assert read_frame_number(image) is None


# ---- the camera


def test_camera_gives_numbered_frames_at_its_rate() -> None:
    camera = DemoCamera(DemoScene((64, 48)), fps=12.5, seconds=8, start=START)
    frames = list(camera)
    assert (camera.name, camera.live, camera.nominal_fps) == ("demo", False, 12.5)
    assert camera.frame_count == len(frames) == 100
    assert [frame.index for frame in frames] == list(range(100))
    assert [read_frame_number(frame.image) for frame in frames] == list(range(100))
    assert [frame.time for frame in frames] == [index / 12.5 for index in range(100)]
    assert frames[50].utc == START + timedelta(seconds=4)


def test_camera_defaults_to_forty_seconds_from_now() -> None:
    camera = DemoCamera()
    assert camera.frame_count == 800
    first = next(iter(camera))
    assert first.image.shape == (480, 640, 3)
    assert abs(datetime.now(timezone.utc) - first.utc) < timedelta(minutes=1)


def test_camera_with_explicit_times() -> None:
    times = [0.0, 0.04, 0.5, 0.51, 7.0]
    scene = DemoScene((160, 120), visits=(Visit(5, 4, CROSSING_BACK),))
    frames = list(DemoCamera(scene, times=times, start=START))
    assert [frame.time for frame in frames] == times
    assert [frame.utc for frame in frames] == [START + timedelta(seconds=time) for time in times]
    assert np.array_equal(frames[-1].image, scene.render(7.0, 4))


@pytest.mark.parametrize("arguments", [{"fps": 0.0}, {"times": [0.0, 1.0, 1.0]}, {"times": [1.0, 0.5]}])
def test_impossible_times(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"fps|times"):
        DemoCamera(DemoScene((64, 48)), **arguments)  # type: ignore[arg-type]


def test_stop_and_close_end_the_iteration() -> None:
    stop = Event()
    camera = DemoCamera(DemoScene((64, 48)), stop=stop)
    frames = iter(camera)
    next(frames)
    stop.set()
    assert next(frames, None) is None
    stop.clear()
    frames = iter(camera)
    next(frames)
    camera.close()
    camera.close()
    assert next(frames, None) is None
