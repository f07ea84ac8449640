"""USB cameras, from a driver that answers as Video4Linux does."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies import scene
from recordings import play
from running import Start
from usb import UsbCamera, needs_usb

pytestmark = [needs_usb, pytest.mark.slow]

FPS = 10
"""The driver has room for ten pictures: so a busy machine loses none."""
TIMES = [number / FPS for number in range(60)]
MOVING = 2.0, 3.0
SETTINGS = {
    "cam": 0,
    "INITIAL_WAIT_INTERVAL_BEFORE_MOTION_DETECTION_SECS": 0.5,
    "PRE_ALARM_RECORDING_SECONDS": 1,
    "MINIMAL_MOTION_DURATION": 1,
    "MOTION_AREA_THRESHOLD": 3000,
    "FOURCC_CODEC": "mp4v",
    "OUTPUT_FILES_EXTENSION": ".mp4",
    "CAMERA_OPEN_TIMEOUT_SECS": 0.5,
    "CAMERA_READ_TIMEOUT_SECS": 1,
}


@pytest.fixture
def camera(tmp_path: Path) -> UsbCamera:
    return UsbCamera(tmp_path / "camera")


@pytest.mark.parametrize("fourcc", ["YUYV", "MJPG"])
def test_a_recording_has_each_picture_and_its_time(camera: UsbCamera, start: Start, fourcc: str) -> None:
    camera.add_format(fourcc, FPS, scene(TIMES, MOVING))
    recorder = start(environment=camera.environment, **SETTINGS)
    recorder.wait_for_recording()
    recorder.stop()
    played = play(recorder.archive / recorder.index()[0]["file"])
    first = played.numbers[0]
    assert first is not None
    assert played.numbers == list(range(first, first + len(played.numbers)))
    assert first == pytest.approx(FPS * (MOVING[0] - 1), abs=2)
    assert played.numbers[-1] == pytest.approx(FPS * (MOVING[1] + 1), abs=2)
    assert played.span_s == pytest.approx((len(played.numbers) - 1) / FPS, abs=0.2)


def test_a_camera_that_was_pulled_out_is_found_again(camera: UsbCamera, start: Start) -> None:
    camera.add_format("MJPG", FPS, scene(TIMES, MOVING))
    recorder = start(environment=camera.environment, **SETTINGS)
    recorder.wait_for("motion")
    camera.set("plugged", False)
    recorder.wait_for("camera 0: lost")
    recorder.wait_for_recording()
    camera.set("plugged")
    recorder.wait_for("camera 0: connected, was away")
    camera.set("hangs")
    recorder.wait_for("camera 0: lost", count=2)
    camera.set("hangs", False)
    recorder.wait_for("camera 0: connected, was away", count=2)
    recorder.wait_for_recording(2)
    recorder.stop()
    for entry in recorder.index():
        assert play(recorder.archive / entry["file"]).numbers[0] == pytest.approx(10, abs=2)


def test_a_broken_picture_costs_only_itself(camera: UsbCamera, start: Start) -> None:
    """OpenCV raises an error of its own where a camera sends an empty JPEG."""
    camera.add_format("MJPG", FPS, scene(TIMES, MOVING))
    for number, keep in ((24, 0), (27, 0.5), (30, 0)):
        camera.spoil("MJPG", number, keep)
    recorder = start(environment=camera.environment, **SETTINGS)
    recorder.wait_for_recording()
    recorder.wait_for_status(undecodable=2)
    recorder.stop()
    assert recorder.count("connected") == 1
    played = play(recorder.archive / recorder.index()[0]["file"])
    missing = set(range(15, 36)) - set(played.numbers)
    assert {24, 30} <= missing <= {24, 27, 30}
    assert played.span_s == pytest.approx((len(played.numbers) + 1) / FPS, abs=0.25)


@pytest.mark.parametrize(
    ("asked", "given", "told"),
    [(None, "320x240", False), ((640, 480), "640x480", False), ((1000, 500), "640x480", True)],
)
def test_the_size_can_be_chosen(
    camera: UsbCamera, start: Start, asked: tuple[int, int] | None, given: str, told: bool
) -> None:
    camera.add_format("YUYV", FPS, scene(TIMES, MOVING))
    camera.add_format("MJPG", FPS, scene(TIMES, MOVING, (640, 480)))
    recorder = start(environment=camera.environment, CAMERA_SIZE=asked, **SETTINGS)
    entry = recorder.wait_for_recording()[0]
    recorder.stop()
    assert f"{entry['width']}x{entry['height']}" == given
    assert recorder.count(f"gives {given} instead of CAMERA_SIZE = {asked}") == told


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("busy", "cannot be opened: another program may use it"),
        ("forbidden", "cannot be opened: this user may not use /dev/video0: sudo usermod -aG video USER"),
        ("blind", "cannot be opened: /dev/video0 has no pictures: a camera has a second number"),
        ("unplugged", "cannot be opened: there is no /dev/video0: is it plugged in?"),
        ("crowded", "was opened and shows nothing: try another port or cable, or a smaller CAMERA_SIZE"),
        ("hangs", "was opened and shows nothing: try another port or cable, or a smaller CAMERA_SIZE"),
    ],
)
def test_why_it_cannot_be_used(camera: UsbCamera, start: Start, state: str, told: str) -> None:
    camera.add_format("YUYV", FPS, scene(TIMES[:10], MOVING))
    camera.set(state)
    if state == "unplugged":
        camera.set("plugged", False)
    recorder = start(environment=camera.environment, **SETTINGS)
    recorder.wait_for(f"camera 0: {told}")
    if state != "unplugged":
        camera.set(state, False)
    camera.set("plugged")
    recorder.wait_for("camera 0: connected")
    recorder.stop()
