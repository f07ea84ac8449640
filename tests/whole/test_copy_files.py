"""Copy mode on files: the packets themselves, all of them, at their times, from the right key frame on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from copies import FPS, complaints, make, numbers_of, packets_of, same_run, scene
from recordings import make_clip, read_index, remains, rising
from rtsp import encode, needs_rtsp
from running import defaults
from sounds import clapping

from pynvr.cli import record

pytestmark = needs_rtsp  # for ffmpeg

PRE_S, HOLD_S = 2.0, 1.5


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Callable[..., int]:
    """Run the recorder in copy mode on a file."""

    def run(cam: Path, *arguments: str, **settings: Any) -> int:
        chosen = {
            "RECORDING_MODE": "copy",
            "PRE_ALARM_RECORDING_SECONDS": PRE_S,
            "MINIMAL_MOTION_DURATION": HOLD_S,
            "STATUS_FILE_PATH": None,
        }
        config_module.__dict__.update(defaults(tmp_path) | chosen | {"cam": str(cam)} | settings)
        return record(lambda: config_module, list(arguments))

    return run


def check(archive: Path, source: Path, codec: str) -> dict[str, Any]:
    """Compare the one recording with its source and return its line of the index."""
    (entry,) = read_index(archive)
    recording = archive / str(entry["file"])
    recorded, sent = packets_of(recording), packets_of(source)
    begin = same_run(recorded, sent, codec)
    keys = [packet.time_ms for packet in sent if packet.key]
    trigger_ms, last_ms = entry["trigger_s"] * 1000, (entry["last_motion_s"] + HOLD_S) * 1000
    assert sent[begin].time_ms == max(
        key for key in keys if key <= trigger_ms - PRE_S * 1000 + 0.5 or key == 0
    )
    # with B-frames one from after the end has to be there for some from before it, and all between as well
    for _ in range(2):
        end = max(number for number, packet in enumerate(sent) if packet.time_ms <= last_ms + 0.5)
        last_ms = max(packet.time_ms for packet in sent[begin : end + 1])
    assert begin + len(recorded) - 1 == end
    if recording.suffix != ".avi":
        shown = [packet.time_ms - sent[begin].time_ms for packet in sent[begin : begin + len(recorded)]]
        assert [packet.time_ms for packet in recorded] == pytest.approx(shown, abs=1)
    assert entry["frames"] == len(recorded)
    assert entry["trigger_in_file_s"] == pytest.approx(entry["trigger_s"] - entry["first_frame_s"], abs=0.001)
    assert complaints(recording) == ""
    numbers = numbers_of(recording)
    assert len(numbers) == len(recorded)
    assert np.diff([number or 0 for number in numbers]).tolist() == [1] * (len(numbers) - 1)
    assert all(".part" not in name for name in remains(archive))
    return entry


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(("bframes", "gop"), [(0, 25), (2, 25), (0, 12), (2, 125), (0, 250)])
def test_every_packet_is_the_files_own(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, codec: str, bframes: int, gop: int
) -> None:
    source = make(tmp_path / "in.mp4", codec=codec, bframes=bframes, gop=gop)
    assert run(source) == 0
    entry = check(archive_path, source, codec)
    assert entry["file"].endswith(".mp4")
    assert entry["trigger_s"] == pytest.approx(4, abs=1.1 / FPS)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "bframes"), [("h264", 0), ("h264", 2), ("h265", 0)])
def test_every_packet_is_the_files_own_in_an_mkv(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, codec: str, bframes: int
) -> None:
    source = make(tmp_path / "in.mp4", codec=codec, bframes=bframes)
    assert run(source, OUTPUT_FILES_EXTENSION=".mkv") == 0
    assert check(archive_path, source, codec)["file"].endswith(".mkv")


@pytest.mark.parametrize("sound", [False, True])
def test_h265_has_the_name_that_apple_players_know(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, sound: bool
) -> None:
    """They refuse an .mp4 of hev1."""
    silent = make(tmp_path / "in.mkv", codec="h265")
    assert run(clapping(tmp_path / "sound.mkv", codec="h265") if sound else silent, RECORD_SOUND=sound) == 0
    assert b"hvc1" in (archive_path / read_index(archive_path)[0]["file"]).read_bytes()


@pytest.mark.parametrize("bframes", [0, 2])
def test_variable_rate(run: Callable[..., int], tmp_path: Path, archive_path: Path, bframes: int) -> None:
    steps = np.random.default_rng(1).choice([0.02, 0.033, 0.071, 0.1], 150)
    source = make(tmp_path / "in.mp4", times=np.cumsum([0.0, *steps]).tolist(), bframes=bframes, gop=20)
    assert run(source) == 0
    check(archive_path, source, "h264")


def test_transport_stream(run: Callable[..., int], tmp_path: Path, archive_path: Path) -> None:
    source = make(tmp_path / "in.mp4")
    assert run(source, OUTPUT_FILES_EXTENSION=".ts") == 0
    assert check(archive_path, source, "h264")["file"].endswith(".ts")


def test_mjpeg_goes_into_avi(run: Callable[..., int], tmp_path: Path, archive_path: Path) -> None:
    source = make(tmp_path / "in.avi", codec="mjpeg")
    assert run(source) == 0
    assert check(archive_path, source, "mjpeg")["file"].endswith(".avi")


@pytest.mark.slow
def test_the_large_stream_is_recorded_while_the_small_one_is_watched(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    large = make(tmp_path / "large.mp4", scene_size=(640, 480), bframes=2)
    small = make(tmp_path / "small.mp4")
    assert run(small, RECORDING_CAM=str(large)) == 0
    entry = check(archive_path, large, "h264")
    assert (entry["width"], entry["height"]) == (640, 480)


@pytest.mark.slow
def test_a_long_event_goes_on_in_another_file_without_loss(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    source = make(tmp_path / "in.mp4", seconds=26, moving=(1, 25))
    assert run(source, RECORDING_MAX_DURATION_SECS=10) == 0
    entries = read_index(archive_path)
    assert len(entries) == 3
    numbers = [number for entry in entries for number in numbers_of(archive_path / entry["file"])]
    assert numbers == list(range(26 * FPS))
    assert [entry.get("continues", False) for entry in entries] == [False, True, True]


def test_events_close_to_each_other_share_a_group_of_pictures_at_most(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    times = [number / FPS for number in range(8 * FPS)]
    moving = [3.0 <= time < 3.5 or 5.6 <= time < 6 for time in times]
    pictures = list(scene(times, (0, 100)))
    frames = [image if moves else pictures[0] for image, moves in zip(pictures, moving, strict=True)]
    source = encode(tmp_path / "in.mp4", frames, FPS, gop=25)
    assert run(source) == 0
    first, second = read_index(archive_path)
    assert first["last_frame_s"] < second["trigger_s"]
    assert second["first_frame_s"] > first["last_frame_s"] - 1
    assert second["first_frame_s"] <= first["last_frame_s"] + 1 / FPS


@pytest.mark.slow
def test_looking_less_often_leaves_times_exact(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    source = make(tmp_path / "in.mp4")
    assert run(source, MOTION_DETECTION_FPS=5, MOTION_AREA_THRESHOLD=3000) == 0
    entry = check(archive_path, source, "h264")
    assert 4 <= entry["trigger_s"] <= 4.2 + 1 / FPS


@pytest.mark.usefixtures("logged_errors")
@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("cam", ["demo", "demo:rain", "0"])
def test_what_has_no_packets_is_said_at_start(
    run: Callable[..., int], cam: Any, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cam, *arguments) == 78
    assert "RECORDING_MODE" in capsys.readouterr().err


@pytest.mark.usefixtures("logged_errors")
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_unknown_codec_is_said_at_start(
    run: Callable[..., int], tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rising(10, 2), ())
    assert run(clip, *arguments) == 78
    assert "H.264" in capsys.readouterr().err


def test_check_says_what_would_be_recorded(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(make(tmp_path / "in.mp4", codec="h265"), "--check") == 0
    told = capsys.readouterr().out
    assert "320x240 H.265, copied into .mp4" in told
    assert "key frames 1.0 s apart" in told
    assert remains(archive_path) == []
