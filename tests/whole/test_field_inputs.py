"""Five files as people had them, in both modes: nothing is lost, and what is odd about them is said."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from copies import make
from recordings import read_index
from running import defaults

from pynvr.cli import record
from pynvr.demo.frame_number import read_frame_number

pytestmark = pytest.mark.slow

INPUTS = Path(__file__).parents[1] / "field_inputs"
RUNS = [pytest.param(mode, id=mode) for mode in ("encode", "copy")]


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Callable[..., int]:
    """Run the recorder on one of the files."""

    def run(name: str, mode: str, **settings: Any) -> int:
        chosen = {
            "RECORDING_MODE": mode,
            "OUTPUT_FILES_EXTENSION": ".mp4",
            "STATUS_FILE_PATH": None,
            "LOG_FILE_PATH": tmp_path / "log" / "pynvr.log",
            "APP_LOG_LEVEL": logging.INFO,
            "MOTION_DETECTOR": "robust",
            "MINIMAL_MOTION_DURATION": 10,
            "PRE_ALARM_RECORDING_SECONDS": 10,  # the visitor comes after 6 s; the files are recorded whole
        }
        config_module.__dict__.update(defaults(tmp_path) | chosen | {"cam": str(INPUTS / name)} | settings)
        return record(lambda: config_module, [])

    return run


@pytest.fixture
def log_text(tmp_path: Path) -> Callable[[], str]:
    """What the recorder has logged."""
    return (tmp_path / "log" / "pynvr.log").read_text


def played(path: Path) -> tuple[list[int | None], list[float], tuple[int, ...]]:
    """The numbers in a recording's pictures, their times and their shape, as a player turns them."""
    numbers, times, shape = [], [], (0,)
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            image = np.rot90(frame.to_ndarray(format="bgr24"), frame.rotation // 90)
            numbers.append(read_frame_number(np.ascontiguousarray(image)))
            times.append(float(frame.pts * frame.time_base))
            shape = image.shape
    return numbers, times, shape


@pytest.mark.parametrize("mode", RUNS)
def test_one_damaged_packet_costs_one_picture(
    run: Callable[..., int], archive_path: Path, mode: str, log_text: Callable[[], str]
) -> None:
    assert run("one.mp4", mode) == 0
    (entry,) = read_index(archive_path)
    numbers, times, _ = played(archive_path / entry["file"])
    there = [number for number in range(1000) if number != 351]
    assert times == pytest.approx([number / 25 for number in there], abs=0.0011)
    # up to the next key frame the pictures lack what the lost one would have told them
    assert (numbers[:351], numbers[400:]) == (there[:351], there[400:])
    assert (entry["frames"], entry["undecodable"]) == (999, 1)
    assert "one.mp4: 14.0-14.0 s: 1 picture could not be decoded" in log_text()


@pytest.mark.parametrize("mode", RUNS)
def test_damaged_packets_after_the_last_picture_are_counted_too(
    run: Callable[..., int],
    archive_path: Path,
    tmp_path: Path,
    mode: str,
    log_text: Callable[[], str],
    logged_errors: list[str],
) -> None:
    whole = make(tmp_path / "whole.mp4", seconds=4, moving=(1, 4))
    with av.open(str(whole)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for place, size in places[-2:]:
        data[place + 4 : place + size] = bytes(size - 4)
    (tmp_path / "end.mp4").write_bytes(data)
    assert run("", mode, cam=str(tmp_path / "end.mp4")) == 0
    (entry,) = read_index(archive_path)
    assert entry["undecodable"] == 2
    assert all("did not reach the disk" in error for error in logged_errors)  # rubbish that was copied
    assert "2 pictures could not be decoded" in log_text()


@pytest.mark.parametrize("mode", RUNS)
def test_an_attached_picture_is_not_the_film(
    run: Callable[..., int], archive_path: Path, mode: str, log_text: Callable[[], str]
) -> None:
    assert run("attfirst.mp4", mode) == 0
    (entry,) = read_index(archive_path)
    assert played(archive_path / entry["file"])[0] == list(range(1000))
    assert "of 2 video streams number 2 is read: h264, 320x240" in log_text()


@pytest.mark.parametrize("mode", RUNS)
def test_joined_streams_play_one_after_the_other(
    run: Callable[..., int], archive_path: Path, mode: str, log_text: Callable[[], str]
) -> None:
    assert run("cat.ts", mode) == 0
    (entry,) = read_index(archive_path)
    numbers, times, _ = played(archive_path / entry["file"])
    assert numbers == [*range(500), *range(500, 1000)]
    assert times == pytest.approx([index / 25 for index in range(1000)], abs=0.0011)
    assert "first at 20.0 s" in log_text()


@pytest.mark.parametrize("mode", RUNS)
def test_interlaced_video_is_seen(
    run: Callable[..., int], archive_path: Path, mode: str, log_text: Callable[[], str]
) -> None:
    assert run("interlaced.mp4", mode) == 0
    (entry,) = read_index(archive_path)
    assert entry["trigger_s"] == pytest.approx(6.3, abs=0.3)
    numbers, _, shape = played(archive_path / entry["file"])
    assert numbers == list(range(round(entry["first_frame_s"] * 25), round(entry["last_frame_s"] * 25) + 1))
    assert shape == (480, 640, 3)
    assert "is interlaced" in log_text()


@pytest.mark.parametrize("mode", RUNS)
def test_turned_video_is_upright(run: Callable[..., int], archive_path: Path, mode: str) -> None:
    assert run("rot.mp4", mode) == 0
    (entry,) = read_index(archive_path)
    assert (entry["width"], entry["height"]) == (240, 320)
    # the numbers lie on their side in a picture that is turned: as in the source
    with av.open(str(INPUTS / "rot.mp4")) as source, av.open(str(archive_path / entry["file"])) as made:
        recorded = islice(source.decode(video=0), round(entry["first_frame_s"] * 25), None)
        for one, other in zip(recorded, made.decode(video=0), strict=True):
            wanted, got = (np.rot90(f.to_ndarray(format="bgr24"), f.rotation // 90) for f in (one, other))
            assert got.shape == wanted.shape == (320, 240, 3)
            assert np.abs(got.astype(int) - wanted).mean() < 6


@pytest.mark.parametrize("mode", RUNS)
@pytest.mark.parametrize("options", [("-aspect", "16:9", "-c", "copy"), ("-vf", "setsar=4/3")])
def test_pixels_that_are_not_square_keep_their_shape(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, mode: str, options: tuple[str, ...]
) -> None:
    source = tmp_path / "wide.mp4"
    command = ["ffmpeg", "-v", "error", "-t", "12", "-i", str(INPUTS / "attfirst.mp4"), "-map", "0:1"]
    subprocess.run([*command, *options, str(source)], check=True)
    assert run(str(source), mode) == 0
    (entry,) = read_index(archive_path)
    with av.open(str(archive_path / entry["file"])) as made:
        stream = made.streams.video[0]
        wide = stream.width * float(stream.sample_aspect_ratio or 1) / stream.height
        assert wide == pytest.approx(16 / 9, abs=0.01)
        assert (entry["width"], entry["height"]) == (stream.width, stream.height)
