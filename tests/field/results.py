"""The table of results: gathered from the reports of all processes, written as a page of the docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

NOTED = "field"
Note = Callable[[str, str, str, str], None]
"""`note(section, row, mode, verdict)`, as the fixture `note` gives it."""

HEAD = """# What becomes of odd files and streams

Made by `make field`, not by hand. Each line is an input that a program other than pynvr has made;
`tests/field/` has the command. Another decoder (Debian's ffmpeg) says which pictures are in it and when; what
pynvr recorded is read back with the same decoder and compared picture by picture: each once, in order, at its
time to one frame, upright, in shape.

* **right**: all of that holds, and nothing was said.
* **said**: every picture that the other decoder shows is recorded, and pynvr told what was damaged or odd.
* **refused**: nothing was recorded, one line said why, and the exit code was not 0.
"""


class Results:
    """Gathers what the tests note, and writes the page."""

    def __init__(self, target: Path | None) -> None:
        self._target = target
        self._noted: dict[str, dict[str, dict[str, str]]] = {}
        """Verdicts by section, row and mode."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":  # which has all that the test has noted
            return
        for key, noted in report.user_properties:
            if key == NOTED:
                section, row, mode, verdict = cast(list[str], noted)
                self._noted.setdefault(section, {}).setdefault(row, {})[mode] = verdict

    def pytest_sessionfinish(self) -> None:
        if self._target is not None and self._noted:
            self._target.write_text(self._page(), encoding="utf-8")

    def _page(self) -> str:
        sections = sorted(self._noted.items())
        return "\n".join([HEAD, *(_section(name, rows) for name, rows in sections)])


def _section(name: str, rows: dict[str, dict[str, str]]) -> str:
    modes = sorted({mode for verdicts in rows.values() for mode in verdicts}, reverse=False)
    modes.sort(key=lambda mode: mode != "encode")
    kinds = [Counter(v[mode].partition(":")[0] for v in rows.values() if mode in v) for mode in modes]
    counts = [", ".join(f"{n} {kind}" for kind, n in sorted(counter.items())) for counter in kinds]
    lines = [f"## {name}", ""]
    lines += [
        " | ".join([f"| {len(rows)} input{'s' * (len(rows) != 1)}", *modes]) + " |",
        "|---" * (1 + len(modes)) + "|",
    ]
    lines.append(" | ".join(["| together", *counts]) + " |")
    for row, verdicts in sorted(rows.items()):
        cells = [_cell(verdicts.get(mode, "")) for mode in modes]
        lines.append(f"| `{row}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(verdict: str) -> str:
    return verdict.replace("|", "\\|").replace("<", "&lt;")
