"""The index as the outbox: the recordings that a receiver has not been told of yet.

The ids of its lines rise. A small file that survives a power cut, the cursor, says up to which recording a
receiver has been told; those with a higher id are still to be told. Retention may remove lines meanwhile; the
other lines stay as they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pynvr.archive import fsync
from pynvr.archive.index import ID, Index, moment_of
from pynvr.archive.names import lies_inside
from pynvr.archive.replaced_file import ReplacedFile
from pynvr.notify.event import Event
from pynvr.redaction import without_password

log = logging.getLogger(__name__)

PREFIX = ".pynvr.cursor."
TAIL_BYTES = 64 * 1024
"""The last bytes of the index, which mostly hold the next recordings."""
MOST = 500
"""Recordings that are fetched at a time."""

Entry = Mapping[str, object]
_decoder = msgspec.json.Decoder(dict[str, object])


def closed_after(index: Index, recording_id: str) -> list[Entry]:
    """The index's next objects after `recording_id`, oldest first, `MOST` at most.

    Lines without an id are from a version before ids, and are skipped. Raises OSError.
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
    """The highest id in the index; empty if there is none. Raises OSError."""
    return max((str(entry["id"]) for entry in _with_ids(index, 0)), default="")


def _with_ids(index: Index, offset: int) -> list[Entry]:
    """The objects from a byte offset on. The first line may be cut; it is skipped then."""
    entries = (_object(line) for _, line in index.lines(offset))
    known = (
        entry
        for entry in entries
        if entry is not None and ID.fullmatch(str(entry.get("id"))) and "file" in entry
    )
    return [entry for entry in known if not index.is_gone(str(entry["file"]))]


def _object(line: bytes) -> Entry | None:
    """The object in a line; None if there is none."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def closed_event(entry: Entry, archive: Path, camera: str) -> Event:
    """Make the event of a recording from its object in the index."""

    def path(name: str) -> str | None:
        """A file's path; None outside of the archive, because receivers read the file and send it on."""
        found = archive / str(entry[name]) if entry.get(name) else None
        return str(found) if found is not None and lies_inside(archive, found) else None

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


class Cursor:
    """Holds the id of the latest recording that a receiver has taken, in memory and in a file."""

    def __init__(self, archive: Path, receiver: str, newest: str) -> None:
        """Read the receiver's file. A new receiver starts after the recording `newest`."""
        path = archive / f"{PREFIX}{receiver}"
        self._file = ReplacedFile(path, f"{path.name}: %s", durable=True)
        self._saved_at = 0.0
        self._saved: str | None = None
        try:
            found = path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            found = None
        if found == "" or (found is not None and moment_of(found)):
            self.id = self._saved = found
            return
        if found is not None:
            log.warning("%s: is not understood; what was recorded before now is not told of", path)
        self.id = newest
        self.save()

    def move(self, recording_id: str) -> None:
        """Note that the receiver has taken everything up to this recording; flushed about once a second."""
        self.id = recording_id
        if time.monotonic() - self._saved_at >= fsync.SYNC_INTERVAL_S:
            self.save()

    def save(self) -> None:
        """Flush the file to the disk.

        A disk that refuses is logged once. After a restart the receiver then gets some recordings again.
        """
        if self.id == self._saved:
            return
        self._saved_at = time.monotonic()
        if self._file.write(f"{self.id}\n".encode()):
            self._saved = self.id
