"""What a server may say to be asked more than it should be: files of this machine, memory without end."""

from __future__ import annotations

import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from pynvr.errors import CameraError
from pynvr.sources import web
from pynvr.sources.diagnosis import why_not_opened
from pynvr.sources.web import Content, look

Serve = Callable[[bytes, bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer one connection with a text, and then with another one again and again until nobody listens."""
    with ExitStack() as stack:

        def begin(text: bytes, further: bytes) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def answer() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    try:
                        connection.sendall(text)
                        for _ in range(1000):
                            connection.sendall(further)
                    except OSError:
                        return

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            return int(listener.getsockname()[1])

        yield begin


def test_a_list_does_not_have_a_file_of_this_machine_opened(serve: Serve, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # who opens it waits for ever
    os.mkfifo(pipe)
    body = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile://{pipe}\n".encode()
    port = serve(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), b"")
    found: list[Content] = []
    asking = threading.Thread(
        target=lambda: found.append(look(f"http://127.0.0.1:{port}/", 2).content), daemon=True
    )
    asking.start()
    asking.join(10)
    assert found == [Content.TRANSPORT]


def test_an_address_may_hold_letters_of_other_alphabets(serve: Serve) -> None:
    port = serve(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\n<html>", b"")
    assert look(f"http://127.0.0.1:{port}/Küche?Tür=%31", 2).content is Content.PAGE


def test_an_answer_of_negative_length_is_not_read_to_its_end(serve: Serve) -> None:
    port = serve(b"RTSP/1.0 404 Not Found\r\nContent-Length: -1\r\n\r\n", bytes(65536))
    tracemalloc.start()
    found = why_not_opened(f"rtsp://127.0.0.1:{port}/", 2, False).text
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "nothing under this path" in found
    assert most_bytes < 10e6


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                while not over.wait(0.1):
                    try:
                        connection.sendall(b"R")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        found = why_not_opened(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/", 1, False).text
        over.set()
        thread.join(10)
    assert "does not answer" in found
    assert time.monotonic() - began < 3


def test_a_film_without_end_does_not_fill_the_disk(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    free = web.LEFT_FREE_BYTES + 5 * web.CHUNK_BYTES
    asked = []

    def usage(folder: str) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=free - len(asked) * web.CHUNK_BYTES)

    monkeypatch.setattr(web.shutil, "disk_usage", usage)
    port = serve(b"HTTP/1.0 200 OK\r\n\r\n", bytes(1024 * 1024))
    with pytest.raises(CameraError, match="TMPDIR"):
        web.fetched(f"http://127.0.0.1:{port}/film.mp4", 2)
    assert len(asked) == 5
