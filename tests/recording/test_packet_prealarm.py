"""The ring of packets: whole groups, far enough back, never too much."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pynvr.media.codecs import H264
from pynvr.media.packet import Stream, TimedPacket
from pynvr.recording.packet_prealarm import PacketRing

PLENTY = 2**30
STREAM = Stream(H264, 320, 240, 25.0, b"", 0.0)
MOMENT = datetime(2017, 4, 2, tzinfo=timezone.utc)


def packet(time: float, key: bool, size: int = 100) -> TimedPacket:
    return TimedPacket(np.zeros((1, size), np.uint8), key, time, MOMENT, STREAM)


@st.composite
def streams(draw: st.DrawFn) -> list[TimedPacket]:
    """Packets with any distances and sizes, and key packets wherever they may be."""
    steps = draw(st.lists(st.integers(1, 400), min_size=1, max_size=80))
    times = np.cumsum(steps) / 1000
    return [packet(float(time), draw(st.booleans()), draw(st.integers(1, 500))) for time in times]


@given(streams(), st.floats(0, 10))
def test_it_reaches_back_and_holds_no_group_too_many(packets: list[TimedPacket], seconds: float) -> None:
    ring = PacketRing(seconds, PLENTY)
    for number, newest in enumerate(packets):
        ring.push(newest)
        seen = packets[: number + 1]
        kept = ring.since(float("-inf"))
        keys = [p for p in seen if p.key]
        if not keys:
            assert kept == []
            continue
        early = [key for key in keys if key.time <= newest.time - seconds]
        first = early[-1] if early else keys[0]
        assert kept == seen[seen.index(first) :]
        assert ring.nbytes == sum(p.nbytes for p in kept)
    assert ring.dropped == 0


@given(streams(), st.integers(1, 3000))
def test_it_never_takes_more_than_its_limit(packets: list[TimedPacket], limit: int) -> None:
    ring = PacketRing(60, limit)
    for newest in packets:
        ring.push(newest)
        assert ring.nbytes <= limit
        kept = ring.since(float("-inf"))
        assert not kept or kept[0].key
        assert kept == packets[packets.index(kept[0]) :][: len(kept)] if kept else True
        assert not kept or kept[-1] is newest
    begun = [p for p in packets if p.key]
    if begun and sum(p.nbytes for p in packets) <= limit:
        assert ring.dropped == 0


@given(streams(), st.floats(0, 40))
def test_since_begins_with_the_last_key_packet_in_time(packets: list[TimedPacket], time: float) -> None:
    ring = PacketRing(60, PLENTY)
    for each in packets:
        ring.push(each)
    got = ring.since(time)
    keys = [p for p in packets if p.key]
    if not keys:
        assert got == []
        return
    early = [key for key in keys if key.time <= time + 0.0005]
    assert got == packets[packets.index(early[-1] if early else keys[0]) :]
