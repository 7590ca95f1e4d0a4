"""How much memory the process has, in numbers like those of `torch.cuda`'s memory statistics, for the host.

Which op made how much is told by `profiler.profile(profile_memory=True)`, and how much a program needs by its `explain`.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from functools import cache
from typing import Any

from lineal.base import later

__all__ = ["allocated", "peak", "release", "reserved", "reset_peak", "stats", "summary"]

arenas: Any = later.module("lineal.codegen.arenas")
heap: Any = later.module("lineal.codegen.batched.heap")
notebook: Any = later.module("lineal.base.notebook")
resource: Any = later.module("resource")

FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()


class HeapInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


@cache
def heap_info() -> Any:
    """Return glibc's function that tells what its heap holds; None where there is none."""
    found = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if found is not None:
        found.restype, found.argtypes = HeapInfo, []
    return found


def told_by_system(name: str) -> int | None:
    """Return a number of bytes from Linux's account of this process; None elsewhere."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) << 10 for line in file if line.startswith(f"{name}:")), None)
    except OSError:
        return None


def allocated() -> int:
    """Return how many bytes of the C library's heap are in use: arrays, and all else; RuntimeError where it does not say.

    That is arrays of all libraries, large ones included, and what Python and LLVM have there; memory that was freed is not.
    """
    look = heap_info()
    if look is None:
        raise RuntimeError("memory.allocated: the C library does not tell what is in use (mallinfo2, of glibc 2.33 and later)")
    info = look()
    return info.uordblks + info.hblkhd


def reserved() -> int:
    """Return how many bytes of memory the process has: its resident set; RuntimeError where the system does not say."""
    found = told_by_system("VmRSS")
    if found is None:
        raise RuntimeError("memory.reserved: the system does not tell how much memory the process has (/proc/self/status)")
    return found


def peak() -> int:
    """Return how many bytes of memory the process had at most, since it began or since `reset_peak`."""
    found = told_by_system("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 if found is None else found


def reset_peak() -> None:
    """Let `peak` begin anew with what the process has now; RuntimeError where the system does not do that."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError as error:
        raise RuntimeError(f"memory.reset_peak: the system does not forget how much memory the process had ({error})") from None


def release() -> None:
    """Return to the system what is free, as `torch.cuda.empty_cache` does: the next arrays take longer to make."""
    arenas.shared().free.clear()
    heap.give_back()


def stats() -> OrderedDict[str, int]:
    """Return all numbers by name, in bytes; those that the system does not tell are left out.

    `allocated_bytes.all.current` is in use, `reserved_bytes.all.current` what the process has and `.peak` had at most;
    `inactive_bytes.all.current` was freed and is kept for what comes; `arena_bytes.all.current` is what compiled functions
    share for what they need during a call.
    """
    found: OrderedDict[str, int] = OrderedDict()
    look = heap_info()
    if look is not None:
        info = look()
        found["allocated_bytes.all.current"] = info.uordblks + info.hblkhd
        found["inactive_bytes.all.current"] = info.fordblks
    for name, line in (("current", "VmRSS"), ("peak", "VmHWM")):
        number = told_by_system(line)
        if number is not None:
            found[f"reserved_bytes.all.{name}"] = number
    found.setdefault("reserved_bytes.all.peak", peak())
    found["arena_bytes.all.current"] = sum(each.nbytes for each in arenas.shared().free)
    return found


def summary() -> str:
    """Return the numbers as lines of text, in megabytes."""
    return notebook.Text("\n".join(f"{name:30} {value / 2**20:12,.1f} MB" for name, value in stats().items()))
