"""Network cameras as sources of undecoded packets, which `packet_pictures.py` may decode as well."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from pynvr.errors import CameraError, SettingsError
from pynvr.media import codecs
from pynvr.media.frame import TIME_TOLERANCE_S, Gap
from pynvr.media.packet import Packet, TimedPacket
from pynvr.sources.connection import Connection
from pynvr.sources.item_queue import ItemQueue
from pynvr.sources.opening import Opener, Timeouts
from pynvr.sources.raw_capture import RawCapture, jpeg_within
from pynvr.sources.reader import LiveReader, ReadAhead
from pynvr.sources.times.burst import Reading
from pynvr.sources.times.clock import delays

if TYPE_CHECKING:
    from pynvr.sources.sound.capture import SoundCapture

log = logging.getLogger(__name__)

A_FEW = ReadAhead(0.2, 64 * 1024)
"""How much may gather: no more than Linux buffers for any connection, so that the camera never waits."""
OVERFLOW = "%d packets dropped so far: motion detection is too slow, or cam is away"
FURTHEST_BEHIND_S = 10.0
"""If decoding falls further behind, it goes on with the next key packet."""
MOST_KEYS_IN_VAIN = 3
"""Key packets that lack what a decoder needs; then another connection may tell it."""
LOOK_AHEAD = 6
"""How many packets are used to work out the unknown time of a stream's first one."""
MOST_STEPS = 4
"""The longest step between the first two packets. A longer one means that the first time was not known."""


class LivePackets(LiveReader[TimedPacket, Packet]):
    """The packets of a network camera."""

    def __init__(
        self,
        cam: str,
        stop: threading.Event,
        limit_bytes: int,
        timeouts: Timeouts,
        suffix: str = codecs.USUAL_SUFFIX,
        with_sound: bool = False,
        watched: bool = False,
    ) -> None:
        """Start to read `cam`, to be copied into containers of this `suffix`.

        At most `limit_bytes` of packets wait. If they are `watched`, they wait a second time to be decoded.
        """
        opener = Opener(cam, timeouts)
        queues = [ItemQueue[TimedPacket](limit_bytes, whole_groups=True, overflow=OVERFLOW)]
        self.watched: ItemQueue[TimedPacket] | None = None
        """The same packets and gaps, each a little later than it can be had from `until`."""
        if watched:  # with less room, so that slow decoding costs pictures and never packets
            self.watched = ItemQueue(limit_bytes // 2, whole_groups=True, limit_s=FURTHEST_BEHIND_S)
            queues.append(self.watched)
        super().__init__(
            opener, stop, queues, lambda: PacketConnection(opener, stop, suffix, with_sound), A_FEW
        )

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """As `PacketSource.until`; raises SettingsError if the camera's stream cannot be copied."""
        while (item := self._queue.take_until(time + TIME_TOLERANCE_S, self._stop.is_set)) is not None:
            yield item

    def first(self, timeout_s: float) -> TimedPacket:
        packet = self._queue.peek(timeout_s)
        if packet is None:
            raise CameraError(f"camera {self.name}: sends nothing (RECORDING_CAM or cam)")
        return packet

    def wait_for_gap(self, timeout_s: float) -> None:
        self._queue.wait_for_gap(timeout_s, lambda: not self.connected)

    def note_undecodable(self, count: int) -> None:
        """Log that so many watched packets so far could not be decoded."""
        self._log.undecodable(count)


class PacketConnection(Connection[TimedPacket, Packet]):
    """A connected network camera whose packets are not decoded."""

    def __init__(self, opener: Opener, stop: threading.Event, suffix: str, with_sound: bool = False) -> None:
        """Open the camera; raises CameraError, or SettingsError where it cannot be copied."""
        self._capture = _open(opener, with_sound)
        self._among_lines = opener.among_lines
        super().__init__(opener, stop)
        try:
            self._stream = self._capture.stream(suffix)
        except SettingsError:
            self._capture.release()
            raise
        self.nominal_fps = self._stream.nominal_fps
        self.begun = False
        self._keys_in_vain = 0
        self._held: list[tuple[Packet, float, float]] | None = []
        """The first packets with their times and arrivals; None once they have been handed over."""
        self._same_size: deque[bytes] = deque(maxlen=8)
        """Other parameter sets that announced this size."""
        self._latest: list[tuple[Reading[Packet], float]] = []
        """The packet that may not be whole, with its arrival."""

    def _receive(self) -> Reading[Packet] | None:
        packet = self._capture.read()
        if packet is None:
            return None
        if self._among_lines:
            packet = replace(packet, data=jpeg_within(packet.data))
        return Reading(packet, packet.nbytes, self._capture.stream_s)

    def make(self, got: Reading[Packet], arrival: float, index: int) -> Iterable[TimedPacket | Gap]:
        """The previous packet; at a stop this one, too.

        A connection that breaks within a picture gives the first part of it as its last packet. So a packet
        is handed over only when the next one shows that it was whole.
        """
        due = [*self._latest, (got, arrival)]
        self._latest = [] if self._stop.is_set() else [due.pop()]
        for each in due:
            yield from self._made(*each)

    def _made(self, got: Reading[Packet], arrival: float) -> Iterator[TimedPacket | Gap]:
        """The packet, unless nobody can decode it: so it is before the first key packet with parameter sets.

        Raises CameraError where key packets come without any: what described the stream was damaged.
        """
        packet, stream_s = got.content, got.stream_s
        if packet.key:
            yield from self._heed_parameters(packet)
        if not self.begun and not (packet.key and self._is_described()):
            self._held = None
            self._keys_in_vain += packet.key
            if self._keys_in_vain == MOST_KEYS_IN_VAIN:
                raise CameraError(f"camera {self._name}: sends key pictures without parameter sets")
            return
        self.begun = True
        if stream_s is not None and self._held is not None:
            self._held.append((packet, stream_s, arrival))
            if len(self._held) == LOOK_AHEAD:
                yield from self._let_through()
            return
        yield from self._let_through()
        yield self._placed(packet, stream_s, arrival)

    def close(self) -> None:
        self._capture.release()

    def _let_through(self) -> Iterator[TimedPacket]:
        """Hand over the first packets, with the first one's time and arrival corrected."""
        held, self._held = self._held or [], None
        if len(held) < LOOK_AHEAD:
            yield from (self._placed(*each) for each in held)
            return
        packets, told, arrivals = zip(*held, strict=True)
        times = with_first_time(list(told))
        latest = np.maximum.accumulate(times)
        self._stream = replace(self._stream, reorder_s=float(np.max(latest - times)))
        arrived = (arrivals[1] - delays(times[:2])[0], *arrivals[1:])
        for packet, stream_s, arrival in zip(packets, times, arrived, strict=True):
            yield self._placed(packet, stream_s, arrival)

    def _placed(self, packet: Packet, stream_s: float | None, arrival: float) -> TimedPacket:
        time = self._clock.place(stream_s, arrival)
        return TimedPacket(packet.data, packet.key, time, self._utc(time), self._stream, sound=packet.sound)

    def _is_described(self) -> bool:
        """Whether a decoder has all that it needs."""
        stream = self._stream
        return bool(stream.width and (stream.parameter_sets or not stream.codec.parameter_sets))

    def _heed_parameters(self, packet: Packet) -> Iterator[TimedPacket | Gap]:
        """Take the packet's parameter sets, if it has any, for those to come; a gap if the size changes.

        Some cameras send others again and again, with the same size. Damaged ones are left out: they would
        make all further recordings unreadable.
        """
        data, before = packet.data.tobytes(), self._stream
        sets = codecs.parameter_sets(before.codec, data)
        if not sets and not before.width:  # FFmpeg was told of them, but saw no picture in the time it had
            sets, data = before.parameter_sets, before.parameter_sets + data
        if not sets or (sets == before.parameter_sets and before.width):
            return
        if (before.parameter_sets or not before.width) and sets not in self._same_size:
            from pynvr.media.ffmpeg import size_of  # brings 17 MB

            size = size_of(before.codec, data)
            if size is None:
                return
            if before.width and size != (before.width, before.height):
                self._same_size.clear()
                yield from self._let_through()
                change = f"{before.width}x{before.height} before, {size[0]}x{size[1]} now"
                log.warning("camera %s: its stream has changed: %s", self._name, change)
                yield Gap(f"camera {self._name}: {change}")
            self._stream = replace(self._stream, width=size[0], height=size[1])
            self._same_size.append(sets)
        self._stream = replace(self._stream, parameter_sets=sets)


def _open(opener: Opener, with_sound: bool) -> RawCapture | SoundCapture:
    if not with_sound and not opener.pieces_of_mp4:
        capture = RawCapture(opener)
        if not opener.pieces_of_mp4:
            return capture
        capture.release()  # it is known only now
    from pynvr.sources.sound.capture import SoundCapture  # brings 17 MB

    return SoundCapture(opener, with_sound)


def with_first_time(times: list[float]) -> list[float]:
    """Correct the first of a stream's times, which FFmpeg does not know over RTSP.

    OpenCV reports it as 0 or as far below 0. The first packet is a key packet and is shown
    before the others: one step before the earliest of them. The step is their median distance.
    """
    later = sorted(times[1:])
    step = median(after - before for before, after in pairwise(later))
    known = step / 2 < later[0] - times[0] < MOST_STEPS * step
    return times if known else [later[0] - step, *times[1:]]
