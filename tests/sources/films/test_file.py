"""Files as cameras: every frame once, with its time, the same every time; and what is no video."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import cast

import av
import numpy as np
import pytest
from copies import SIZE, make
from recordings import make_clip, rising, wandering

from pynvr.demo.frame_number import read_frame_number
from pynvr.demo.scene import Visit
from pynvr.errors import CameraError
from pynvr.media.frame import Frame
from pynvr.media.opencv import as_bgr, plausible_fps
from pynvr.sources.address import is_live
from pynvr.sources.films.file import FileSource

VISITS = (Visit(1.0, 2.0),)


def frames_of(source: FileSource) -> list[Frame]:
    try:
        return [cast(Frame, frame) for frame in source]
    finally:
        source.close()


@pytest.mark.parametrize(
    ("name", "times"),
    [
        pytest.param("clip.mp4", rising(25, 3), id="25 fps"),
        pytest.param("clip.avi", rising(7, 3), id="7 fps"),
        pytest.param("clip.mp4", wandering(3), id="variable"),
        pytest.param("clip.mp4", [0.0, 0.001, 5.0, 5.5, 60.0], id="with holes"),
        pytest.param("ein Film mit Ümlaut.mp4", rising(10, 1), id="name"),
    ],
)
def test_every_frame_with_its_time(tmp_path: Path, name: str, times: list[float]) -> None:
    path = make_clip(tmp_path / name, times, VISITS)
    source = FileSource(path, Event())
    assert source.name == str(path)
    assert not source.live
    assert source.frame_count == len(times)
    frames = frames_of(source)
    assert [frame.index for frame in frames] == list(range(len(times)))
    assert [read_frame_number(frame.image) for frame in frames] == list(range(len(times)))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.0011)
    for one, other in pairwise(frames):
        assert (other.utc - one.utc).total_seconds() == pytest.approx(other.time - one.time, abs=2e-6)


def test_same_every_time(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", wandering(2), VISITS)
    one, other = (frames_of(FileSource(path, Event())) for _ in range(2))
    assert [frame.time for frame in one] == [frame.time for frame in other]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))


def test_truncated_file_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.avi", rising(25, 4), VISITS)
    os.truncate(path, path.stat().st_size // 2)
    source, numbers = FileSource(path, Event()), []
    with pytest.raises(CameraError, match=r"ends too early: it promises 100 pictures, and \d+ came"):
        for frame in source:
            numbers.append(read_frame_number(cast(Frame, frame).image))
    source.close()
    assert 20 < len(numbers) < 100
    assert numbers[:-1] == list(range(len(numbers) - 1))


def test_an_avi_that_counts_milliseconds(tmp_path: Path) -> None:
    """As FFmpeg 7 copies one from an .mkv: it promises a picture for each millisecond, most of them empty."""
    whole, cut = tmp_path / "clip.avi", tmp_path / "cut.avi"
    clip = make(tmp_path / "clip.mkv", 4, codec="mjpeg")
    with av.open(str(clip)) as film, av.open(str(whole), "w") as target:
        track = target.add_mux_stream("mjpeg", time_base=Fraction(1, 1000), width=SIZE[0], height=SIZE[1])
        for number, packet in enumerate(film.demux(video=0)):
            if packet.size:
                packet.stream, packet.time_base = track, Fraction(1, 1000)
                packet.pts = packet.dts = 40 * number
                packet.duration = 40
                target.mux(packet)
    source = FileSource(whole, Event())
    assert source.frame_count == 100
    assert [frame.time for frame in frames_of(source)] == pytest.approx(rising(25, 4))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 4])
    with pytest.raises(CameraError, match=r"ends too early: it promises 4000 pictures, and \d+ came"):
        frames_of(FileSource(cut, Event()))


def test_stop_ends_it(tmp_path: Path) -> None:
    stop = Event()
    source = FileSource(make_clip(tmp_path / "clip.mp4", rising(10, 2), ()), stop)
    frames = iter(source)
    next(frames)
    stop.set()
    assert next(frames, None) is None
    source.close()
    source.close()


@pytest.mark.parametrize(
    ("fit_inside", "size"),
    [
        ((80, 80), (80, 60)),
        ((80, 30), (40, 30)),
        ((320, 1000), (320, 240)),
        ((1000, 240), (320, 240)),
        ((160, 120), (160, 120)),
    ],
)
def test_pictures_are_scaled_to_fit_inside(
    tmp_path: Path, fit_inside: tuple[int, int], size: tuple[int, int]
) -> None:
    path = make_clip(tmp_path / "clip.mp4", rising(10, 0.5), ())
    for frame in frames_of(FileSource(path, Event(), fit_inside)):
        assert frame.image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "no such file", id="missing"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"Dear diary\n" * 1000, "not a video", id="text"),
        pytest.param(bytes(100_000), "not a video", id="zeros"),
    ],
)
def test_no_video(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "clip.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=said) as caught:
        frames_of(FileSource(path, Event()))
    assert f"cam = {str(path)!r}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="folder"):
        FileSource(tmp_path, Event())


def test_video_without_a_picture(tmp_path: Path) -> None:
    """A proper header and then nothing: it opens, and has nothing to give."""
    path = make_clip(tmp_path / "clip.avi", rising(10, 1), ())
    content = bytearray(path.read_bytes())
    start, end = content.index(b"movi"), content.rindex(b"idx1")
    content[start + 4 : end] = bytes(end - start - 4)
    path.write_bytes(content)
    with pytest.raises(CameraError, match=r"cam = .*(no picture|not a video)"):
        frames_of(FileSource(path, Event()))


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is played."""
    path = make_clip(tmp_path / "clip.avi", rising(10, 1), ())

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(CameraError, match=r"clip\.avi': Permission denied"):
        FileSource(path, Event())


@pytest.mark.parametrize(
    ("cam", "live"),
    [
        ("0", True),
        ("12", True),
        ("rtsp://host/", True),
        ("http://host/video.mjpg", True),
        ("/dev/v4l/by-id/unplugged", True),
        ("/dev/null", False),  # a device that is no camera
        ("file:///srv/clip.mp4", False),
        ("demo.avi", False),
        ("/srv/missing.mp4", False),
        ("-1", False),
    ],
)
def test_what_is_live(cam: str, live: bool) -> None:
    assert is_live(cam) == live


@pytest.mark.parametrize("shape", [(12, 16), (12, 16, 1), (12, 16, 3)])
def test_any_picture_becomes_bgr(shape: tuple[int, ...]) -> None:
    assert as_bgr(np.full(shape, 7, np.uint8), None).shape == (12, 16, 3)


@pytest.mark.parametrize(("claimed", "believed"), [(25, 25), (12.5, 12.5), (0, 25), (-1, 25), (90000, 25)])
def test_rate_that_cannot_be_is_not_believed(claimed: float, believed: float) -> None:
    assert plausible_fps(claimed) == believed


def test_a_second_part_in_other_streams_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rising(25, 6), VISITS)
    joined = tmp_path / "joined.ts"
    other = ("-mpegts_start_pid", "0x200", "-mpegts_pmt_start_pid", "0x1100", "-output_ts_offset", "6")
    for options in ((), other):
        part = tmp_path / "part.ts"
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-c:v", "mpeg2video", *options, str(part)]
        subprocess.run(command, check=True)
        joined.write_bytes((joined.read_bytes() if joined.exists() else b"") + part.read_bytes())
    assert len(frames_of(FileSource(joined, Event()))) == 150
    assert re.search(r"joined\.ts: [45]\d % of it come after 6\.0 s in other streams", caplog.text)
