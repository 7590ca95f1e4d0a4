"""Memory that other processes may map: it has no name, so nothing of it is left behind, however a process ends.

Linux makes such memory by `memfd_create`; elsewhere it is a temporary file that is deleted at once. Either is known by a file
descriptor, which goes to other processes through a socket, and is gone with the last process that has it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

__all__ = ["Memory", "arrange", "array_at", "mapped", "memory_of", "new_array", "new_file", "write"]

ALIGNMENT = 64
POPULATE = getattr(mmap, "MAP_POPULATE", 0)


class Memory(mmap.mmap):
    """A piece of memory that other processes may map, too; `descriptor` is the file it is known by."""

    descriptor: int

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError, TypeError):
            os.close(self.descriptor)


known: WeakValueDictionary[tuple[int, int], Memory] = WeakValueDictionary()
"""What this process has mapped, by device and inode: what comes twice is mapped once."""


def new_file() -> int:
    """Return the descriptor of an empty file in memory that has no name."""
    if hasattr(os, "memfd_create"):
        # some sandboxes forbid it
        with contextlib.suppress(OSError):
            return os.memfd_create("lineal", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def mapped(descriptor: int, size: int) -> Memory:
    """Return the memory of a file, whose descriptor it owns from now on."""
    status = os.fstat(descriptor)
    identity = (status.st_dev, status.st_ino)
    memory = known.get(identity)
    if memory is not None and len(memory) >= size:
        os.close(descriptor)
        return memory
    flags: Any = {"flags": mmap.MAP_SHARED | POPULATE} if hasattr(mmap, "MAP_SHARED") else {}
    memory = Memory(descriptor, size, **flags)
    memory.descriptor = descriptor
    known[identity] = memory
    return memory


def memory_of(array: np.ndarray) -> Memory | None:
    """Return the shared memory that an array lies in, None if its memory is this process's own."""
    holder: Any = array
    while holder is not None and not isinstance(holder, Memory):
        holder = holder.obj if isinstance(holder, memoryview) else getattr(holder, "base", None)
    return holder


def array_at(memory: Memory, offset: int, shape: Sequence[int], strides: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Return the array that lies so in shared memory."""
    return np.ndarray(tuple(shape), dtype, memory, offset, tuple(strides))


def new_array(like: np.ndarray) -> np.ndarray:
    """Return a copy in new shared memory; its axes lie in the same order."""
    descriptor = new_file()
    os.ftruncate(descriptor, max(like.nbytes, 1))
    # how a copy of it would lie
    example = np.empty_like(like)
    copy = array_at(mapped(descriptor, max(like.nbytes, 1)), 0, like.shape, example.strides, like.dtype)
    copy[...] = like
    return copy


def arrange(sizes: Sequence[int]) -> list[int]:
    """Return where parts of these sizes begin that lie one after the other, and where the last one ends."""
    places = [0]
    for size in sizes:
        places.append(-(-(places[-1] + size) // ALIGNMENT) * ALIGNMENT)
    return places


def write(descriptor: int, parts: Sequence[memoryview], places: Sequence[int]) -> None:
    """Write parts to their places in a file, which grows to hold them."""
    os.ftruncate(descriptor, places[-1])
    for part, place in zip(parts, places):
        left = part.cast("B") if part.nbytes else part
        while left.nbytes:
            done = os.pwrite(descriptor, left, place)
            left, place = left[done:], place + done
