"""One open recording: pictures go into its part, what else there is to know into its journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pynvr import journal, overlay
from pynvr.archive import Archive
from pynvr.closing import close_recording
from pynvr.encoder import CODECS, Encoder
from pynvr.errors import RecordingError
from pynvr.frame import Frame
from pynvr.orders import Begin, Write


@dataclass(frozen=True, slots=True)
class Format:
    """How files are written: the settings of these names."""

    fourcc: str
    suffix: str
    output_rate: float | None


class OpenRecording:
    """The part and the journal of one recording, until they are closed for good."""

    def __init__(self, archive: Archive, form: Format, begin: Begin) -> None:
        """Reserve a name; raises OSError or RecordingError where the archive refuses."""
        self._archive = archive
        self._format = form
        self._begin = begin
        self._codec = CODECS[form.fourcc]
        self.stem = archive.new_stem(begin.trigger_utc)
        self._journal = journal.JournalWriter(self.stem.with_name(self.stem.name + journal.SUFFIX))
        self._encoder: Encoder | None = None

    def write(self, order: Write) -> None:
        """Encode a frame, with its label, and note it; raises OSError or RecordingError."""
        frame = order.frame.unpacked()
        if order.hold_left_s is not None:
            overlay.draw_label(frame.image, order.hold_left_s)
        if self._encoder is None:
            self._encoder = self._start_encoder(frame)
        self._encoder.write(frame.image)
        self._journal.note_frame(frame, order.changed_px, order.motion)

    def close(self, dropped: int = 0) -> Path | None:
        """Make the final file and its index line and return its path; None where it has no picture.

        Raises OSError or RecordingError where something of it is lost; what could be saved is.
        """
        refused: OSError | RecordingError | None = None
        try:
            if dropped:
                self._journal.note_facts(dropped=dropped)
            if self._encoder is not None:
                self._encoder.close()
        except (OSError, RecordingError) as error:
            refused = error
        self._journal.close()
        path = close_recording(self._archive, self.stem)
        if refused is not None:
            raise refused
        return path

    def _start_encoder(self, frame: Frame) -> Encoder:
        height, width = frame.image.shape[:2]
        self._journal.note_facts(
            part_suffix=self._codec.part_suffix,
            suffix=self._format.suffix,
            fourcc=self._codec.fourcc[self._format.suffix],
            output_rate=self._format.output_rate,
            nominal_fps=self._begin.nominal_fps,
            trigger_s=self._begin.trigger_s,
            trigger_utc=journal.iso(self._begin.trigger_utc),
            continues=self._begin.continues,
            width=width,
            height=height,
        )
        part = self.stem.with_name(f"{self.stem.name}.part{self._codec.part_suffix}")
        return Encoder(part, self._format.fourcc, self._begin.nominal_fps, (width, height))
