"""The protocol between the capture loop and a recorder."""

from __future__ import annotations

from typing import Protocol

from pynvr.detection.detector import Detection
from pynvr.events import Change
from pynvr.media.frame import Frame


class Recorder(Protocol):
    """Makes recordings: of pictures (`FrameRecorder`) or of packets (`PacketRecorder`)."""

    def handle(self, frame: Frame, detection: Detection, change: Change) -> None:
        """Take a frame, what the detector saw in it, and what the event rule made of that."""

    def interrupt(self, lost: int = 0) -> None:
        """Close the open recording, if any: the next frame does not belong to it.

        `lost`: how many pictures since the latest frame could not be decoded.
        """

    def close(self) -> None:
        """Close the open recording and wait until all is written."""
