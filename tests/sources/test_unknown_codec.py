"""Pictures and sound of codecs that FFmpeg does not know: a clear word, and the pictures are recorded."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import av
import pytest
from rtsp import needs_rtsp
from sounds import clapping

from pynvr.errors import CameraError
from pynvr.sources.films.file import FileSource
from pynvr.sources.films.packet_file import FilePackets
from pynvr.sources.opening import Timeouts
from pynvr.sources.sound.capture import SoundCapture

pytestmark = needs_rtsp  # for ffmpeg


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """MJPEG with G.711 in an .avi."""
    return clapping(tmp_path_factory.mktemp("film") / "film.avi", "pcm_alaw", 2, codec="mjpeg").read_bytes()


@pytest.fixture
def strange_sound(film: bytes, tmp_path: Path) -> Path:
    place = film.index(b"strf", film.index(b"auds")) + 8
    path = tmp_path / "sound.avi"
    path.write_bytes(film[:place] + b"\x99\x99" + film[place + 2 :])
    return path


@pytest.fixture
def strange_pictures(film: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "pictures.avi"
    path.write_bytes(film.replace(b"MJPG", b"ZZZZ"))
    return path


def capture(path: Path) -> SoundCapture:
    """A camera that sends what is in a file."""
    opener: Any = SimpleNamespace(
        cam="http://127.0.0.1/", name="it", timeouts=Timeouts(), open_container=lambda **_: av.open(path)
    )
    return SoundCapture(opener)


def test_a_file_of_strange_pictures(strange_pictures: Path) -> None:
    with pytest.raises(CameraError, match="is not a video that FFmpeg can read"):
        FileSource(strange_pictures, Event())


def test_a_camera_of_strange_pictures(strange_pictures: Path) -> None:
    with pytest.raises(CameraError, match="camera it: sends a codec that FFmpeg does not know"):
        capture(strange_pictures)


def test_a_file_of_strange_sound(strange_sound: Path, caplog: pytest.LogCaptureFixture) -> None:
    packets = FilePackets(strange_sound, Event(), ".mkv", True)
    assert packets.first(1).stream.sound is None
    assert "has no sound that could be recorded" in caplog.text
    packets.close()


def test_a_camera_of_strange_sound(strange_sound: Path, caplog: pytest.LogCaptureFixture) -> None:
    camera = capture(strange_sound)
    assert camera.stream(".mkv").sound is None
    assert "has no sound that could be recorded" in caplog.text
    camera.release()
