"""Updates of many arrays in place, as optimizers make them: one native loop over pieces of all of them, over all threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, int64, kind_of, pointer
from lineal.codegen.native import UNWRITABLE, Native
from lineal.codegen.parallel import shared, worthwhile
from lineal.codegen.values import Value

__all__ = ["updated"]

Scalar = Callable[..., Any]
PIECE = 1 << 14
"""How many elements a piece has at most."""


class Updates:
    """The code of an expression of so many arrays and numbers, the first `count` arrays taking its values."""

    def __init__(self, scalar: Scalar, storage: np.dtype, arrays: int, numbers: int, count: int):
        self.scalar, self.kind = scalar, kind_of(storage)
        self.arrays, self.numbers, self.count = arrays, numbers, count
        self.e = e = Emitter()
        # the table has how many pieces and elements there are, and each piece's set, start and stop
        with e.function("updates", [("arrays", pointer), ("table", pointer)]) as (places, table):
            pieces, work = (e.load(table, int64, n) for n in range(2))
            shared(e, "updates", pieces, [places, table], self.pieces, grain=1, worth=worthwhile(e, work))

    def pieces(self, first: Value, last: Value, arrays: Value, table: Value) -> None:
        """Write the loop over the pieces range(first, last); the first of the arrays has the numbers of each set."""
        e, kind = self.e, self.kind
        singles = e.load(arrays, pointer)
        with e.loop(last, first) as piece:
            which, start, stop = (e.load(table, int64, piece * 3 + (2 + n)) for n in range(3))
            places = [e.load(arrays, pointer, which * self.arrays + (1 + n)) for n in range(self.arrays)]
            numbers = [e.load(singles, kind, which * self.numbers + n) for n in range(self.numbers)]
            for block in e.blocks(stop, kind, start, unroll=2):
                ys = self.scalar(e.math, *[block.load(place, kind) for place in places], *numbers)
                for y, place in zip(ys, places[: self.count], strict=True):
                    block.store(y, place, kind)


@lru_cache(256)
def updates(scalar: Scalar, storage: np.dtype, arrays: int, numbers: int, count: int) -> Native | None:
    """Return the compiled updates, None if they cannot be written."""
    if storage.name not in FLOATS:
        return None
    try:
        return Native(Updates(scalar, storage, arrays, numbers, count).e, "updates")
    except UNWRITABLE:
        return None


@lru_cache(256)
def table(native: Native, sizes: tuple[int, ...]) -> np.ndarray:
    """Return the table for sets of arrays of these sizes."""
    pieces = [(n, start, min(start + PIECE, size)) for n, size in enumerate(sizes) for start in range(0, size, PIECE)]
    return native.table(sum(sizes), len(pieces), sum(sizes), *chain.from_iterable(pieces))


def updated(scalar: Scalar, sets: Sequence[Sequence[np.ndarray]], numbers: Sequence[Sequence[float]], count: int) -> bool:
    """Put the `count` values of scalar(m, *arrays, *numbers) into the first of the arrays, of each set of arrays and numbers.

    Return False where NumPy has to. No array overlaps another that is written. Those of a set need one shape, in C order; all
    need one floating dtype.
    """
    storage = sets[0][0].dtype
    for arrays in sets:
        shape = arrays[0].shape
        if any(each.dtype != storage or each.shape != shape or not each.flags.carray for each in arrays):
            return False
    native = updates(scalar, storage, len(sets[0]), len(numbers[0]), count)
    if native is None:
        return False
    sizes = tuple([arrays[0].size for arrays in sets])
    return native((np.array(numbers, storage), *chain.from_iterable(sets)), table(native, sizes))
