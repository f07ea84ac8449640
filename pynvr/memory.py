"""How the C library deals with the memory of pictures."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""From malloc.h."""
_LARGEST_BLOCK = 32 * 1024 * 1024
"""glibc takes no larger threshold; a 4K picture has 24 MiB."""
_KEPT_BYTES = 256 * 1024 * 1024


def keep_freed_pictures() -> None:
    """Have glibc keep the memory of freed pictures for the next ones, in one place for all threads.

    By default it gives large blocks back to the kernel, which then has to clear
    6 MB for each 1080p frame: 0.7-1.1 ms. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_ARENA_MAX, 1)
