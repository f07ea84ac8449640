"""A film from a server that stops answering, or answers a byte at a time: the run can be ended."""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM

import pytest
from running import RecorderProcess

from pynvr.errors import StoppedError
from pynvr.sources.films.file import FileSource
from pynvr.sources.films.packet_file import FilePackets
from pynvr.sources.films.place import film_place
from pynvr.sources.stoppable import LETTING_GO_S

FILM = (Path(__file__).parents[2] / "field_inputs" / "interlaced.mp4").read_bytes()
AT_ONCE_S = LETTING_GO_S + 2.0
"""Far less than any timeout, on a busy machine."""
GOOD = len(FILM) * 4 // 5


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if server.place == "answer":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
            return server.hang(self)
        part = server.place == "parts" and wanted is not None
        first = int(wanted[1]) if wanted is not None and part else 0
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {first}-{len(FILM) - 1}/{len(FILM)}")
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(FILM) - first))
        self.end_headers()
        # FFmpeg leaps to the end for the description
        self.wfile.write(FILM[first:] if first > GOOD else FILM[first:GOOD])
        if first <= GOOD and wanted is not None:
            server.hang(self)
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingTCPServer):
    """Hangs in the `answer` to the first question, in the `film` as a whole, or in `parts` of it."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, place: str, drips: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.place, self.drips = place, drips
        self.hangs, self.over = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/film.mp4"

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        self.hangs.set()
        with contextlib.suppress(OSError):
            while not self.over.wait(0.2):
                if self.drips:
                    handler.wfile.write(b"a")


@pytest.fixture(params=["answer", "film", "parts"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["stalls", "drips"])
def server(request: pytest.FixtureRequest, place: str) -> Iterator[Server]:
    with Server(place, request.param == "drips") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_a_film_that_is_waited_for_can_be_stopped(server: Server, place: str) -> None:
    stop, shown = threading.Event(), threading.Event()
    ended: list[float] = []
    pictures = 0

    def end() -> None:
        server.hangs.wait(10)
        if place == "parts":
            shown.wait(10)
        time.sleep(0.2)  # for whoever waits to be waiting
        ended.append(time.monotonic())
        stop.set()

    threading.Thread(target=end, daemon=True).start()
    with pytest.raises(StoppedError) if place != "parts" else contextlib.nullcontext():
        found = film_place(server.url, 20.0, stop)
        assert found is not None
        source = FileSource(found, stop)
        for _ in source:
            pictures += 1
            shown.set()
        source.close()
    assert time.monotonic() - ended[0] < AT_ONCE_S
    assert (0 < pictures < 500) == (place == "parts")


@pytest.mark.parametrize("place", ["parts"], indirect=True)
def test_packets_that_are_waited_for_can_be_stopped(server: Server) -> None:
    stop = threading.Event()
    packets = FilePackets(server.url, stop)
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    assert 0 < len(list(packets.until(1e9))) < 500
    packets.close()
    assert time.monotonic() - began < AT_ONCE_S


@pytest.mark.slow
@pytest.mark.parametrize("server", ["drips"], indirect=True)
@pytest.mark.parametrize(
    ("place", "mode", "number"),
    [
        ("film", "encode", SIGTERM),
        ("film", "copy", SIGHUP),
        ("parts", "encode", SIGINT),
        ("parts", "copy", SIGTERM),
    ],
    indirect=["place"],
)
def test_the_first_signal_ends_the_recorder(tmp_path: Path, server: Server, mode: str, number: int) -> None:
    with RecorderProcess(tmp_path, cam=server.url, RECORDING_MODE=mode) as recorder:
        assert server.hangs.wait(20)
        assert recorder.stop(number) < AT_ONCE_S
