"""The encoder says what OpenCV keeps to itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recordings import numbered

from pynvr.errors import RecordingError, SettingsError
from pynvr.media import container
from pynvr.media.codecs import Codec
from pynvr.recording.encoding import CODECS, Encoder, check_codec


@pytest.mark.parametrize("fourcc", list(CODECS))
@pytest.mark.parametrize("fps", [0.2, 12.5, 24.97, 90000.0])
@pytest.mark.parametrize("size", [(160, 120), (161, 121)], ids=str)
def test_every_codec_rate_and_size(fourcc: str, fps: float, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / f"part{CODECS[fourcc].part_suffix}"
    writer = Encoder(path, fourcc, fps, size)
    for number in range(10):
        writer.write(numbered(number, size))
    writer.close()
    assert container.survey(path).count == 10


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((120, 162, 3), np.uint8),
        np.zeros((160, 120, 3), np.uint8),
        np.zeros((120, 160), np.uint8),
    ],
    ids=["wider", "turned", "grey"],
)
def test_picture_that_does_not_fit(
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], tmp_path: Path
) -> None:
    writer = Encoder(tmp_path / "part.ts", "DIVX", 25, (160, 120))
    writer.write(numbered(0))
    with pytest.raises(RecordingError, match=r"part\.ts.*shape"):
        writer.write(image)
    writer.close()


def test_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="PATH_FOR_VIDEO"):
        Encoder(tmp_path / "missing" / "part.ts", "DIVX", 25, (160, 120))


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "part.ts"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="exists"):
        Encoder(path, "DIVX", 25, (160, 120))
    assert path.read_text() == "precious"


def test_size_that_cannot_be_encoded_names_settings_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"FOURCC_CODEC.*scaleFrameTo"):
        Encoder(tmp_path / "part.ts", "DIVX", 25, (16384, 16384))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fourcc", list(CODECS))
def test_codecs_offered_do_work(fourcc: str) -> None:
    check_codec(fourcc)


def test_codec_that_does_not_work_names_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODECS, "ZZZZ", Codec(".ts", {".avi": "ZZZZ"}))
    with pytest.raises(SettingsError, match=r"FOURCC_CODEC = 'ZZZZ'.*DIVX, XVID, mp4v, MJPG$"):
        check_codec("ZZZZ")
