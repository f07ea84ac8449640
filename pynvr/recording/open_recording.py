"""One open recording: the part has the pictures, the journal everything else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from pynvr.archive import journal, pictures
from pynvr.archive.archive import Archive
from pynvr.archive.closing import close_recording
from pynvr.archive.names import JOURNAL_SUFFIX, beside
from pynvr.errors import RecordingError
from pynvr.media.frame import Frame
from pynvr.media.packet import Recordable
from pynvr.recording.encoding import CODECS, Encoder
from pynvr.recording.label import draw_label
from pynvr.recording.orders import Begin, End, Picture, Write


class Part(Protocol):
    """The open video file of a recording."""

    def write(self, order: Write) -> int:
        """Add a frame or packet and return its size in bytes, 0 for unknown; raises RecordingError."""

    def close(self) -> None:
        """Write what is buffered and close the file; raises RecordingError if the disk refuses."""


class RecordingFormat(Protocol):
    """How files are written: encode mode has `EncodeFormat`, copy mode `CopyFormat`."""

    def facts(self, first: Any) -> dict[str, Any]:
        """The facts that the journal needs about a recording that begins with this frame or packet."""

    def open(self, path: Path, first: Any, fps: float) -> Part:
        """Create the part of a recording that begins with this frame or packet; raises RecordingError."""


@dataclass(frozen=True, slots=True)
class EncodeFormat:
    """Encode mode's `RecordingFormat`: FOURCC_CODEC, OUTPUT_FILES_EXTENSION and OUTPUT_FRAME_RATE."""

    fourcc: str
    suffix: str
    output_rate: float | None

    def facts(self, first: Frame) -> dict[str, Any]:
        """As `RecordingFormat` has it."""
        codec = CODECS[self.fourcc]
        height, width = first.image.shape[:2]
        return {
            "part_suffix": codec.part_suffix,
            "suffix": self.suffix,
            "fourcc": codec.fourcc[self.suffix],
            "output_rate": self.output_rate,
            "width": width - width % 2,  # encoders leave out an odd last column or row
            "height": height - height % 2,
        }

    def open(self, path: Path, first: Frame, fps: float) -> Part:
        """As `RecordingFormat` has it."""
        height, width = first.image.shape[:2]
        return EncodedPart(Encoder(path, self.fourcc, fps, (width, height)))


class EncodedPart:
    """A part of encoded pictures, with the label drawn into them."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def write(self, order: Write) -> int:
        """Draw the label, into the frame itself if that is BGR, and encode the frame."""
        image = cast(Frame, order.frame).image
        if order.hold_left_s is not None:
            draw_label(image, order.hold_left_s)
        self._encoder.write(image)
        return 0

    def close(self) -> None:
        """As `Part` has it."""
        self._encoder.close()


class OpenRecording:
    """The part and the journal of one recording, until they are closed for good."""

    def __init__(self, archive: Archive, form: RecordingFormat, begin: Begin) -> None:
        """Reserve a name; raises OSError, or ArchiveError or SettingsError as `Archive.open` does."""
        self._archive = archive
        self._format = form
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
            self._part = self._start(order.frame)
        size_bytes = self._part.write(order)
        self._journal.note_frame(order.frame, order.changed_px, order.motion, size_bytes)

    def keep(self, picture: Picture) -> None:
        """Put a picture beside the recording. If the disk refuses, the next frame will report that."""
        with suppress(OSError):
            pictures.keep(self.stem, picture.kind, picture.jpeg.tobytes())
            self._journal.note_facts(**picture.facts)

    def close(self, end: End | None = None) -> Path | None:
        """Make the final file and its line in the index; return its path, or None if there is no picture.

        Raises OSError or RecordingError if some of it is lost or cannot be closed now; the rest is saved.
        """
        refused: OSError | RecordingError | None = None
        try:
            if self._part is not None:
                self._part.close()
        except (OSError, RecordingError) as error:
            refused = error
        known = {name: value for name, value in asdict(end).items() if value} if end is not None else {}
        if known:
            with suppress(OSError):  # the frames matter more
                self._journal.note_facts(**known)
        self._journal.close()
        path = close_recording(self._archive, self.stem)
        if refused is not None:
            raise refused
        if path is None and self._part is not None:
            raise RecordingError(
                f"{self.stem}: gone while it was recorded (PATH_FOR_VIDEO): "
                "was its disk unmounted, or its folder moved?"
            )
        return path

    def _start(self, first: Recordable) -> Part:
        facts = self._format.facts(first)
        self._journal.note_facts(
            **facts,
            nominal_fps=self._begin.nominal_fps,
            trigger_s=self._begin.trigger_s,
            trigger_utc=journal.iso(self._begin.trigger_utc),
            continues=self._begin.continues,
        )
        path = beside(self.stem, f".part{facts['part_suffix']}")
        return self._format.open(path, first, self._begin.nominal_fps)
