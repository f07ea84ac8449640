"""What the capture loop asks of a recorder."""

from __future__ import annotations

from typing import Protocol

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import Frame


class Recorder(Protocol):
    """Makes recordings of what it is told: of pictures (`FrameRecorder`) or of packets (`PacketRecorder`)."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what was seen in it, and what that means."""

    def interrupt(self) -> None:
        """Close the open recording, if any: what follows is not connected."""

    def close(self) -> None:
        """Close the open recording and wait until all is written."""
