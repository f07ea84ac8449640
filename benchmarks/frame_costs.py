"""CPU time that one frame costs on one thread, step by step, as JSON: `frame_costs.py CLIP`.

The frames come fresh from the decoder, or from scaling it, so that caches are as
cold as they are in the recorder's loop. Milliseconds, median over the frames.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from pynvr.classic import ClassicDetector
from pynvr.frame import Frame, Image
from pynvr.robust import RobustDetector

SIZES = ((1920, 1080), (1280, 720), (640, 480))
FRAMES = 200


def measure(clip: str, size: tuple[int, int]) -> dict[str, float]:
    """The median cost of detecting and of packing frames of `size` (width, height)."""
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    robust, classic = RobustDetector(), ClassicDetector()
    detecting: list[float] = []
    detecting_classic: list[float] = []
    packing: list[float] = []
    for index in range(FRAMES):
        received, image = capture.read()
        if not received:
            raise SystemExit(f"{clip}: has less than {FRAMES} frames")
        if (image.shape[1], image.shape[0]) != size:
            image = cv2.resize(image, size)
        picture = cast(Image, image)
        frame = Frame(picture, index / 25, datetime.now(timezone.utc), index)

        detecting.append(_cpu_ms(lambda: robust.detect(frame.image, frame.time)))  # noqa: B023
        detecting_classic.append(_cpu_ms(lambda: classic.detect(frame.image)))  # noqa: B023
        packing.append(_cpu_ms(frame.packed))
    capture.release()
    return {
        "detecting": statistics.median(detecting),
        "detecting, classic": statistics.median(detecting_classic),
        "packing": statistics.median(packing),
    }


def _cpu_ms(step: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    step()
    return (time.thread_time_ns() - start) / 1e6


if __name__ == "__main__":
    cv2.setNumThreads(1)
    print(json.dumps({"{}x{}".format(*size): measure(sys.argv[1], size) for size in SIZES}))
