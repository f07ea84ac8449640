"""Makes a recording's notes fit the pictures in its file: a crash may have lost some of both."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from pynvr.archive.journal import FrameNote, Journal, iso
from pynvr.media.container import Contents
from pynvr.media.frame import DEFAULT_FPS


def match(notes: Journal, contents: Contents, name: str) -> None:
    """Remove notes whose pictures are lost, and make up missing notes.

    `name` is the file's name, which holds the time of the trigger.
    """
    number = contents.count
    del notes.frames[number:]
    found: dict[str, Any] = {"width": contents.width, "height": contents.height}
    named = re.search(r"\d{4}-\d\d-\d\dT\d{6}", name)
    start = datetime.strptime(named.group() if named else "1970-01-01T000000", "%Y-%m-%dT%H%M%S")
    found |= {"trigger_s": 0.0, "trigger_utc": iso(start.replace(tzinfo=timezone.utc))}
    notes.facts = found | {"nominal_fps": DEFAULT_FPS} | notes.facts
    step = 1 / float(notes.facts["nominal_fps"])
    while len(notes.frames) < number:
        last = notes.frames[-1] if notes.frames else FrameNote(-step, notes.facts["trigger_utc"], 0, False)
        notes.frames.append(last._replace(time=last.time + step))


def leave_out_torn(notes: Journal, contents: Contents) -> None:
    """Do not copy the last packet if a crash has cut it short. Sizes of encoded ones are not known."""
    sized = len(notes.frames) > 1 and notes.frames[-1].size_bytes
    if sized and sized > contents.last_bytes + 4:
        del notes.frames[-1]
