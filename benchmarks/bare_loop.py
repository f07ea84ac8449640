"""The loop that the recorder is compared with: read a clip and, with a second argument, encode it.

Run as `bare_loop.py CLIP [OUTPUT.avi]`. It prints the number of frames. It
decodes and computes on one thread, as the recorder does.
"""

from __future__ import annotations

import sys

import cv2


def run(clip: str, output: str | None = None) -> int:
    """Read every frame, write it as DIVX into `output` if there is one; return the number of frames."""
    cv2.setNumThreads(1)
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    writer = None
    if output is not None:
        size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        writer = cv2.VideoWriter(
            output, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"DIVX"), capture.get(cv2.CAP_PROP_FPS), size
        )
    frames = 0
    while True:
        received, image = capture.read()
        if not received:
            break
        if writer is not None:
            writer.write(image)
        frames += 1
    if writer is not None:
        writer.release()
    capture.release()
    return frames


if __name__ == "__main__":
    print(run(*sys.argv[1:]))
