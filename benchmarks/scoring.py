"""Alarms compared with labels: what counts as hit, as false, as soon."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

HOLD_S = 10.0
"""MINIMAL_MOTION_DURATION as delivered."""
BURST_GAP_S = 1.0
"""False alarms less than this apart are one burst."""

Interval = tuple[int, int]
"""First and last frame, both included."""


@dataclass(frozen=True)
class Labels:
    """What a person says about a clip."""

    fps: float
    motion: tuple[Interval, ...] = ()
    ignore: tuple[Interval, ...] = ()
    trap: tuple[Interval, ...] = ()
    frames: int | None = None
    """How many there are; where it is known, a clip that reads differently is an error."""

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Labels:
        """Take a clip's object of events.json; keys that are not of interest here are left out."""
        known: dict[str, Any] = {
            field.name: entry[field.name] for field in fields(cls) if field.name in entry
        }
        for kind in ("motion", "ignore", "trap"):
            known[kind] = tuple((first, last) for first, last in known.get(kind, ()))
        return cls(**known)


@dataclass(frozen=True)
class Score:
    """How a detector did; scores of several clips add up."""

    events: int = 0
    events_hit: int = 0
    traps: int = 0
    traps_fired: int = 0
    false_bursts: int = 0
    false_seconds: float = 0.0
    delays_s: tuple[float, ...] = ()
    """From the start of each event that was hit to its first alarm."""
    event_seconds: float = 0.0
    held_seconds: float = 0.0
    """Of the events' seconds those in which a recording would have been open, by alarm or hold."""
    quiet_seconds: float = 0.0
    """Outside every labelled interval."""

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        return f"{self.events_hit} / {self.traps_fired} / {self.false_bursts} / {self.false_seconds:.1f}"


def score(labels: Labels, alarms: Sequence[int]) -> Score:
    """Compare alarm frames, in rising order and before any hold time, with the labels."""
    labelled = (*labels.motion, *labels.ignore, *labels.trap)
    false = [frame for frame in alarms if not any(first <= frame <= last for first, last in labelled)]
    return Score(
        events=len(labels.motion),
        events_hit=_touched(labels.motion, alarms),
        traps=len(labels.trap),
        traps_fired=_touched(labels.trap, alarms),
        false_bursts=len(runs(false, BURST_GAP_S * labels.fps)),
        false_seconds=len(false) / labels.fps,
        delays_s=tuple(_delays_s(labels, alarms)),
        event_seconds=sum(last - first + 1 for first, last in labels.motion) / labels.fps,
        held_seconds=_held(labels, alarms) / labels.fps,
        quiet_seconds=(labels.frames or 0) / labels.fps
        - sum(last - first + 1 for first, last in labelled) / labels.fps,
    )


def _delays_s(labels: Labels, alarms: Sequence[int]) -> Iterator[float]:
    for first, last in labels.motion:
        inside = [frame for frame in alarms if first <= frame <= last]
        if inside:
            yield (inside[0] - first) / labels.fps


def _held(labels: Labels, alarms: Sequence[int]) -> int:
    """How many frames of events lie at an alarm or no more than the hold after one."""
    hold = HOLD_S * labels.fps
    count, latest, alarming = 0, -math.inf, set(alarms)
    for frame in range(max((last for _, last in labels.motion), default=-1) + 1):
        latest = frame if frame in alarming else latest
        inside = any(first <= frame <= last for first, last in labels.motion)
        count += inside and frame - latest <= hold
    return count


def summary(name: str, total: Score) -> str:
    """How soon, how completely and how often in vain, in one line."""
    delays = sorted(total.delays_s)
    when = f"{statistics.median(delays):.2f} s, at worst {delays[-1]:.2f} s" if delays else "never"
    held = 100 * total.held_seconds / total.event_seconds if total.event_seconds else 0
    days = total.quiet_seconds / 86400
    a_day = f"{total.false_bursts / days:.0f}" if days > 0 else "unknown"
    return (
        f"{name}: first alarm after {when}; recorded {held:.0f} % of the events' seconds; "
        f"{a_day} bursts a day"
    )


def _touched(intervals: Sequence[Interval], alarms: Sequence[int]) -> int:
    return sum(any(first <= frame <= last for frame in alarms) for first, last in intervals)


def runs(frames: Sequence[int], gap: float) -> list[Interval]:
    """Group rising frame numbers of which each is less than `gap` after the one before."""
    groups: list[Interval] = []
    for frame in frames:
        if groups and frame - groups[-1][1] < gap:
            groups[-1] = groups[-1][0], frame
        else:
            groups.append((frame, frame))
    return groups


def table(results: Mapping[str, Mapping[str, Score]]) -> str:
    """Scores in Markdown; `results` is by column (settings), then by row (clip)."""
    columns = list(results)
    lines = [f"| clip (events, traps) | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for clip, one in results[columns[0]].items():
        cells = " | ".join(str(results[column][clip]) for column in columns)
        lines.append(f"| {clip} ({one.events}, {one.traps}) | {cells} |")
    totals = [sum(results[column].values(), Score()) for column in columns]
    of = f"({totals[0].events}, {totals[0].traps})"
    lines.append(f"| **all {len(results[columns[0]])}** {of} | {' | '.join(f'**{t}**' for t in totals)} |")
    return "\n".join(["Events hit / traps fired / false bursts / false seconds.", "", *lines])
