"""All receivers of events, each with a thread of its own: one that fails or hangs delays no other."""

import os
from collections.abc import Sequence
from pathlib import Path

from pynvr.archive.index import Index
from pynvr.notify import backlog
from pynvr.notify.backlog import Cursor
from pynvr.notify.event import Event, Parcel, happened
from pynvr.notify.postman import Postman, Receiver


class Outbox:
    """Takes events from any thread without making it wait."""

    def __init__(self, receivers: Sequence[Receiver], archive: Path, index: Index, camera: str) -> None:
        """Tell `receivers` of events, and of the recordings in the `index` of the folder `archive`."""
        self.camera = camera
        self._receivers = receivers
        self._archive = archive
        self._index = index
        self._postmen: list[Postman] = []

    def start(self) -> None:
        """Find out what each receiver has not been told of yet, and begin to deliver. Raises OSError.

        Call it before anything is added to the index: a new receiver is told of later recordings only. The
        first event is `started`.
        """
        newest = backlog.newest_id(self._index)
        for receiver in self._receivers:
            cursor = Cursor(self._archive, receiver.name, newest)
            self._index.go_on_after(cursor.id)
            self._postmen.append(Postman(receiver, cursor, self._fetch, self._is_gone))
        self.tell(happened("started", self.camera))
        for postman in self._postmen:
            postman.start()

    def _fetch(self, recording_id: str) -> list[Event]:
        entries = backlog.closed_after(self._index, recording_id)
        return [backlog.closed_event(entry, self._archive, self.camera) for entry in entries]

    def _is_gone(self, event: Event) -> bool:
        """Whether a recording was removed, and not just its disk taken off."""
        file = event.file if event.type == "recording_closed" else None
        return file is not None and not os.path.lexists(file) and os.path.lexists(self._index.path)

    def tell(self, event: Event | None, jpeg: bytes | None = None, waiting: bool | None = None) -> None:
        """Tell everybody, or only the receivers that wait, or do not wait, for the picture of a motion."""
        for postman in self._postmen:
            if waiting in (None, postman.receiver.uses_files):
                postman.tell(Parcel(event, jpeg))

    def recording_closed(self) -> None:
        for postman in self._postmen:
            postman.recording_closed()

    def hurry(self, receiver: str) -> None:
        for postman in self._postmen:
            if postman.receiver.name == receiver:
                postman.hurry()

    def status(self) -> dict[str, dict[str, int]]:
        """For each receiver: pending, failed, expired."""
        return {postman.receiver.name: postman.counts() for postman in self._postmen}

    def close(self) -> None:
        """Report that the recorder stops, deliver what can be delivered at once, and close the receivers."""
        self.tell(happened("stopped", self.camera))
        for postman in self._postmen:
            postman.close()
