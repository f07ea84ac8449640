"""Where a film can lie, and under which names; and what is none."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import pytest

from pynvr.errors import CameraError
from pynvr.sources.films.file import FileSource
from pynvr.sources.films.place import film_place

FILM = Path(__file__).parents[2] / "field_inputs" / "interlaced.mp4"
PICTURES = 500


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A web server that hands out the folder's files, but no parts of them."""
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def count(cam: str) -> int:
    place = film_place(cam, 5.0, Event())
    assert place is not None
    source = FileSource(place, Event())
    try:
        return sum(1 for _ in source)
    finally:
        source.close()


@pytest.mark.parametrize(
    "name",
    [
        b"2021-03-04T10:00:00.mp4",
        b"b\xff\xfe.mp4",
        b"100 %d %20.mp4",
        b"two\nlines.mp4",
        b"-i.mp4",
        b"rtsp:x.mp4",
    ],
)
def test_any_name_that_the_system_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FILM, os.fsdecode(name))
    assert count(os.fsdecode(name)) == PICTURES


def test_address_of_a_file(tmp_path: Path) -> None:
    shutil.copy(FILM, tmp_path / "a film #1?.mp4")
    assert count(f"file://{tmp_path}/a%20film%20#1?.mp4") == PICTURES


def test_finished_clip_of_a_server_without_parts(tmp_path: Path, address: str) -> None:
    shutil.copy(FILM, tmp_path / "clip.mp4")
    assert count(f"{address}/clip.mp4") == PICTURES


def test_finished_list_of_pieces_is_asked_for_directly(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    command = ["ffmpeg", "-v", "error", "-i", str(FILM), "-c", "copy", "-f", "hls", "-hls_list_size", "0"]
    subprocess.run([*command, str(tmp_path / "list.m3u8")], check=True)
    assert count(f"{address}/list.m3u8") == PICTURES


@pytest.mark.parametrize(
    ("kind", "said"), [("pipe", "is a pipe"), ("folder", "is a folder"), ("device", "is a device")]
)
def test_what_is_no_film_is_refused_at_once(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "clip.mp4"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/null")
    with pytest.raises(CameraError, match=said):
        count(str(path))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("picture.png", ("-frames:v", "1"), "is a picture"),
        ("picture.jpg", ("-frames:v", "1"), "is a picture"),
        ("sound.wav", ("-f", "lavfi", "-t", "1", "-i", "sine", "-map", "1:a"), "no video"),
    ],
)
def test_pictures_and_sounds_are_no_films(
    tmp_path: Path, name: str, options: tuple[str, ...], said: str
) -> None:
    path = tmp_path / name
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(FILM), *options, str(path)], check=True)
    with pytest.raises(CameraError, match=said):
        count(str(path))


@pytest.mark.parametrize(
    ("cam", "place"),
    [("~/clip.mp4", "/home/me/clip.mp4"), ("~nobody-has-this/clip.mp4", "~nobody-has-this/clip.mp4")],
)
def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, cam: str, place: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert film_place(cam, 5.0, Event()) == Path(place)
