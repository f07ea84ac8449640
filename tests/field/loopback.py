"""Cameras on loopback, each with a thread for every client."""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType
from typing import TypeVar

Camera = TypeVar("Camera", bound="Loopback")


class Loopback:
    """Serves from `with` on until its end; a subclass says by which protocol and what."""

    host: str = "127.0.0.1"
    scheme: str
    handler: type[socketserver.StreamRequestHandler]
    """Handles a client; its `server` has the camera as `camera`."""

    def __enter__(self: Camera) -> Camera:
        camera = self

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in camera.host else socket.AF_INET
            daemon_threads = allow_reuse_address = True
            request_queue_size = 16

            def handle_error(self, *_: object) -> None:
                """A client that has gone is none."""

        self.stop = threading.Event()
        self._server = Server((self.host, 0), self.handler)
        self._server.camera = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def address(self, path: str, login: str) -> str:
        """Of a path; `login` as it is written there."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{login}{'@' if login else ''}{host}:{self.port}/{path}"
