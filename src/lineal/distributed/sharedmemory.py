"""Ranks of one machine: what they exchange goes through memory that all of them see.

A collective is one step or several. In each, a rank writes a chunk into its slot, counts the step, waits until all have, and
reads what it needs of the others' slots. There are two slots for each rank, one for odd and one for even steps: who is at step
k has read all of step k - 2, for all others were at k - 1 when it went on, and so had gone on from k - 2 themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import numpy as np

from lineal.codegen.meeting import LINE, meeting
from lineal.distributed.backends import DistBackendError
from lineal.distributed.calls import Call
from lineal.distributed.channels import Channels
from lineal.distributed.deadlocks import Awaited
from lineal.distributed.reducing import Reduction
from lineal.distributed.session import Session
from lineal.distributed.transport import ASIDE, Pieces, Transport, bytes_of, shares

__all__ = ["SharedMemory"]

SLOT = 1 << 20
"""How many bytes a rank writes at a time: they are still in a cache when the others read them."""
ALIGNMENT = 64
ROUNDS = 2000
"""How often a rank looks whether others have come, some 50 µs, before it sleeps."""
SHORTEST, LONGEST = 2e-5, 2e-3
"""How long it sleeps, in seconds, longer from time to time."""
ATTENTION = 0.02
"""After how many seconds of waiting it looks whether those it waits for are alive."""
EXPLANATION = 2.0
"""How long it waits for others to say what they do, where that is not the same."""


class SharedMemory(Transport):
    """The transport of some ranks of a session, which share a part of its memory."""

    def __init__(self, session: Session, ranks: Sequence[int], place: int, timeout: timedelta):
        size = len(ranks)
        super().__init__(ranks.index(session.rank), size, timeout)
        self.session, self.ranks, self.place = session, list(ranks), place
        memory = session.mapped(place, nbytes_of(size))
        self.counts = np.ndarray((size, LINE // 8), np.int64, memory)
        self.slots = np.ndarray((2, size, SLOT), np.uint8, memory, size * LINE)
        self.channels = Channels(self, memory, size * LINE + 2 * size * SLOT)
        self.address, self.step, self.native = self.counts.ctypes.data, 0, meeting().meet
        self.views: dict[np.dtype, list[list[np.ndarray]]] = {}

    # steps

    def meet(self, call: Call) -> None:
        """Count a step, and wait until all ranks have; DistBackendError if one cannot, RuntimeError if one does otherwise."""
        self.step += 1
        found = self.native(self.address, self.rank, self.size, self.step, call.digest, ROUNDS)
        if found != self.size:
            self.wait(call, found)

    def wait(self, call: Call, found: int) -> None:
        """Wait on, sleeping in between, for ranks that are late."""
        begin, pause = time.monotonic(), SHORTEST
        with self.session.deadlocks:
            while found != self.size:
                if found < 0:
                    self.explain(call)
                waited = time.monotonic() - begin
                if waited > ATTENTION:
                    self.consider(call, waited)
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST)
                found = self.native(self.address, self.rank, self.size, self.step, call.digest, ROUNDS)

    def consider(self, call: Call, waited: float) -> None:
        """Raise DistBackendError if ranks that are late will never come, or do not in time."""
        late = self.late()
        self.require(late, call)
        self.session.deadlocks.waits(call, waited, [self.awaited(rank) for rank in late])
        if waited > self.timeout.total_seconds():
            raise DistBackendError(self.overdue(call, late))

    def awaited(self, rank: int) -> Awaited:
        """Return what tells that a rank has come to this step."""
        return Awaited(self.ranks[rank], self.place + rank * LINE, self.step)

    def late(self) -> list[int]:
        """Return the ranks of the group that have not come to this step."""
        return [rank for rank in range(self.size) if self.counts[rank, 0] < self.step]

    def require(self, late: Sequence[int], call: Call) -> None:
        """Raise DistBackendError if one of these ranks has ended; who has come before it ended is not late."""
        gone = [rank for rank in late if self.session.ended(self.ranks[rank])]
        still = self.late()
        self.session.require([self.ranks[rank] for rank in gone if rank in still], call)

    def overdue(self, call: Call, late: Sequence[int]) -> str:
        """Return the words for ranks that have not come in time."""
        told = [f"rank {self.ranks[rank]} {self.session.said(self.ranks[rank]) or 'has not come'}" for rank in late]
        return f"{call.name}: timed out after {self.timeout}, in {call.text()}: {'; '.join(told)}"

    def explain(self, call: Call) -> None:
        """Raise RuntimeError with what each rank does: not all do the same."""
        mark = f"step {self.place}.{self.step}: "
        self.session.say(mark + call.text())
        until = time.monotonic() + EXPLANATION
        lines = []
        for rank in self.ranks:
            while not (said := self.session.said(rank)).startswith(mark) and time.monotonic() < until:
                time.sleep(SHORTEST)
            lines.append(f"  rank {rank}: {said.removeprefix(mark) or 'something else'}")
        # nobody says anything new before all have read this
        self.counts[self.rank, 3] = self.step
        while (self.counts[:, 3] < self.step).any() and time.monotonic() < until:
            time.sleep(SHORTEST)
        raise RuntimeError(f"{call.name}: the ranks do not make the same call:\n" + "\n".join(lines))

    # collectives

    def typed(self, dtype: np.dtype) -> list[list[np.ndarray]]:
        """Return the slots of odd and even steps as arrays of a dtype."""
        found = self.views.get(dtype)
        if found is None:
            found = self.views[dtype] = [[slot.view(dtype) for slot in turn] for turn in self.slots]
        return found

    def all_reduce(self, call: Call, x: np.ndarray, reduction: Reduction, wanted: bool = True) -> None:
        if self.size > 2 and x.nbytes > SLOT // 8:
            self.reduce_shares(call, x, reduction, wanted)
            return
        slots, most = self.typed(x.dtype), SLOT // x.itemsize
        for begin in range(0, x.size or 1, most):
            piece = x[begin : begin + most]
            slots[self.step + 1 & 1][self.rank][: piece.size] = piece
            self.meet(call)
            if wanted:
                parts = [slot[: piece.size] for slot in slots[self.step & 1]]
                parts[self.rank] = piece
                reduction(parts, piece)

    def reduce_shares(self, call: Call, x: np.ndarray, reduction: Reduction, wanted: bool) -> None:
        """Reduce in two steps for each chunk: each rank reduces a share, then takes the others' shares."""
        slots, most = self.typed(x.dtype), SLOT // x.itemsize
        for first in range(0, x.size, most):
            piece = x[first : first + most]
            places = shares(piece.size, self.size)
            begin, end = places[self.rank : self.rank + 2]
            slots[self.step + 1 & 1][self.rank][: piece.size] = piece
            self.meet(call)
            own = slots[self.step + 1 & 1][self.rank][begin:end]
            reduction([slot[begin:end] for slot in slots[self.step & 1]], own)
            self.meet(call)
            if wanted:
                for rank, slot in enumerate(slots[self.step & 1]):
                    begin, end = places[rank : rank + 2]
                    piece[begin:end] = slot[begin:end]

    def spread(self, call: Call, piece: np.ndarray, sizes: Sequence[int], outs: Pieces) -> None:
        for begin in range(0, max(sizes) or 1, SLOT):
            part = piece[begin : begin + SLOT]
            self.slots[self.step + 1 & 1, self.rank, : part.size] = part
            self.meet(call)
            for out, slot in zip(outs, self.slots[self.step & 1]):
                if out is not None and out is not piece and begin < out.size:
                    part = out[begin : begin + SLOT]
                    part[...] = slot[: part.size]

    def exchange(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> None:
        self.exchanging(call, pieces, sizes, outs)()

    def exchanging(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> Callable[[], None]:
        halves = self.halves(call, pieces, sizes, outs)
        next(halves)

        def end() -> None:
            for _ in halves:
                pass

        return end

    def halves(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> Iterator[None]:
        """Exchange in steps: each yields when others can read what this rank has written, and then waits for theirs."""
        most = SLOT // self.size // ALIGNMENT * ALIGNMENT
        for begin in range(0, int(sizes.max()) or 1, most):
            slots = self.slots[self.step + 1 & 1]
            for rank, piece in enumerate(pieces):
                if piece is not None and begin < piece.size:
                    part = piece[begin : begin + most]
                    slots[self.rank, rank * most : rank * most + part.size] = part
            self.step += 1
            self.native(self.address, self.rank, self.size, self.step, call.digest, 1)
            yield
            self.wait(call, self.native(self.address, self.rank, self.size, self.step, call.digest, ROUNDS))
            for rank, out in enumerate(outs):
                if out is not None and begin < out.size:
                    part = out[begin : begin + most]
                    part[...] = slots[rank, self.rank * most : self.rank * most + part.size]

    def missing(self, timeout: timedelta, every: bool) -> list[int]:
        """Wait as for a step; one that fails leaves the group as it was, so that those who come later wait in vain."""
        call, until = Call("monitored_barrier"), time.monotonic() + timeout.total_seconds()
        self.step += 1
        while True:
            found = self.native(self.address, self.rank, self.size, self.step, call.digest, ROUNDS)
            if found == self.size:
                return []
            if found < 0:
                self.explain(call)
            late = self.late()
            if time.monotonic() > until or any(self.session.ended(self.ranks[rank]) for rank in late):
                late = self.late()
                return late if every else late[:1]
            time.sleep(LONGEST)

    # messages

    def send(self, call: Call, words: str, data: np.ndarray, target: int, tag: int) -> None:
        self.channels.send(call, words, data, target, tag)

    def receive(self, call: Call, source: int | None, tag: int) -> tuple[int, str, np.ndarray]:
        return self.channels.receive(call, source, tag)

    # groups

    def sub(self, ranks: Sequence[int], call: Call, local: bool) -> Transport | None:
        inside, leader = self.rank in ranks, ranks[0]
        place = np.zeros(1, np.int64)
        if self.rank == leader:
            place[0] = self.session.allocate(nbytes_of(len(ranks)))
        if not local:
            outs = [bytes_of(place) if rank == leader else None for rank in range(self.size)]
            self.spread(call, bytes_of(place), [place.nbytes] * self.size, outs)
        elif self.rank == leader:
            for rank in ranks[1:]:
                self.send(call, call.text(), bytes_of(place), rank, ASIDE)
        else:
            place = self.receive(call, leader, ASIDE)[2].view(np.int64)
        world = [self.ranks[rank] for rank in ranks]
        return SharedMemory(self.session, world, int(place[0]), self.timeout) if inside else None

    def close(self) -> None:
        if self.place == self.session.start:
            self.session.close()


def nbytes_of(size: int) -> int:
    """Return how much memory a group of so many ranks takes; what nobody writes to, the system does not provide."""
    return size * LINE + 2 * size * SLOT + Channels.nbytes_of(size)
