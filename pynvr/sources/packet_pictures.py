"""The pictures of the very packets that are recorded: a camera that is watched and copied is read once.

The packets are decoded on the thread that looks at the pictures, so a slow detector or decoder holds up no
packet: what it cannot manage is passed over in a queue of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pynvr.errors import CameraError
from pynvr.media.frame import SMALLEST_STEP_S, Frame, Gap
from pynvr.media.opencv import fitted_size
from pynvr.media.packet import TimedPacket
from pynvr.sources.base import SourceStatus
from pynvr.sources.camera import Reduce, Snapshots
from pynvr.sources.item_queue import ItemQueue
from pynvr.sources.packet_camera import LivePackets

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from pynvr.sources.picture_decoder import PictureDecoder

MOST_HELD_BACK = 16
"""So many packets may come before the first picture of theirs, by the standards of H.264 and H.265."""


class PacketPictures:
    """A `Source` of the pictures of packets. Each has exactly the time of its packet."""

    live = True
    frame_count: int | None = None

    def __init__(
        self,
        packets: LivePackets,
        watched: ItemQueue[TimedPacket],
        fit_inside: tuple[int, int] | None = None,
        reduce: Reduce | None = None,
    ) -> None:
        """Decode what comes into the queue `watched` of `packets`; the rest is as `LiveSource` has it."""
        self._packets = packets
        self._queue = watched
        self._fit_inside = fit_inside
        self._reduce = reduce
        self.name = packets.name
        self.snapshots = Snapshots()
        self._decoder: PictureDecoder | None = None
        """None until a key packet comes."""
        self._passed_over = 0
        self._undecodable = self._in_vain = 0
        """Packets that the decoder refused: so far, and since the latest picture."""
        self._unseen, self._unseen_since_s = 0, 0.0
        """Packets since the latest picture, and the first one's time."""
        self._size: tuple[int, int] | None = None
        self._last_s = -math.inf
        self._count = 0

    @property
    def nominal_fps(self) -> float:
        return self._packets.nominal_fps

    @property
    def lag_s(self) -> float:
        return self._packets.lag_s

    def status(self) -> SourceStatus:
        """The state of the connection, with the pictures that were passed over or could not be decoded."""
        status = self._packets.status()
        undecodable = status.undecodable + self._undecodable
        return replace(status, dropped=self._queue.dropped, undecodable=undecodable)

    def __iter__(self) -> Iterator[Frame | Gap]:
        while (item := self._queue.take(lambda: self._packets.over)) is not None:
            if isinstance(item, Gap):
                yield from self._rest()
                yield item
            else:
                yield from self._pictures(item)
        yield from self._rest()

    def close(self) -> None:
        self._packets.close()

    def _pictures(self, packet: TimedPacket) -> Iterator[Frame | Gap]:
        """Put a packet into the decoder; yield what comes out."""
        if self._decoder is None or self._queue.dropped != self._passed_over:
            self._passed_over = self._queue.dropped
            self._decoder = None
            if packet.key:  # others need what was dropped
                from pynvr.sources.picture_decoder import PictureDecoder  # brings 17 MB

                self._decoder = PictureDecoder(packet.stream, self._fit_inside)
        if self._decoder is None:
            return
        if self._unseen == 0:
            self._unseen_since_s = packet.time
        self._unseen += 1
        yield from self._decoded(self._decoder, packet)
        unseen_s = packet.time - self._unseen_since_s
        if self._unseen > MOST_HELD_BACK and unseen_s > self._packets.status().longest_pause_s:
            self._unseen = 0
            self._packets.connect_anew(
                CameraError(f"camera {self.name}: sends no picture that can be decoded")
            )

    def _rest(self) -> Iterator[Frame | Gap]:
        """What the decoder still holds back of a connection that is over."""
        if self._decoder is not None:
            yield from self._decoded(self._decoder, None)
        self._decoder = None
        self._size, self._last_s = None, -math.inf  # the next connection has times of its own
        self._unseen = self._in_vain = 0

    def _decoded(self, decoder: PictureDecoder, packet: TimedPacket | None) -> Iterator[Frame | Gap]:
        """Put a packet into the decoder, or None at the end; yield what comes out."""
        pictures = decoder.decode(packet)
        if pictures is None:
            self._in_vain += 1
        for its_packet, picture in pictures or ():
            yield from self._made(decoder, its_packet, picture)

    def _made(
        self, decoder: PictureDecoder, packet: TimedPacket, picture: VideoFrame
    ) -> Iterator[Frame | Gap]:
        """The picture as a frame, with a gap before it if its size has changed."""
        size = fitted_size((picture.width, picture.height), self._fit_inside)
        if self._size not in (None, size):
            yield Gap(f"camera {self.name}: the picture's size changed")
        self._size = size
        self._last_s = max(packet.time, self._last_s + SMALLEST_STEP_S)
        jpeg = None
        if self._reduce is None:
            data = decoder.bgr(picture)
        else:
            data = decoder.gray(picture, self._reduce)
            jpeg = self.snapshots.of(size, lambda: decoder.bgr(picture), packet.time)
        yield Frame(data, self._last_s, packet.utc, self._count, jpeg=jpeg)
        self._count += 1
        if self._in_vain:
            self._undecodable += self._in_vain
            self._packets.note_undecodable(self._undecodable)
        self._unseen = self._in_vain = 0
