"""The packets of a network camera, undecoded: the twin of `camera.py`, which decodes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from pynvr import bitstream
from pynvr.camera import open_camera
from pynvr.clock import PacketClock
from pynvr.errors import CameraError, SettingsError
from pynvr.frame import TIME_TOLERANCE_S, Gap
from pynvr.live import LiveReader, Patience
from pynvr.packet import Packet, TimedPacket
from pynvr.packetsource import RAW, stream_of
from pynvr.redaction import without_password

LOOK_AHEAD = 6
"""So many packets have to come no quicker than they were made before the first one is let through."""
QUICKER_S = 0.02
"""What counts as quicker."""
SETTLING_S = 3.0
"""A new connection's packets are held up no longer."""


class LivePackets(LiveReader[TimedPacket]):
    """The packets of a network camera."""

    _overflow = "%d packets dropped so far: motion detection is too slow, or cam is away"

    def __init__(self, cam: str, stop: threading.Event, limit_bytes: int, patience: Patience) -> None:
        """Start to read `cam`; at most `limit_bytes` of packets wait."""

        def connect() -> PacketConnection:
            return PacketConnection(cam, patience)

        super().__init__(without_password(cam), stop, limit_bytes, patience, connect)

    def until(self, time: float) -> Iterator[TimedPacket | Gap]:
        """As `PacketSource` has it; raises SettingsError for a camera whose stream cannot be copied."""
        while (item := self._next(time)) is not None:
            yield item

    def first(self, timeout_s: float) -> TimedPacket:
        """Wait for a packet, which stays where it is; raises CameraError or SettingsError."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._hopeless, timeout_s)
            for item in self._queue:
                if isinstance(item, TimedPacket):
                    return item
        raise self._hopeless or CameraError(f"camera {self.name}: sends nothing (RECORDING_CAM or cam)")

    def _next(self, time: float) -> TimedPacket | Gap | None:
        with self._changed:
            if self._hopeless is not None:
                raise self._hopeless
            if not self._queue:
                return None
            item = self._queue[0]
            if isinstance(item, TimedPacket) and item.time > time + TIME_TOLERANCE_S:
                return None
            return self._pop()

    def _make_room(self) -> bool:
        """Drop the oldest group of pictures: half of one could not be decoded."""
        count = 0
        while self._queue and (count == 0 or not _begins_group(self._queue[0])):
            count += isinstance(self._pop(), TimedPacket)
        self._drop(count)
        return True


def _begins_group(item: TimedPacket | Gap) -> bool:
    return isinstance(item, TimedPacket) and item.key


class PacketConnection:
    """A connected network camera whose packets are taken as they come."""

    def __init__(self, cam: str, patience: Patience) -> None:
        """Open the camera; raises CameraError, or SettingsError where it cannot be copied."""
        self._name = without_password(cam)
        self._capture = open_camera(cam, patience, *RAW)
        try:
            self._stream = stream_of(self._capture, self._name)
        except SettingsError:
            self._capture.release()
            raise
        self.nominal_fps = self._stream.nominal_fps
        self._clock = PacketClock()
        self._packet: object = None
        self._begun = False
        self._in_band = b""
        self._held: list[tuple[Packet, float, float]] | None = []
        """The first packets with the stream's time and that of their arrival; None when they are through."""

    @property
    def lag_s(self) -> float:
        """As `StreamClock` has it."""
        return self._clock.lag_s

    def wait(self) -> bool:
        """Wait for a packet."""
        received, self._packet = self._capture.read()
        return received

    def take(self, arrival: float, index: int) -> Iterable[TimedPacket | Gap]:
        """The packet, unless it comes before the first key packet, and cannot be decoded."""
        key = self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
        packet = Packet(np.asarray(self._packet, np.uint8), key)
        stream_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if key:
            self._heed_parameters(packet)
        elif not self._begun:
            self._held = None
            return
        self._begun = True
        if self._held is None:
            yield self._timed(packet, stream_s, arrival)
            return
        self._held.append((packet, stream_s, arrival))
        lags = [arrival - stream_s for _, stream_s, arrival in self._held[1:]]
        if is_settled(lags) or (len(lags) > 1 and arrival - self._held[0][2] > SETTLING_S):
            yield from self._let_through(min(lags))

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()

    def _let_through(self, least_lag: float) -> Iterator[TimedPacket]:
        """Begin the stream's clock with packets as if the quickest of them had been the first."""
        held, self._held = self._held or [], None
        times = with_first_time([stream_s for _, stream_s, _ in held])
        latest = np.maximum.accumulate(times)
        self._stream = replace(self._stream, reorder_s=float(np.max(latest - times)))
        for (packet, _, _), stream_s in zip(held, times, strict=True):
            yield self._timed(packet, stream_s, stream_s + least_lag)

    def _timed(self, packet: Packet, stream_s: float, arrival: float) -> TimedPacket:
        time = self._clock.place(stream_s, arrival)
        utc = datetime.now(timezone.utc) - timedelta(seconds=arrival - time)
        return TimedPacket(packet.data, packet.key, time, utc, self._stream)

    def _heed_parameters(self, packet: Packet) -> None:
        """Raise CameraError where the camera has begun to send something else under the same connection."""
        sets = bitstream.parameter_sets(self._stream.codec, packet.data.tobytes())
        if sets and self._in_band not in (b"", sets):
            raise CameraError(f"camera {self._name}: its stream has changed")
        if sets and not self._in_band:
            self._in_band = sets
            self._stream = replace(self._stream, parameter_sets=sets)


def is_settled(lags: list[float]) -> bool:
    """Whether a connection has delivered what had waited in it, and now delivers what is made now.

    A connection begins with a burst of packets; each then comes after a shorter while than the one
    before, measured by the stream's own times: the lags, in seconds.
    """
    return len(lags) >= 2 * LOOK_AHEAD and min(lags[-LOOK_AHEAD:]) > min(lags[:-LOOK_AHEAD]) - QUICKER_S


def with_first_time(times: list[float]) -> list[float]:
    """Mend the first of a stream's times, which FFmpeg does not know over RTSP and gives as 0.

    The first packet is a key packet and shown before the others: one step before
    the earliest of them, the step being their median distance.
    """
    later = sorted(times[1:])
    if times[0] < later[0]:
        return times
    return [later[0] - float(np.median(np.diff(later))), *times[1:]]
