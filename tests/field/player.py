"""What a player that is not ours sees of a video file: Debian's ffmpeg, picture by picture."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pynvr.demo.frame_number import read_frame_number

VIEW = (160, 120)
"""Every picture is looked at in this size, whatever its own is."""
THUMB = (32, 24)
TIMEOUT_S = 120.0

_SHOWN = re.compile(rb"pts_time:\s*(\S+).* sar:(\d+)/(\d+) s:(\d+)x(\d+)")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it is shown: turned as the file says."""

    time: float
    """Seconds; NaN where the file has none."""
    number: int | None
    """The frame number drawn in it; None where it cannot be read: a damaged picture, or one on its side."""
    aspect: float
    """Width over height as shown, with the shape of the pixels."""
    size: tuple[int, int]
    """Width and height in pixels as shown, whatever their shape."""
    thumb: NDArray[np.int16]
    """A tiny BGR picture of it."""


def watch(path: Path, stream: int = 0, *options: str) -> list[Picture]:
    """Every picture that ffmpeg decodes of the video stream with this number, in the order shown.

    `options` go before the input. Nothing at all where ffmpeg cannot open the file.
    """
    command = ["ffmpeg", "-nostdin", "-v", "info", "-threads", "1", *options, "-i", str(path)]
    # a picture whose size differs from the first one's is scaled to that by itself
    look = f"showinfo=checksum=0,scale={VIEW[0]}:{VIEW[1]}:flags=area"
    command += ["-map", f"0:v:{stream}", "-vf", look, "-fps_mode", "passthrough"]
    command += ["-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    images = np.frombuffer(done.stdout, np.uint8)
    count = len(images) // (VIEW[0] * VIEW[1] * 3)
    images = images[: count * VIEW[0] * VIEW[1] * 3].reshape(count, VIEW[1], VIEW[0], 3)
    shown = _SHOWN.findall(done.stderr)[:count]
    return [_picture(image, *found) for image, found in zip(images, shown, strict=True)]


def _picture(image: NDArray[np.uint8], time: bytes, *numbers: bytes) -> Picture:
    sar_x, sar_y, width, height = map(int, numbers)
    squareness = sar_x / sar_y if sar_x and sar_y else 1.0
    thumb = cv2.resize(image, THUMB, interpolation=cv2.INTER_AREA).astype(np.int16)
    seconds = float("nan") if time == b"NOPTS" else float(time)
    aspect = width / height * squareness
    return Picture(seconds, read_frame_number(image), aspect, (width, height), thumb)


def probe(path: Path, entries: str, *options: str) -> dict[str, Any]:
    """What ffprobe says about a file: `probe(path, "packet=pos,size,flags", "-show_packets")`."""
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-show_entries", entries, *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    found = json.loads(done.stdout or "{}")
    return found if isinstance(found, dict) else {}
