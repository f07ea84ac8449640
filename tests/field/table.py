"""All rows of the file side, by the sections of the page."""

from __future__ import annotations

from damages import CUT, HARMED, NO_VIDEO
from footage import Row
from oddities import BESIDE, PICTURES, TIMES
from rows import CODECS

SECTIONS: dict[str, tuple[Row, ...]] = {
    "Files: codecs and containers": CODECS,
    "Files: kinds of pictures": PICTURES,
    "Files: times": TIMES,
    "Files: what else lies in a file": BESIDE,
    "Files: cut short": CUT,
    "Files: harmed": HARMED,
    "Files: no video": NO_VIDEO,
}
ROWS = [(section, row) for section, rows in SECTIONS.items() for row in rows]
