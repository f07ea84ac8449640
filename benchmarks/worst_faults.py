#!/usr/bin/env python3
"""Sum up the table that `make faults` writes: for each kind of fault the worst that any case of it cost.

.venv/bin/python benchmarks/worst_faults.py < faults.md | .venv/bin/python benchmarks/document.py worst_faults
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

KINDS = {
    "kill -9 during a recording": {
        "lost, any codec": "kill -9: lost, .*",
        "sound lost": "kill -9: sound lost, .*",
        "whole again after the next start": "kill -9: whole again .*",
    },
    "camera silent": {"noticed after": "server stopped: noticed after"},
    "camera gone for 3 s": {"first frame after its return": "server back after 3 s: .*"},
    "camera gone for 30 s or 120 s": {"first frame after its return": "server back after (30|120) s: .*"},
    "disk full, read-only, unmounted or removed": {
        "noticed after": "(disk|archive) .*: noticed after",
        "recording again after its return": "(disk|archive) .*: recording again after",
    },
    "disk stands still for 2 s": {"frames lost": "disk stalls 2 s: frames lost"},
    "disk stands still for 20 s, queue of 1 MB": {
        "frames lost but not counted": "disk stalls 20 s: frames .*"
    },
    "Ctrl-C or SIGTERM": {
        "ended after": "SIG(INT|TERM) .*: exit after",
        "received frames missing in the file": "stopped while .*: received frames missing",
    },
    "the main loop or the writer hangs": {
        "status says so after": "the (loop|writer) hangs: status says stuck .*"
    },
    "clock set by ±1 h, or starts in 1970": {"recordings removed": "clock .*: recordings removed"},
    "clock goes back": {"files overwritten": "clock .*: files overwritten"},
    "an hour of motion in files of 600 s": {"frames lost or doubled": "an hour of motion: frames .*"},
    "up to 5 % of packets dropped": {"played time off by": "wire, .* dropped: played time off by"},
    "up to 5 % of bytes flipped": {"played time off by": "wire, .* flipped.*: played time off by"},
    "any of these": {
        "picture and sound apart": "(sound:|wire, .*: sound) apart .*",
        "sound missing at an end of a file": "sound: missing .*",
    },
    "2,000 events, 500 reconnects, 2,000 failed opens": {"memory grew by": "soak: memory grew by"},
}
"""What was done -> what it cost -> a regular expression: the names of the table's rows that belong to it."""
AT_WORST = (2, 5, 8)
"""The columns of encode mode, of copy mode and of copy mode with sound."""
LIMIT = 10


def worst(cells: Iterable[str]) -> str:
    """The largest of the numbers in these cells, as it is written there; empty if there is none."""
    written = [cell for cell in cells if cell]
    return max(written, key=lambda cell: float(cell.split()[0]), default="")


def summary(table: Iterable[str]) -> list[str]:
    """The lines of the summary; raises ValueError for a kind that no row of the table belongs to."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table if "|" in line]
    columns = ["what was done", "what it cost", "encode", "copy", "copy with sound", "limit"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for done, costs in KINDS.items():
        for cost, names in costs.items():
            own = [row for row in rows if re.fullmatch(names, row[0])]
            if not own:
                raise ValueError(f"{names}: the table has no such row")
            limits = " or ".join(dict.fromkeys(row[LIMIT].partition(" ")[0] for row in own))
            unit = own[0][LIMIT].partition(" ")[2]
            told = [worst(row[mode] for row in own) for mode in AT_WORST]
            cells = [f"{cell} {unit}".strip() if cell else "" for cell in (*told, limits)]
            lines.append(" | ".join([f"| {done}", cost, *cells]) + " |")
            done = ""
    return lines


if __name__ == "__main__":
    print("\n".join(summary(sys.stdin)))
