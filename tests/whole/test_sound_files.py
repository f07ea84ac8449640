"""Sound of files in copy mode: kept with its pictures, in every file of a long event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from copies import complaints
from numpy.typing import NDArray
from recordings import read_index
from rtsp import needs_rtsp
from running import defaults
from sounds import apart_s, clapping, claps_in, codec_of_sound, remuxed

from pynvr.cli import record
from pynvr.media.packet import TimedPacket
from pynvr.recording.copying import PacketPart
from pynvr.recording.orders import Write
from pynvr.sources.films.packet_file import FilePackets

pytestmark = needs_rtsp  # for ffmpeg


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Callable[..., int]:
    """Run the recorder in copy mode with sound on a file."""

    def run(cam: Path, *arguments: str, **settings: Any) -> int:
        chosen = {"RECORDING_MODE": "copy", "RECORD_SOUND": True, "STATUS_FILE_PATH": None}
        chosen |= {"PRE_ALARM_RECORDING_SECONDS": 2.0, "MINIMAL_MOTION_DURATION": 1.5}
        config_module.__dict__.update(defaults(tmp_path) | chosen | {"cam": str(cam)} | settings)
        return record(lambda: config_module, arguments)

    return run


slowly = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("sound", "suffix", "final", "recorded"),
    [
        ("aac", ".mkv", ".mp4", "aac"),
        slowly("aac", ".mp4", ".mp4", "aac"),
        slowly("aac", ".ts", ".mp4", "aac"),
        slowly("aac", ".mp4", ".ts", "aac"),
        slowly("opus", ".mkv", ".mp4", "opus"),
        slowly("mp3", ".mp4", ".mp4", "mp3"),
        slowly("pcm_mulaw", ".mkv", ".mp4", "aac"),
        ("adpcm_g726", ".mkv", ".mp4", "aac"),  # whose decoder has to know the bits of a sample
        slowly("wmav2", ".mkv", ".mp4", "aac"),  # and the bytes of a block
        slowly("mp3_8k", ".mkv", ".mp4", "aac"),  # which FFmpeg does not write into an .mp4
        slowly("aac", ".mkv", ".mkv", "aac"),
        slowly("aac", ".ts", ".mkv", "aac"),
        slowly("pcm_mulaw", ".mkv", ".mkv", "pcm_s16le"),
        slowly("pcm_s16le", ".mkv", ".mp4", "aac"),
        ("pcm_alaw", ".avi", ".mkv", "pcm_s16le"),  # beside MJPEG
        slowly("mp3", ".avi", ".mkv", "mp3"),
    ],
)
def test_a_file_keeps_its_sound(
    run: Callable[..., int],
    tmp_path: Path,
    archive_path: Path,
    sound: str,
    suffix: str,
    final: str,
    recorded: str,
) -> None:
    codec = "mjpeg" if suffix == ".avi" else "h264"
    film = remuxed(clapping(tmp_path / "film.mkv", sound, codec=codec), suffix)
    assert run(film, "--check", OUTPUT_FILES_EXTENSION=final) == 0
    assert run(film, OUTPUT_FILES_EXTENSION=final) == 0
    (entry,) = read_index(archive_path)
    recording = archive_path / entry["file"]
    assert recording.suffix == final
    assert codec_of_sound(recording) == recorded
    assert complaints(recording) == ""
    apart = apart_s(recording)
    assert len(apart) >= 4, claps_in(recording)
    assert max(map(abs, apart)) <= 0.02, apart


@pytest.mark.slow
def test_joined_films_with_other_sound(run: Callable[..., int], tmp_path: Path, archive_path: Path) -> None:
    """The second one's sound does not fit the first one's description."""
    joined = tmp_path / "joined.ts"
    for sound in ("aac", "aac_16k"):
        part = clapping(tmp_path / f"{sound}.mkv", sound, moving=(0, 8))
        joined.write_bytes(
            (joined.read_bytes() if joined.exists() else b"") + remuxed(part, ".ts").read_bytes()
        )
    assert run(joined) == 0
    log = (tmp_path / "logs" / "pynvr.log").read_text()
    assert log.count("its sound is missing or has changed") == 1
    for entry in read_index(archive_path):
        recording = archive_path / entry["file"]
        assert complaints(recording) == ""
        assert max(map(abs, apart_s(recording)), default=0.0) <= 0.02


@pytest.mark.slow
def test_a_long_event_has_all_sound(run: Callable[..., int], tmp_path: Path, archive_path: Path) -> None:
    film = clapping(tmp_path / "film.mkv", "aac", seconds=34, moving=(2, 34))
    assert run(film, RECORDING_MAX_DURATION_SECS=10) == 0
    entries = read_index(archive_path)
    assert len(entries) == 4
    spans = []
    for entry in entries:
        recording = archive_path / entry["file"]
        assert complaints(recording) == ""
        assert max(map(abs, apart_s(recording))) <= 0.02
        with av.open(str(recording)) as container:
            pieces = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.pts is not None]
            shown = min(float(p.pts * p.time_base) for p in av.open(str(recording)).demux(video=0) if p.size)
        spans.append([entry["first_frame_s"] + piece - shown for piece in pieces])
    together = np.concatenate(spans)
    # 1024 samples each
    assert np.diff(together) == pytest.approx(1024 / 48000, abs=0.002)


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_g711_keeps_every_sample_in_an_mkv(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, codec: str
) -> None:
    film = clapping(tmp_path / "film.mkv", "pcm_mulaw", codec=codec)
    assert run(film, OUTPUT_FILES_EXTENSION=".mkv") == 0
    (entry,) = read_index(archive_path)
    sent, recorded = samples_of(film), samples_of(archive_path / entry["file"])
    assert len(recorded) > 4 * 8000
    assert recorded.tobytes() in sent.tobytes()


def samples_of(path: Path) -> NDArray[np.int16]:
    """All samples of a file's sound, one after the other."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_an_avi_cannot_keep_sound(
    run: Callable[..., int], tmp_path: Path, archive_path: Path, logged_errors: list[str]
) -> None:
    film = clapping(tmp_path / "film.mkv", "pcm_mulaw", codec="mjpeg")
    assert run(film, OUTPUT_FILES_EXTENSION=".avi") == 78
    assert any("cannot keep the sound of" in message for message in logged_errors)
    assert run(film, OUTPUT_FILES_EXTENSION=".avi", RECORD_SOUND=False) == 0
    assert run(film, OUTPUT_FILES_EXTENSION=None, RECORD_SOUND=True) == 0
    assert [Path(entry["file"]).suffix for entry in read_index(archive_path)] == [".avi", ".mkv"]


def test_without_the_setting_there_is_none(
    run: Callable[..., int], tmp_path: Path, archive_path: Path
) -> None:
    assert run(clapping(tmp_path / "film.mkv", "aac"), RECORD_SOUND=False) == 0
    (entry,) = read_index(archive_path)
    assert codec_of_sound(archive_path / entry["file"]) is None


def test_a_last_picture_larger_than_a_pipe_holds_up_nothing(tmp_path: Path) -> None:
    """It is written when the file is closed, while another thread has to empty the pipe."""
    source = FilePackets(clapping(tmp_path / "film.mkv", "aac"), Event(), with_sound=True)
    *packets, last = source.until(1.0)
    assert isinstance(last, TimedPacket)
    large = replace(last, data=np.concatenate([last.data, np.full((1, 1 << 20), 7, np.uint8)], axis=1))
    path = tmp_path / "large.part.ts"
    part = PacketPart(".mp4", packets[0])
    part.open(path, 25.0)
    for packet in [*packets, large]:
        part.write(Write(packet))
    part.close()
    source.close()
    assert path.stat().st_size > 1 << 20
