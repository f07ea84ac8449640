"""One open recording: the part has the pictures, the journal everything else."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pynvr.archive import companions, journal
from pynvr.archive.archive import Archive
from pynvr.archive.closing import close_recording
from pynvr.archive.names import JOURNAL_SUFFIX, beside
from pynvr.errors import RecordingError
from pynvr.recording.orders import Begin, End, Picture, Write


class Part(Protocol):
    """The open video file of a recording: encode mode has `EncodedPart`, copy mode `PacketPart`."""

    facts: dict[str, Any]
    """What the journal needs to know of the recording before the file is there."""

    def open(self, path: Path, fps: float) -> None:
        """Create the file; raises RecordingError."""

    def write(self, order: Write) -> int:
        """Add a frame or packet and return its size in bytes, 0 for unknown; raises RecordingError."""

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError if the disk refuses."""


PartMaker: TypeAlias = Callable[[Any], Part]
"""Makes the part, not yet open, of a recording that begins with this frame or packet."""


class OpenRecording:
    """The part and the journal of one recording, until they are closed for good."""

    def __init__(self, archive: Archive, make_part: PartMaker, begin: Begin) -> None:
        """Reserve a name; raises OSError, or ArchiveError or SettingsError as `Archive.open` does."""
        self._archive = archive
        self._make_part = make_part
        self._begin = begin
        self.stem = archive.new_stem(begin.trigger_utc)
        try:
            self._journal = journal.JournalWriter(beside(self.stem, JOURNAL_SUFFIX))
        except OSError:
            archive.settle(self.stem)  # nothing is there to close, and a retry comes every few seconds
            raise
        self._part: Part | None = None

    def write(self, order: Write) -> None:
        """Add a frame or packet and note it; raises OSError or RecordingError."""
        if self._part is None:
            self._part = self._start(self._make_part(order.frame))
        size_bytes = self._part.write(order)
        self._journal.note_frame(order.frame, order.changed_px, order.motion, size_bytes)

    def keep(self, picture: Picture) -> None:
        """Put a picture beside the recording. If the disk refuses, the next frame will report that."""
        with suppress(OSError):
            companions.put(self.stem, picture.kind, picture.jpeg.tobytes())
            self._journal.note_facts(**picture.facts)

    def close(self, end: End | None = None) -> Path | None:
        """Make the final file and its line in the index; return its path, or None if there is no picture.

        Raises OSError or RecordingError if some of it is lost or cannot be closed now; the rest is saved.
        """
        try:
            if self._part is not None:
                self._part.close()
        finally:
            known = {name: value for name, value in asdict(end).items() if value} if end is not None else {}
            if known:
                with suppress(OSError):  # the frames matter more
                    self._journal.note_facts(**known)
            self._journal.close()
            path = close_recording(self._archive, self.stem)
        if path is None and self._part is not None:
            raise RecordingError(
                f"{self.stem}: gone while it was recorded (PATH_FOR_VIDEO): "
                "was its disk unmounted, or its folder moved?"
            )
        return path

    def _start(self, part: Part) -> Part:
        self._journal.note_facts(
            **part.facts,
            nominal_fps=self._begin.nominal_fps,
            trigger_s=self._begin.trigger_s,
            trigger_utc=journal.iso(self._begin.trigger_utc),
            continues=self._begin.continues,
        )
        part.open(beside(self.stem, f".part{part.facts['part_suffix']}"), self._begin.nominal_fps)
        return part
