"""A bad network for tests: a TCP proxy that harms what an RTSP server sends, and a server that is silent."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

QUEUE_PIECES = 1000  # held back per direction; beyond it the sender feels the stall, as with any TCP
FU_A, BEGINS = 28, 0x80  # a piece of an H.264 picture, RFC 6184; the first one is marked
HEADERS_BYTES = 4 + 12  # of an interleaved frame ($, channel, length) and of RTP


@dataclass(frozen=True)
class Harm:
    """What befalls the bytes from server to client; by default nothing. Fractions are below 1."""

    flip: float = (
        0  # fraction of bytes that are changed, inside RTP payloads only, so that the session survives
    )
    flip_all: bool = False  # change bytes anywhere: RTSP text, frame lengths and RTP headers too
    drop: float = 0  # fraction of RTP packets that are left out whole
    stall: bool = (
        False  # nothing passes either way; connections are accepted, stay open, and go on afterwards
    )
    cut: bool = False  # the connection ends within the next H.264 picture that takes several packets
    unreported: bool = False  # nobody tells how the clocks of the streams compare: no RTP-Info, no RTCP
    delay_s: float = 0  # added to every byte's journey
    bytes_per_s: float = math.inf


class Wire:
    """`with Wire(server.port, seed=1) as wire: … wire.url(server.url("main")) … wire.harm = Harm(drop=0.01)`.

    `harm` can be assigned at any time. What it hits depends on seed, number of connection and bytes alone.
    """

    def __init__(
        self, server_port: int, seed: int = 0, harm: Harm | None = None, one_at_a_time: bool = False
    ) -> None:
        self._server_port, self._seed, self._harm = server_port, seed, harm or Harm()
        self._one_at_a_time = one_at_a_time
        self.port = 0
        self.connections = 0  # accepted so far
        self._loop = asyncio.new_event_loop()  # all that is async runs in its thread
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._flowing = asyncio.Event()
        self._cuts: set[Callable[[], None]] = set()  # one for each open connection

    def __enter__(self) -> Wire:
        self._thread.start()
        self.harm = self._harm
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def harm(self) -> Harm:
        return self._harm

    @harm.setter
    def harm(self, harm: Harm) -> None:
        self._harm = harm
        self._loop.call_soon_threadsafe(self._flowing.clear if harm.stall else self._flowing.set)

    def url(self, url: str) -> str:
        """The same address through the wire."""
        return url.replace(f":{urlsplit(url).port}/", f":{self.port}/", 1)

    def accept(self) -> None:
        """Listen; after `refuse`, again on the same port."""
        self._call(self._listen())

    def refuse(self) -> None:
        """Listen no more and cut all connections: whoever connects now is refused."""
        self._call(self._cut(deaf=True))

    def cut(self) -> None:
        """Reset all connections, and go on listening."""
        self._call(self._cut(deaf=False))

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _cut(self, deaf: bool) -> None:
        if deaf:
            self._listener.close()
        for cut in self._cuts:
            cut()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._one_at_a_time and self._cuts:
            to_client.transport.abort()
            return
        dice = random.Random(f"{self._seed} {self.connections}")
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:  # no server there
            to_client.transport.abort()
            return
        there = self._carry(_chunks(client), to_server, lambda chunk: chunk)
        back = self._carry(_pieces(server), to_client, lambda piece: self._harmed(piece, dice))
        tasks = [asyncio.ensure_future(part) for part in (*there, *back)]

        def cut() -> None:
            to_client.transport.abort()
            to_server.transport.abort()
            for task in tasks:
                task.cancel()

        self._cuts.add(cut)
        await asyncio.wait(tasks[1::2], return_when=asyncio.FIRST_COMPLETED)  # one side has ended
        self._cuts.remove(cut)
        to_client.close()
        to_server.close()
        for task in tasks:
            task.cancel()

    def _carry(
        self, source: AsyncIterator[bytes], target: asyncio.StreamWriter, change: Callable[[bytes], bytes]
    ) -> Iterator[Coroutine[Any, Any, None]]:
        """The two halves of one direction: one takes pieces in and harms them, one waits and sends."""
        queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(QUEUE_PIECES)

        async def take() -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                async for piece in source:
                    await queue.put((self._loop.time() + self._harm.delay_s, change(piece)))
            await queue.put(None)

        async def send() -> None:
            with contextlib.suppress(OSError):
                while entry := await queue.get():
                    due, piece = entry
                    await asyncio.sleep(due - self._loop.time())
                    await self._flowing.wait()
                    target.write(piece)
                    await target.drain()
                    await asyncio.sleep(len(piece) / self._harm.bytes_per_s)

        yield take()
        yield send()

    def _harmed(self, piece: bytes, dice: random.Random) -> bytes:
        harm = self._harm
        is_rtp = piece[0] == ord("$") and piece[1] % 2 == 0
        if (
            harm.cut
            and is_rtp
            and piece[HEADERS_BYTES] & 31 == FU_A
            and not piece[HEADERS_BYTES + 1] & BEGINS
        ):
            raise ConnectionError
        is_report = piece[0] == ord("$") and piece[1] % 2
        if (is_rtp and dice.random() < harm.drop) or (is_report and harm.unreported):
            return b""
        if harm.unreported and not is_rtp:
            piece = piece.replace(b"RTP-Info:", b"X-Nothing:")
        if not harm.flip or not (is_rtp or harm.flip_all):
            return piece
        changed = bytearray(piece)
        at = -1 if harm.flip_all else HEADERS_BYTES - 1
        # the gap from one changed byte to the next is geometrically distributed
        while (at := at + 1 + int(math.log(1 - dice.random()) / math.log1p(-harm.flip))) < len(changed):
            changed[at] ^= dice.randrange(1, 256)
        return bytes(changed)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(65536):
        yield chunk


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """What an RTSP server sends, cut into interleaved frames (`$` …) and whole RTSP messages."""
    while first := await reader.read(1):
        if first == b"$":
            header = await reader.readexactly(3)
            yield first + header + await reader.readexactly(int.from_bytes(header[1:], "big"))
        else:
            head = first + await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
            yield head + await reader.readexactly(int(length[1]) if length else 0)


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server with which one can connect, but that never reads nor answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener.getsockname()[1]
