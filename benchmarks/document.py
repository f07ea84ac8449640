#!/usr/bin/env python3
"""Put the tables that a benchmark prints into docs/figures.md.

    .venv/bin/python benchmarks/drawn.py | .venv/bin/python benchmarks/document.py drawn

Everything that comes in is printed as well. Only the tables go into the document, between the two marks that
bear the name; the text around them is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

FIGURES = Path(__file__).resolve().parent.parent / "docs" / "figures.md"


def tables(lines: Iterable[str]) -> str:
    """The Markdown tables among the lines, a blank line between two of them."""
    found: list[str] = []
    within = False
    for line in lines:
        if not line.startswith("|"):
            within = False
            continue
        if not within and found:
            found.append("")
        within = True
        found.append(line.rstrip())
    return "\n".join(found)


def put(document: str, name: str, table: str) -> str:
    """The document with these tables between the marks of that name; raises ValueError."""
    marks = re.compile(
        rf"(<!-- table {re.escape(name)} -->\n).*?(<!-- end of table {re.escape(name)} -->)", re.S
    )
    if not table:
        raise ValueError(f"{name}: no table came in")
    changed, count = marks.subn(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", document)
    if count != 1:
        raise ValueError(f"{name}: there are {count} such places in the document")
    return changed


def main() -> None:
    """Read standard input to its end, then write the document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="of the marks in the document")
    parser.add_argument("--document", type=Path, default=FIGURES)
    options = parser.parse_args()
    lines = []
    for line in sys.stdin:
        print(line, end="", flush=True)
        lines.append(line)
    try:
        changed = put(options.document.read_text(encoding="utf-8"), options.name, tables(lines))
    except ValueError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    options.document.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    main()
