"""Ranks that wait for each other in different calls, and so for ever.

A rank that waits for long writes into its record for whom, and which count in shared memory will tell that they have come.
If ranks wait for each other in a ring, and nothing of that changes for a while, each of them gives up.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from lineal.distributed.backends import DistBackendError
from lineal.distributed.calls import Call
from lineal.distributed.work import Order

if TYPE_CHECKING:
    from lineal.distributed.session import Session

__all__ = ["Awaited", "Deadlocks"]

PATIENCE, EVERY, TIMES = 0.3, 0.1, 4
"""After how many seconds a rank says that it waits; how often it looks; how many times in a row it sees the same ring."""
FAREWELL = 0.6
"""How many seconds it stays, so that the others see the same."""
SERIAL = 2
"""The number of a record that tells one wait from another; 0 while there is none."""
MOST = 40
ENTRY = struct.Struct("=qqq")


class Awaited(NamedTuple):
    """A rank of the session that is waited for, where its count lies in the file, and which number that is to reach."""

    rank: int
    place: int
    count: int


class Deadlocks:
    """What a rank lets others know of its waiting, and what it sees of theirs."""

    def __init__(self, session: Session, place: int):
        self.session, self.place, self.serial = session, place, 0
        self.told: list[Awaited] = []
        self.seen: list[tuple[int, int]] = []
        self.times, self.next = 0, 0.0

    def waits(self, call: Call, waited: float, late: list[Awaited]) -> None:
        """Note that this rank has waited for some seconds in a call; DistBackendError if it will for ever.

        Threads that go on beside the program may still do what others wait for: while there are any, nothing is noted.
        """
        if waited < PATIENCE or time.monotonic() < self.next or Order.outstanding or not is_alone():
            return
        self.next = time.monotonic() + EVERY
        if late != self.told:
            self.tell(call, late)
        ring = self.ring()
        self.times = self.times + 1 if ring and ring == self.seen else 0
        self.seen = ring
        if self.times >= TIMES:
            lines = [f"  rank {rank}: {self.session.said(rank)}" for rank, _ in sorted(ring)]
            time.sleep(FAREWELL)
            raise DistBackendError(f"{call.name}: ranks wait for each other, each in another call:\n" + "\n".join(lines))

    def tell(self, call: Call, late: list[Awaited]) -> None:
        """Write for whom this rank waits into its record."""
        names = ", ".join(str(each.rank) for each in late)
        self.session.say(f"waits for {names} in {call.text()}")
        self.session.heads[self.session.rank, SERIAL] = 0
        begin = self.session.at(self.session.rank, self.place)
        said = struct.pack("=q", len(late[:MOST])) + b"".join(ENTRY.pack(*each) for each in late[:MOST])
        self.session.records[begin : begin + len(said)] = said
        self.serial += 1
        self.session.heads[self.session.rank, SERIAL] = self.serial
        self.told = late

    def __enter__(self) -> None:
        """Begin to wait."""

    def __exit__(self, *exception: object) -> None:
        """Note that this rank goes on."""
        if self.told:
            self.session.heads[self.session.rank, SERIAL] = 0
            self.told, self.seen, self.times = [], [], 0

    def awaited(self, rank: int) -> list[int]:
        """Return the ranks that a rank says it waits for, and that have not come."""
        begin = self.session.at(rank, self.place)
        count = struct.unpack_from("=q", self.session.records, begin)[0]
        entries = [Awaited(*ENTRY.unpack_from(self.session.records, begin + 8 + n * ENTRY.size)) for n in range(count)]
        return [each.rank for each in entries if self.count(each.place) < each.count]

    def count(self, place: int) -> int:
        """Return a count that lies in the file, of whichever group."""
        return struct.unpack("=q", os.pread(self.session.descriptor, 8, place))[0]

    def ring(self) -> list[tuple[int, int]]:
        """Return the ranks of a ring that this one is in, each with the number of its wait; none if there is no ring."""
        start, serials = self.session.rank, self.session.heads[:, SERIAL]
        paths = [[(start, int(serials[start]))]]
        seen = {start}
        while paths:
            path = paths.pop()
            for rank in self.awaited(path[-1][0]) if path[-1][1] else ():
                if rank == start:
                    return path
                if rank not in seen:
                    seen.add(rank)
                    paths.append([*path, (rank, int(serials[rank]))])
        return []


def is_alone() -> bool:
    """Return whether this is the program's only thread; others may be lineal's, which wait for jobs."""
    here = threading.current_thread()
    others = [each for each in threading.enumerate() if each is not here]
    return here.name != Order.NAME and all(each.name.startswith("lineal-") for each in others)
