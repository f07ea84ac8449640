"""Bytes flipped and packets dropped on the wire: no crash, no growth, and time that stays true."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from itertools import pairwise

import pytest
from copies import Raw, packets_of, pictures
from harness import (
    APART_S,
    LIVELY,
    Clip,
    Clips,
    Measure,
    Recording,
    open_files,
    percentile,
    recordings,
    serving,
    sound_of,
)
from rtsp import needs_rtsp
from running import Start
from wire import Harm, Wire

pytestmark = needs_rtsp

HARMS = {
    "0.1 % of packets dropped": Harm(drop=0.001),
    "1 % of packets dropped": Harm(drop=0.01),
    "5 % of packets dropped": Harm(drop=0.05),
    "0.1 % of bytes flipped": Harm(flip=0.001),
    "5 % of bytes flipped": Harm(flip=0.05),
    "0.1 % of all bytes flipped, headers too": Harm(flip=0.001, flip_all=True),
}
HEADER_BYTES = 16
"""Of an RTP packet within RTSP; one with a damaged header is lost."""
SETTLED_S = 15
"""Memory counts from then on."""


Told = list[tuple[int | None, float]]
"""Of the frames in their order: which of the clip's it is, where that can be told, and when it is shown."""


def shown(recording: Recording) -> Told:
    """The frames as a player shows them, told by the numbers in their pictures."""
    return list(zip(recording.played.numbers, recording.played.times, strict=True))


def copied(recording: Recording, clip: Clip) -> Told:
    """The packets, of which a player does not show every damaged one.

    A changed byte leaves a packet's size as it was, and those of two neighbours are found once in the clip.
    """
    places = defaultdict(list)
    for number, pair in enumerate(pairwise(map(_size, packets_of(clip.path)))):
        places[pair].append(number)
    packets = packets_of(recording.path)
    origin = min(packet.time_ms for packet in packets)
    told: Told = []
    for packet, pair in zip(packets, pairwise(map(_size, packets)), strict=False):
        number = places[pair][0] if len(places[pair]) == 1 else None
        told.append((number, (packet.time_ms - origin) / 1000))
    return [*told, (None, (packets[-1].time_ms - origin) / 1000)]


def _size(packet: Raw) -> int:
    return sum(map(len, pictures(packet.data, "h264")))


def spans(told: Told, recording: Recording, clip: Clip) -> tuple[float, float]:
    """How long the scene took, and how long it plays.

    A damaged picture shows an old number or a wrong one, and a damaged time is its own frame's alone, so of
    the frames about the beginning and the end the majority counts. Where none can be told, the index tells,
    whose times follow the wall clock.
    """
    span_s = max(at for _, at in told) - min(at for _, at in told)
    readable = [(n, at) for n, at in told if n is not None]
    begin = [(n, at) for n, at in readable if at < 0.25 * span_s]
    end = [(n, at) for n, at in readable if at > 0.75 * span_s]
    untold = recording.last_utc - recording.first_utc, span_s
    if min(len(begin), len(end)) < 10:
        return untold
    origin = begin[0][0]

    def scene(number: int) -> float:
        ahead = (number - origin + len(clip.times) // 2) % len(clip.times) - len(clip.times) // 2
        return ahead * clip.period_s / len(clip.times)

    def usual(frames: list[tuple[int, float]]) -> tuple[float, bool]:
        """By how much most of these frames are behind the scene, and whether that is many."""
        late = Counter(round(20 * (at - scene(n))) / 20 for n, at in frames).most_common(1)[0]
        return late[0], late[1] > len(frames) / 3

    (sooner, sure), (later, also_sure) = usual(begin), usual(end)
    return (span_s - (later - sooner), span_s) if sure and also_sure else untold


def check_sound(recording: Recording, told: Told, clip: Clip, what: str, figure: Measure) -> None:
    """What came unharmed is where it belongs, and hardly more is missing than was dropped."""
    harm, pieces = HARMS[what], sound_of(recording.path)
    late = [abs(late) for _, late in recording.heard(clip, told)]
    # a damaged time is that of its own piece, or of its own picture, alone
    apart = percentile(late, 0.9) if late else 0.0
    figure(f"wire, {what}: sound apart from its pictures by", apart, "s", APART_S)
    if harm.flip <= 0.001:
        sent = 1 + (pieces[-1][1] - pieces[0][1]) * len(clip.sound) / clip.period_s
        lost = max(0.0, 1 - len(pieces) / sent)
        dropped = harm.drop + (HEADER_BYTES * harm.flip if harm.flip_all else 0)
        figure(f"wire, {what}: sound lost", 100 * lost, "%", 200 * dropped + 2)


@pytest.mark.lasts(300)
@pytest.mark.parametrize("what", HARMS)
def test_bytes_flipped_and_packets_dropped(
    what: str, start: Start, stack: ExitStack, clips: Clips, long_form: bool, figure: Measure
) -> None:
    clip, harm = clips.get(LIVELY), HARMS[what]
    server = stack.enter_context(serving(clip, from_start=True))
    wire = stack.enter_context(Wire(server.port, seed=1))
    recorder = start(
        cam=wire.url(server.url("main")), RECORDING_MAX_DURATION_SECS=20, CAMERA_READ_TIMEOUT_SECS=2
    )
    recorder.wait_for_frames(10)
    began = time.monotonic()
    wire.harm = harm
    memory = []
    while (elapsed := time.monotonic() - began) < (300 if long_form else 60):
        assert recorder.exit_code is None, "it has ended"
        if elapsed > SETTLED_S:
            memory.append(recorder.memory_mb())
        threading.Event().wait(0.5)
    wire.harm = Harm()
    recorder.stop()
    found = recordings(recorder.archive, whole=not recorder.copies)
    assert open_files(recorder.archive) == []
    assert found
    judged = 0
    # by medians: a stream that is opened anew may take some for a moment
    half = len(memory) // 2
    grown = statistics.median(memory[half:]) - statistics.median(memory[:half])
    figure(f"wire, {what}: memory grew by", grown, "MB", 30)
    for recording in found:
        told = copied(recording, clip) if recorder.copies else shown(recording)
        real, played_s = spans(told, recording, clip)
        if played_s < (10 if recorder.copies else 5):  # a piece between two losses of the connection
            continue
        figure(f"wire, {what}: played time off by", 100 * abs(played_s - real) / real, "%", 2)
        if clip.sound:
            check_sound(recording, told, clip, what, figure)
        judged += 1
    assert judged or harm.flip_all or harm.flip >= 0.05, "no recording of which the time could be told"
    assert recorder.count("Traceback") == 0
