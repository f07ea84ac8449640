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
from recordings import read_index
from rtsp import needs_rtsp
from running import defaults
from sounds import apart_s, clapping, claps_in, codec_of_sound, remuxed

from pynvr.cli import record
from pynvr.media.packet import TimedPacket
from pynvr.recording.copying import PacketPart
from pynvr.recording.orders import Write
from pynvr.sources.packet_file import FilePackets

pytestmark = needs_rtsp  # for ffmpeg


@pytest.fixture
def run(config_module: ModuleType, tmp_path: Path) -> Callable[..., int]:
    """Run the recorder in copy mode with sound on a file."""

    def run(cam: Path, **settings: Any) -> int:
        chosen = {"RECORDING_MODE": "copy", "RECORD_SOUND": True, "STATUS_FILE_PATH": None}
        chosen |= {"PRE_ALARM_RECORDING_SECONDS": 2.0, "MINIMAL_MOTION_DURATION": 1.5}
        config_module.__dict__.update(defaults(tmp_path) | chosen | {"cam": str(cam)} | settings)
        return record(lambda: config_module, [])

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
        slowly("pcm_s16le", ".mkv", ".mp4", "aac"),
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
    film = remuxed(clapping(tmp_path / "film.mkv", sound), suffix)
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
