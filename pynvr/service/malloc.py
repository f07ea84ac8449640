"""How the C library keeps memory that was freed: pictures and packets come and go by the megabyte.

Where there is no glibc, nothing happens.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of glibc's malloc.h; see mallopt(3)."""
KEPT_BYTES = 32 * 1024 * 1024
"""The most that M_MMAP_THRESHOLD may be; a 4K picture has 25 MB."""
LARGE_BYTES = 1024 * 1024
"""Larger than any packet should be."""


def keep_freed_pictures() -> None:
    """Have the memory of a picture serve for the next one, at once.

    By itself glibc gives it back to the kernel time and again, and every 4 KiB of the next
    picture cost a page fault: 3 % of the CPU of recording 1080p.
    """
    _mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    _mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def share_freed_packets() -> None:
    """Have the memory that one thread freed serve the others; to be called before they are started.

    By itself glibc gives each thread an arena of its own. A packet is made by one thread and freed by
    another, in pieces of all sizes, and the arenas are full of holes soon: 20 MB after four minutes.
    Another 8 MB are the large pictures that FFmpeg decodes while it finds out about a stream: they are
    given back when each has a mapping of its own, as glibc does only until the first one is freed.
    """
    _mallopt(M_ARENA_MAX, 1)
    _mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _mallopt(parameter: int, value: int) -> None:
    try:
        ctypes.CDLL(None).mallopt(parameter, value)
    except (OSError, AttributeError):
        return
