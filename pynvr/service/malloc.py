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


def share_freed_memory() -> None:
    """Reuse the memory that one thread freed in the others; call it before any is started.

    By default glibc gives each thread an arena of its own. One thread makes a packet or a picture and another
    frees it, so that the arenas are soon full of holes: 20 MB after four minutes of packets, 110 MB where
    1080p is encoded.
    """
    _mallopt(M_ARENA_MAX, 1)


def keep_freed_pictures() -> None:
    """Reuse the memory of one picture for the next.

    By default glibc returns it to the kernel again and again, and every 4 KiB of the next
    picture cost a page fault: 3 % of the CPU of recording 1080p.
    """
    _mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    _mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def return_freed_pictures() -> None:
    """Give the memory of pictures back, where packets are recorded.

    FFmpeg decodes large ones while it probes a stream, 8 MB of them. They are returned to the kernel if each
    has a mapping of its own, which glibc stops doing when the first one is freed.
    """
    _mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _mallopt(parameter: int, value: int) -> None:
    try:
        ctypes.CDLL(None).mallopt(parameter, value)
    except (OSError, AttributeError):
        return
