"""Tells the C library how to reuse freed memory: pictures and packets come and go by the megabyte.

Without glibc nothing happens.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""From glibc's malloc.h; see mallopt(3)."""
KEPT_BYTES = 32 * 1024 * 1024
"""The highest possible M_MMAP_THRESHOLD; a 4K picture has 25 MB."""
LARGE_BYTES = 1024 * 1024
"""Larger than any packet should be."""


def keep_freed_pictures() -> None:
    """Reuse the memory of one picture for the next.

    By default glibc returns it to the kernel again and again, and every 4 KiB of the next
    picture cost a page fault: 3 % of the CPU of recording 1080p.
    """
    _mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    _mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def share_freed_packets() -> None:
    """Reuse the memory that one thread freed in the others; call it before they are started.

    By default glibc gives each thread an arena of its own. One thread makes a packet and another frees
    it, in pieces of all sizes, so that the arenas are soon full of holes: 20 MB after four minutes.
    Another 8 MB are the large pictures that FFmpeg decodes while it probes a stream. They are returned to
    the kernel if each has a mapping of its own, which glibc stops doing when the first one is freed.
    """
    _mallopt(M_ARENA_MAX, 1)
    _mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _mallopt(parameter: int, value: int) -> None:
    try:
        ctypes.CDLL(None).mallopt(parameter, value)
    except (OSError, AttributeError):
        return
