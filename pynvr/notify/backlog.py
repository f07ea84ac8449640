"""The index as the outbox: the recordings that a receiver has not been told of yet.

The ids of its lines rise. A small file that survives a power cut, the cursor, says up to which recording a
receiver has been told; those with a higher id are still to be told. Retention may remove lines meanwhile; the
other lines stay as they are.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pynvr.archive.entry import known
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

Entry = Mapping[str, Any]


def closed_after(index: Index, recording_id: str) -> list[Entry]:
    """The index's next objects after `recording_id`, oldest first, `MOST` at most.

    Lines without an id are from a version before ids, and are skipped. Raises OSError, also if there is no
    index although there was that recording: its disk is away.
    """
    if not recording_id and not index.path.exists():
        return []
    offset = max(0, index.path.stat().st_size - TAIL_BYTES)
    found = list(_with_ids(index, offset))
    if offset and (not found or found[0][0] > recording_id):
        found = list(_with_ids(index, 0))
    newer = [line for given, line in found if given > recording_id]
    return [json.loads(line) for line in newer[:MOST]]


def newest_id(index: Index) -> str:
    """The highest id in the index; empty if there is none. Raises OSError."""
    return max((given for given, _ in _with_ids(index, 0)), default="")


def _with_ids(index: Index, offset: int) -> Iterator[tuple[str, bytes]]:
    """Yield the ids and lines from a byte offset on. The first line may be cut; it is skipped then."""
    for _, line in index.lines(offset):
        entry = known(line)
        if entry is not None and entry.id and ID.fullmatch(entry.id) and not index.is_gone(entry.file):
            yield entry.id, line


def closed_event(entry: Entry, archive: Path, camera: str) -> Event:
    """Make the event of a recording from its object in the index."""

    def path(name: str) -> str | None:
        """A file's path; None outside of the archive, because receivers read the file and send it on."""
        found = archive / entry[name] if entry.get(name) else None
        return str(found) if found is not None and lies_inside(archive, found) else None

    return Event(
        "recording_closed",
        entry["id"],
        without_password(camera),
        entry.get("last_frame_utc", ""),
        entry.get("last_frame_s"),
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
        try:
            found = path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            found = None
        if found == "" or (found is not None and moment_of(found)):
            self.id = found
            return
        if found is not None:
            log.warning("%s: is not understood; what was recorded before now is not told of", path)
        self.move(newest)

    def move(self, recording_id: str) -> None:
        """Note that the receiver has taken everything up to this recording; when it returns, the disk knows.

        A disk that refuses is logged once. After a restart the receiver then gets some recordings again.
        """
        self.id = recording_id
        self._file.write(f"{self.id}\n".encode())
