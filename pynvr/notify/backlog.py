"""The index as the outbox: the recordings that a receiver has not been told of yet.

The ids of its lines rise, so what was not told is what has a higher one. Retention may
take lines out meanwhile; that changes nothing about the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pynvr.archive.index import Index, parsed
from pynvr.notify.event import Event
from pynvr.redaction import without_password

TAIL_BYTES = 64 * 1024
"""What is not told yet mostly lies in the last lines."""
MOST = 500
"""Recordings that are fetched at a time."""

Entry = Mapping[str, object]


def closed_after(index: Index, recording_id: str) -> list[Entry]:
    """The index's next objects after `recording_id`, oldest first, `MOST` at most.

    Lines without an id are older than ids are. Raises OSError.
    """
    signature = index.signature()
    if signature is None:
        return []
    offset = max(0, signature.size - TAIL_BYTES)
    found = _with_ids(index, offset)
    if offset and (not found or str(found[0]["id"]) > recording_id):
        found = _with_ids(index, 0)
    return [entry for entry in found if str(entry["id"]) > recording_id][:MOST]


def newest_id(index: Index) -> str:
    """The highest id in the index; empty where there is none. Raises OSError."""
    return max((str(entry["id"]) for entry in _with_ids(index, 0)), default="")


def _with_ids(index: Index, offset: int) -> list[Entry]:
    """The objects from a byte's offset on, of which the first may be cut and is no object then."""
    entries = (parsed(line) for _, line in index.lines(offset))
    known = (entry for entry in entries if entry is not None and "id" in entry and "file" in entry)
    return [entry for entry in known if not index.is_gone(str(entry["file"]))]


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
