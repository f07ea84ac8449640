#!/usr/bin/env python3
"""Make the documents' pictures from the drawn scene: `make pictures`."""

import sys
from pathlib import Path

import cv2
import guards
import page_picture

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pynvr.demo.camera import DemoCamera  # noqa: E402
from pynvr.detection.robust import RobustDetector  # noqa: E402
from pynvr.media.frame import Frame  # noqa: E402
from pynvr.tuning import mosaic  # noqa: E402

MOMENT_S = 7.5
"""The visitor is in the middle of the yard."""


def main() -> None:
    """Write md3.png, the detector's four stages; a picture for each guard; the archive's page."""
    guards.main()
    page_picture.main()
    detector = RobustDetector()
    for frame in DemoCamera():
        if isinstance(frame, Frame):
            detection = detector.detect(frame.image, frame.time)
            if frame.time >= MOMENT_S:
                break
    picture = mosaic.mosaic(frame.image, detection, hold_left_s=10.0)
    cv2.imwrite(str(HERE / "md3.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
