"""How bytes get from rank to rank: what a backend must be able to do, and what follows from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

import numpy as np

from lineal.distributed.calls import Call
from lineal.distributed.reducing import Reduction

__all__ = ["ASIDE", "OBJECTS", "Alone", "Transport", "bytes_of", "shares"]

SMALL = 1 << 13
"""Up to how many bytes all ranks get everything at once, and each reduces all of it."""
OBJECTS, ASIDE = -1, -2
"""The tags of messages that hold objects, and of those that tell where a group's memory lies; tensors have others."""

Pieces = Sequence[np.ndarray | None]


def bytes_of(array: np.ndarray) -> np.ndarray:
    """Return a contiguous array as an array of its bytes, in the same memory."""
    return array.reshape(-1).view(np.uint8)


def shares(count: int, size: int) -> list[int]:
    """Return where each rank's share of `count` elements begins, and where the last one ends."""
    return [count * rank // size for rank in range(size + 1)]


class Transport(ABC):
    """Moves bytes between the ranks of one group. Every rank calls the same methods in the same order.

    Errors name the call, and the rank that is missing, has ended, or does something else.
    """

    def __init__(self, rank: int, size: int, timeout: timedelta):
        self.rank, self.size, self.timeout = rank, size, timeout

    @abstractmethod
    def spread(self, call: Call, piece: np.ndarray, sizes: Sequence[int], outs: Pieces) -> None:
        """Copy the bytes of each rank, of which there are `sizes`, into `outs`, as far as they are wanted here.

        An `out` that is the piece itself has its bytes already.
        """

    @abstractmethod
    def exchange(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> None:
        """Copy piece j of rank i, of sizes[i, j] bytes, into entry i of the `outs` of rank j."""

    @abstractmethod
    def send(self, call: Call, words: str, data: np.ndarray, target: int, tag: int) -> None:
        """Send bytes to a rank; `words` say what they are."""

    @abstractmethod
    def receive(self, call: Call, source: int | None, tag: int) -> tuple[int, str, np.ndarray]:
        """Return who has sent a message with a tag, and what: of one rank, or of whichever is first."""

    @abstractmethod
    def sub(self, ranks: Sequence[int], call: Call, local: bool) -> Transport | None:
        """Return the transport of some ranks, None if this one is not among them; `local`: the others do not call this."""

    @abstractmethod
    def missing(self, timeout: timedelta, every: bool) -> list[int]:
        """Wait for all ranks to come here; return those that have not come in time, the first alone unless `every`."""

    @abstractmethod
    def close(self) -> None:
        """Leave the group."""

    def all_reduce(self, call: Call, x: np.ndarray, reduction: Reduction, wanted: bool = True) -> None:
        """Reduce the arrays of all ranks, contiguous and of one dimension, in place: where it is not wanted, x may change.

        Each rank reduces a share. So each number travels twice, however many ranks there are.
        """
        if x.nbytes <= SMALL:
            every = [np.empty_like(x) for _ in range(self.size)]
            self.spread(call, bytes_of(x), [x.nbytes] * self.size, [bytes_of(each) for each in every])
            reduction(every, x)
            return
        width, places = x.itemsize, shares(x.size, self.size)
        parts = [x[begin:end] for begin, end in pairwise(places)]
        mine = parts[self.rank]
        found = [np.empty_like(mine) for _ in parts]
        sizes = np.array([[part.size * width for part in parts]] * self.size)
        self.exchange(call, [bytes_of(part) for part in parts], sizes, [bytes_of(each) for each in found])
        reduction(found, mine)
        outs = [bytes_of(part) if wanted and part is not mine else None for part in parts]
        self.spread(call, bytes_of(mine), [part.size * width for part in parts], outs)

    def exchanging(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> Callable[[], None]:
        """Begin an exchange, as far as it goes without waiting; return what ends it. The group makes no call in between."""
        return lambda: self.exchange(call, pieces, sizes, outs)

    def numbers(self, call: Call, mine: Sequence[int]) -> np.ndarray:
        """Return a table with a row of as many whole numbers from each rank."""
        table = np.zeros((self.size, len(mine)), np.int64)
        row = np.array(mine, np.int64)
        self.spread(call, bytes_of(row), [row.nbytes] * self.size, [bytes_of(each) for each in table])
        return table

    def barrier(self, call: Call) -> None:
        """Wait until all ranks have come here."""
        nothing = np.zeros(0, np.uint8)
        self.spread(call, nothing, [0] * self.size, [None] * self.size)


class Alone(Transport):
    """A group of one process: what it sends, it gets."""

    def __init__(self, timeout: timedelta):
        super().__init__(0, 1, timeout)

    def spread(self, call: Call, piece: np.ndarray, sizes: Sequence[int], outs: Pieces) -> None:
        copied(piece, outs[0])

    def exchange(self, call: Call, pieces: Pieces, sizes: np.ndarray, outs: Pieces) -> None:
        if pieces[0] is not None:
            copied(pieces[0], outs[0])

    def all_reduce(self, call: Call, x: np.ndarray, reduction: Reduction, wanted: bool = True) -> None:
        pass

    def send(self, call: Call, words: str, data: np.ndarray, target: int, tag: int) -> None:
        raise ValueError(f"{call.name}: there is no other rank than this one")

    def receive(self, call: Call, source: int | None, tag: int) -> tuple[int, str, np.ndarray]:
        raise ValueError(f"{call.name}: there is no other rank than this one")

    def sub(self, ranks: Sequence[int], call: Call, local: bool) -> Transport | None:
        return Alone(self.timeout)

    def missing(self, timeout: timedelta, every: bool) -> list[int]:
        return []

    def close(self) -> None:
        pass


def copied(piece: np.ndarray, out: np.ndarray | None) -> None:
    """Copy bytes, unless they are not wanted or there already."""
    if out is not None and out is not piece:
        out[...] = piece
