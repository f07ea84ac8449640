"""CPU time that one frame costs on one thread, step by step, as JSON: `frame_costs.py CLIP [WIDTH HEIGHT]`.

Each frame comes fresh from the decoder, or from scaling, and goes through one step only, so that caches are
as cold as they are in the recorder's loop. Milliseconds, median over the frames.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from pynvr.detection.classic import ClassicDetector
from pynvr.detection.robust import RobustDetector
from pynvr.media.frame import Encoding, Frame, Image
from pynvr.media.opencv import work_lightly

FRAMES = 400


def measure(clip: str, size: tuple[int, int] | None) -> dict[str, float]:
    """The median cost of detecting in a clip's frames, and of keeping them smaller.

    Where a `size` (width, height) is given they are scaled to it first.
    """
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    robust, classic = RobustDetector(), ClassicDetector()
    costs: dict[str, list[float]] = {}
    for index in range(FRAMES):
        received, image = capture.read()
        if not received:
            raise SystemExit(f"{clip}: has less than {FRAMES} frames")
        if size is not None:
            image = cv2.resize(image, size)
        frame = Frame(cast(Image, image), index / 25, datetime.now(timezone.utc), index)
        steps: dict[str, Callable[[], object]] = {
            "detecting": partial(robust.detect, frame.image, frame.time),
            "detecting, classic": partial(classic.detect, frame.image),
            "into I420": partial(frame.encoded, Encoding.I420),
            "into JPEG": partial(frame.encoded, Encoding.JPEG),
        }
        name = list(steps)[index % len(steps)]
        costs.setdefault(name, []).append(_cpu_ms(steps[name]))
    capture.release()
    return {name: statistics.median(each) for name, each in costs.items()}


def _cpu_ms(step: Callable[[], object]) -> float:
    start = time.thread_time_ns()
    step()
    return (time.thread_time_ns() - start) / 1e6


if __name__ == "__main__":
    work_lightly()
    wanted = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 2 else None
    print(json.dumps(measure(sys.argv[1], wanted)))
