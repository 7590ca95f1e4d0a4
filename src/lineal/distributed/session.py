"""The memory that the ranks of one machine share, and what each lets the others know of it.

Memory begins with a record for each rank: whether it takes part, how it ended, what it waits in. A rank that lives holds a lock
of the system's on a byte of its own, which goes however a process ends: so others see that one has died.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import mmap
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import timedelta
from multiprocessing.util import Finalize
from typing import Any

import numpy as np

from lineal.base import failing
from lineal.distributed.backends import DistBackendError
from lineal.distributed.calls import Call
from lineal.distributed.deadlocks import Deadlocks
from lineal.distributed.gathering import gathered

__all__ = ["Session"]

JOINED, LEFT, FAILED = 1, 2, 3
RECORD, REASON, WAITS, WORDS = 4096, 64, 1024, 2048
"""The bytes of a record, and where in it stand why the rank failed, for whom it waits, and what it is about."""
LIVES, ALLOCATES = 1 << 50, (1 << 50) - 1
"""Which bytes of the file, far beyond its end, the ranks hold while they live, and the one that gets more memory."""
PAGE = mmap.ALLOCATIONGRANULARITY


class Session:
    """This process's part in a run of several ranks."""

    def __init__(self, address: str, rank: int, size: int, nbytes: int, timeout: timedelta):
        self.rank, self.size, self.process = rank, size, os.getpid()
        self.start = paged(size * RECORD)
        self.descriptor = gathered(address, rank, size, self.start + nbytes, timeout)
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1, LIVES + rank)
        self.maps: list[mmap.mmap] = []
        self.records = self.mapped(0, self.start)
        self.heads = np.ndarray((size, RECORD // 8), np.int64, self.records)
        self.heads[rank, 1] = self.process
        self.heads[rank, 0] = JOINED
        self.deadlocks = Deadlocks(self, WAITS)
        self.reason = ""
        self.before: Callable[..., Any] = sys.excepthook
        sys.excepthook = self.excepted
        atexit.register(self.leave)
        # processes of multiprocessing end without what atexit knows
        self.ending = Finalize(None, self.leave, exitpriority=0)
        failing.listeners.append(self.note)

    def mapped(self, place: int, nbytes: int) -> mmap.mmap:
        """Return a part of the memory.

        Maps are kept until the end: one that is closed would close a descriptor of the file, and so give up the lock.
        """
        self.maps.append(mmap.mmap(self.descriptor, nbytes, offset=place))
        return self.maps[-1]

    def allocate(self, nbytes: int) -> int:
        """Let the memory grow, and return where the new part begins; other ranks may do the same at the same time."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1, ALLOCATES)
        try:
            place = paged(os.fstat(self.descriptor).st_size)
            os.ftruncate(self.descriptor, place + nbytes)
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, ALLOCATES)
        return place

    def at(self, rank: int, place: int) -> int:
        """Return where a place of a rank's record lies."""
        return rank * RECORD + place

    def write(self, place: int, text: str, most: int) -> None:
        """Write a text into this rank's record, behind it a zero."""
        said = text.encode()[: most - 1] + b"\0"
        begin = self.at(self.rank, place)
        self.records[begin : begin + len(said)] = said

    def read(self, rank: int, place: int, most: int) -> str:
        """Return a text of a rank's record."""
        begin = self.at(rank, place)
        return self.records[begin : begin + most].partition(b"\0")[0].decode(errors="replace")

    def say(self, words: str) -> None:
        """Let others know what this rank is about."""
        self.write(WORDS, words, RECORD - WORDS)

    def said(self, rank: int) -> str:
        """Return what a rank has said last."""
        return self.read(rank, WORDS, RECORD - WORDS)

    def is_alive(self, rank: int) -> bool:
        """Return whether the process of a rank exists."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, LIVES + rank)
        except OSError:
            return True
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, LIVES + rank)
        return False

    def ended(self, rank: int) -> str | None:
        """Return how a rank has ended, None if it has not."""
        state = int(self.heads[rank, 0])
        if state == FAILED:
            return f"rank {rank} has failed: {self.read(rank, REASON, WAITS - REASON)}"
        if state == LEFT:
            return f"rank {rank} has left the group"
        if state == JOINED and not self.is_alive(rank):
            return f"rank {rank} (process {int(self.heads[rank, 1])}) has died"
        return None

    def require(self, ranks: Iterable[int], call: Call) -> None:
        """Raise DistBackendError if a rank that this one waits for in a call has ended."""
        for rank in ranks:
            how = self.ended(rank)
            if how is not None:
                raise DistBackendError(f"{call.name}: {how}, for which rank {self.rank} waits in {call.text()}")

    def excepted(self, kind: Any, error: BaseException, trace: Any) -> None:
        """Note the error that ends this process."""
        self.note(error)
        self.before(kind, error, trace)

    def note(self, error: BaseException) -> None:
        """Let others know at once that an error ends this process."""
        self.reason = traceback.format_exception_only(error)[-1].strip()
        self.leave()

    def leave(self) -> None:
        """Take no part any more."""
        if self.process != os.getpid() or self.heads[self.rank, 0] != JOINED:
            return
        self.write(REASON, self.reason, WAITS - REASON)
        self.heads[self.rank, 0] = FAILED if self.reason else LEFT

    def close(self) -> None:
        """Leave, and give the memory back where nobody looks into it any more."""
        self.leave()
        atexit.unregister(self.leave)
        self.ending.cancel()
        failing.listeners.remove(self.note)
        if sys.excepthook == self.excepted:
            sys.excepthook = self.before
        self.heads = np.zeros((self.size, 2), np.int64)
        for each in self.maps:
            with contextlib.suppress(BufferError):
                each.close()
        os.close(self.descriptor)


def paged(nbytes: int) -> int:
    """Return a number of bytes rounded up to whole pages."""
    return -(-nbytes // PAGE) * PAGE
