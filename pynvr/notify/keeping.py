"""keep/set: puts a .keep file beside a recording, so that retention does not remove it."""

from __future__ import annotations

import logging

from pynvr.archive.archive import Archive
from pynvr.archive.names import lies_inside

log = logging.getLogger(__name__)


def keep(archive: Archive, recording_id: str) -> None:
    """Keep the recording of this id; raises OSError. What is not in the index is told of in the log."""
    for entry in archive.index.each():
        if str(entry.get("id")) == recording_id:
            recording = archive.root / str(entry["file"])
            if lies_inside(archive.root, recording) and recording.exists():
                archive.keep(str(entry["file"]))
                log.info("%s is kept", entry["file"])
                return
    log.warning("no recording %.40r is there that could be kept", recording_id)
