"""How the C library keeps memory that was freed: pictures come and go by the megabyte."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h; see mallopt(3)."""
KEPT_BYTES = 32 * 1024 * 1024
"""The most that M_MMAP_THRESHOLD may be; a 4K picture has 25 MB."""


def keep_freed_pictures() -> None:
    """Have the memory of a picture serve for the next one, at once.

    By itself glibc gives it back to the kernel time and again, and every 4 KiB of the next
    picture cost a page fault: 3 % of the CPU of recording 1080p. Where there is no glibc, nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
