"""What became of a file's pictures: what the recordings show against what another decoder shows of it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np
from footage import Row
from player import Picture
from recorder import Run

RIGHT, SAID, REFUSED = "right", "said", "refused"
SHORT, WRONG = "SHORT", "SILENT WRONG"
"""SHORT: a picture that another decoder shows is missing or wrong, and this was said."""
CRASHED, HUNG = "CRASHED", "HUNG"

SHAPE_TOLERANCE = 0.015
LEVELS = 12.0
"""Grey levels that a recorded picture may differ on average, encoded twice over as it is."""
ROUNDING_S = 0.002
PLACE_S = 0.015

_TELLS = re.compile(
    r"decod|damaged|truncated|incomplete|ends? early|cut|times|turned|stretched|key (frame|packet)", re.I
)


@dataclass(frozen=True)
class Verdict:
    """A kind, and the reason in a few words."""

    kind: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}" if self.why else self.kind


def judge(truth: Sequence[Picture], run: Run, row: Row) -> Verdict:
    """Judge a run on a file of which another decoder shows `truth`."""
    if run.code == "hung":
        return Verdict(HUNG, "killed after 30 s")
    if isinstance(run.code, str) or run.code < 0 or run.code > 128:
        return Verdict(CRASHED, f"exit {run.code}")
    lines = run.err.strip().splitlines()
    told = next((line for line in [*lines, *run.complaints] if _TELLS.search(line)), None)
    if run.code != 0 and (len(lines) != 1 or "Traceback" in run.err):
        return Verdict(WRONG, f"exit {run.code} with {len(lines)} lines: {_short(run.err)}")
    if run.code != 0 and not run.recordings:
        return Verdict(REFUSED, _short(lines[0]))
    recorded = recorded_by(run)
    if row.hidden:
        recorded = _from(truth, recorded)
    faults = differences(truth, recorded, row.lost) + untrue(run)
    if not truth and not run.recordings:
        faults = ["there is no picture to be seen, and no word about that"]
    if faults and told is not None and run.copied and row.copy == SAID:
        return Verdict(SAID, _short(told))
    if faults:
        said = told is not None or run.code != 0
        return Verdict(SHORT if said else WRONG, "; ".join(faults) + (f" ({_short(told)})" if told else ""))
    if row.lost and not row.unnoticed and told is None:
        return Verdict(WRONG, "lost pictures are not mentioned")
    return Verdict(SAID, _short(told)) if told is not None or run.code else Verdict(RIGHT)


def recorded_by(run: Run) -> list[Picture]:
    """All pictures of a run's recordings, in order, at their times in the input."""
    pictures: list[Picture] = []
    for seen, entry in zip(run.seen, run.index, strict=True):
        begin = entry["first_frame_s"] - (seen[0].time if seen else 0.0)
        pictures += [replace(picture, time=picture.time + begin) for picture in seen]
    return pictures


def _from(truth: Sequence[Picture], recorded: list[Picture]) -> list[Picture]:
    """The recorded ones without those before the first one that is to be shown."""
    first = next((n for n, picture in enumerate(recorded) if picture.number == truth[0].number), 0)
    return recorded[first:]


def untrue(run: Run) -> list[str]:
    """What the index says otherwise than it is."""
    faults = []
    for seen, entry in zip(run.seen, run.index, strict=True):
        size = entry["width"], entry["height"]
        if seen and size not in (seen[0].size, seen[0].size[::-1]):
            faults.append(f"the index says {size[0]}x{size[1]} of {seen[0].size[0]}x{seen[0].size[1]}")
    return faults


def differences(truth: Sequence[Picture], recorded: Sequence[Picture], lost: bool = False) -> list[str]:
    """What is wrong with the recorded pictures, in a few words each; nothing where all is well.

    What a decoder makes up in place of `lost` ones bears any number, or none.
    """
    want = Counter(picture.number for picture in truth if picture.number is not None)
    have = Counter(picture.number for picture in recorded if picture.number is not None)
    if len(truth) < 2 and not recorded:
        return []  # a single picture does not move
    missing, doubled = want - have, have - want
    if lost:
        missing = Counter(number for number in missing if number not in have)
        missing -= Counter(_made_up_otherwise(truth, recorded))
        doubled = Counter()
    faults = []
    if missing:
        faults.append(f"{missing.total()} of {len(truth)} pictures missing ({_runs(missing)})")
    if doubled:
        faults.append(f"{doubled.total()} pictures too many ({_runs(doubled)})")
    recorded_as = {picture.number: picture for picture in recorded}
    unique = {number for number in want if want[number] == have[number] == 1}
    pairs = [(picture, recorded_as[picture.number]) for picture in truth if picture.number in unique]
    if not lost and any(later.time <= earlier.time for (_, earlier), (_, later) in pairwise(pairs)):
        faults.append("in another order")
    return faults + _faults_of_pairs(pairs, lost)


def _faults_of_pairs(pairs: Sequence[tuple[Picture, Picture]], lost: bool) -> list[str]:
    if not pairs:
        return []
    faults = []
    shift = (
        _mode(a.time - b.time for a, b in pairs) if lost else median(a.time - b.time for a, b in pairs[:9])
    )
    off = max((a.time - b.time - shift for a, b in pairs), key=abs)
    step = median([b.time - a.time for (a, _), (b, _) in pairwise(pairs)] or [0.04])
    if not abs(off) <= step + ROUNDING_S and not (lost and _most(pairs, shift, step)):
        faults.append(f"up to {-off:+.3f} s beside their times")
    shape = max((b.aspect / a.aspect for a, b in pairs), key=lambda ratio: abs(math.log(ratio)))
    if abs(math.log(shape)) > SHAPE_TOLERANCE:
        faults.append(f"{shape:.3f} times as wide")
    changed = [float(np.abs(a.thumb - b.thumb).mean()) for a, b in pairs]
    if max(changed) > LEVELS and not lost:
        faults.append(f"another picture (by {max(changed):.0f} levels)")
    return faults


def _made_up_otherwise(truth: Sequence[Picture], recorded: Sequence[Picture]) -> list[int | None]:
    """Numbers of damaged pictures in whose place there are others: each decoder repairs in its own way."""
    shift = _mode(a.time - b.time for a, b in _same(truth, recorded)) if truth and recorded else 0.0
    times = np.array([picture.time + shift for picture in recorded])
    return [one.number for one in truth if len(times) and np.abs(times - one.time).min() < PLACE_S]


def _mode(shifts: Iterable[float]) -> float:
    """What most agree upon: numbers of damaged pictures can be read wrongly."""
    return Counter(round(shift, 2) for shift in shifts).most_common(1)[0][0]


def _same(truth: Sequence[Picture], recorded: Sequence[Picture]) -> list[tuple[Picture, Picture]]:
    by_number = {picture.number: picture for picture in recorded}
    return [(one, by_number[one.number]) for one in truth if one.number in by_number] or [
        (truth[0], recorded[0])
    ]


def _most(pairs: Sequence[tuple[Picture, Picture]], shift: float, step: float) -> bool:
    """Whether nearly all are at their times: numbers of damaged pictures can be read wrongly."""
    late = sum(abs(a.time - b.time - shift) > step + ROUNDING_S for a, b in pairs)
    return late <= max(2, len(pairs) // 20)


def _runs(numbers: Counter[int | None]) -> str:
    """`0-5, 7`, the first few."""
    runs: list[list[int]] = []
    for number in sorted(number for number in numbers if number is not None):
        if runs and number <= runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [f"{first}-{last}" if first != last else f"{first}" for first, last in runs]
    return ", ".join(named[:4]) + (", …" if len(named) > 4 else "")


def _short(text: str | None) -> str:
    """One line without the machine's own paths and times."""
    line = " ".join((text or "").split())
    line = re.sub(r"(/[\w.-]+)+/", "", line.removeprefix("pynvr: "))
    return line[:140]
