"""The index as the outbox: the recordings that a receiver has not been told of yet.

The ids of its lines rise, so what was not told is what has a higher one. Retention may
take lines out meanwhile; that changes nothing about the others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pynvr.notify.event import Event
from pynvr.redaction import without_password

TAIL_BYTES = 64 * 1024
"""What is not told yet mostly lies in the last lines."""
MOST = 500
"""Recordings that are fetched at a time."""

Entry = Mapping[str, object]


def closed_after(index: Path, recording_id: str) -> list[Entry]:
    """The index's next objects after `recording_id`, oldest first, `MOST` at most.

    Lines without an id are older than ids are; lines that a crash has torn are left out. Raises OSError.
    """
    try:
        with index.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            tail = _entries(file.read())
            if file.tell() > TAIL_BYTES and (not tail or str(tail[0]["id"]) > recording_id):
                file.seek(0)
                tail = _entries(file.read())
    except FileNotFoundError:
        return []
    return [entry for entry in tail if str(entry["id"]) > recording_id][:MOST]


def newest_id(index: Path) -> str:
    """The highest id in the index; empty where there is none. Raises OSError."""
    try:
        return max((str(entry["id"]) for entry in _entries(index.read_bytes())), default="")
    except FileNotFoundError:
        return ""


def _entries(lines: bytes) -> list[Entry]:
    found: list[Entry] = []
    for line in lines.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # UnicodeDecodeError too
            continue
        if isinstance(entry, dict) and "id" in entry and "file" in entry:
            found.append(entry)
    return found


def closed_event(entry: Entry, archive: Path, camera: str) -> Event:
    """The event of an index's object."""

    def path(name: str) -> str | None:
        return str(archive / str(entry[name])) if entry.get(name) else None

    last_s = entry.get("last_frame_s")
    return Event(
        "recording_closed",
        str(entry["id"]),
        without_password(camera),
        str(entry.get("last_frame_utc", "")),
        last_s if isinstance(last_s, float | int) else None,
        "recovered after a crash" if entry.get("recovered") else None,
        path("file"),
        path("picture"),
        path("strip"),
        entry,
    )
