"""The C library's heap: told to keep what is freed, because getting it from the system anew costs more than most kernels.

Every page that a process gets is cleared and entered into its tables, which for an array of some megabytes takes longer than to
factor the matrices in it; glibc returns freed memory to the system above a threshold that starts at 128 KiB.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

# how much freed memory at the end of the heap is kept, and from which size on an array lies outside of the heap (glibc's limit)
KEPT, OUTSIDE = 256 << 20, 32 << 20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@cache
def keep_freed_memory() -> bool:
    """Set glibc's thresholds, once, unless the user did; return whether that was done."""
    if platform.libc_ver()[0] != "glibc" or any(name in os.environ for name in SETTINGS):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_TRIM_THRESHOLD, KEPT) and mallopt(M_MMAP_THRESHOLD, OUTSIDE))


def give_back() -> None:
    """Return to the system what is free, however it lies, if it was to be kept: after work that will not come again."""
    if keep_freed_memory():
        ctypes.CDLL(None).malloc_trim(0)
