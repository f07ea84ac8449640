"""All rows of the file side, by the sections of the page."""

from __future__ import annotations

from footage import Row
from rows import CODECS

SECTIONS: dict[str, tuple[Row, ...]] = {
    "Files: codecs and containers": CODECS,
}
ROWS = [(section, row) for section, rows in SECTIONS.items() for row in rows]
