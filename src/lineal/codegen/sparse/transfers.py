"""Linear interpolation between a grid and one of every other point: the coarse point J is the fine point 2 J + 1.

A fine point's number is ½ (c[(i − 1) // 2] + c[i // 2]) along each axis that is coarsened: that of its coarse point, or half of
both neighbours'. Where the last two points of an axis with a fixed border have no coarse point behind them, a third of the last
one stands for it, as on the straight line to zero. Restriction is the transpose. The outer axes' lines are added up into one
line, in memory of the piece, which is then thinned or filled along the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import WORTH_LINES, wide_of
from lineal.codegen.sparse.rows import cut
from lineal.codegen.sparse.stencils import AXES, mapped
from lineal.codegen.values import Value

__all__ = ["Transfer", "coarse_size", "prolong", "restrict"]

PIECES = 64
"""Into how many pieces lines are cut at most."""


def coarse_size(size: int, boundary: str) -> int:
    """Return how many points of an axis are coarse ones; all where it cannot be coarsened."""
    if boundary == "dirichlet" and size > 2:
        return (size - 1) // 2
    return size // 2 if boundary == "periodic" and size > 2 and size % 2 == 0 else size


@dataclass(frozen=True)
class Transfer:
    """Between which grids, three axes each; an axis of as many coarse points is as it was."""

    values: np.dtype
    boundaries: tuple[str, ...]
    fine: tuple[int, ...]
    coarse: tuple[int, ...]

    @classmethod
    def of(cls, values: np.dtype, shape: Sequence[int], boundaries: Sequence[str]) -> Transfer:
        """Return that of a grid of one to three axes."""
        before = AXES - len(shape)
        whole = ("dirichlet",) * before + tuple(boundaries)
        sizes = (1,) * before + tuple(shape)
        return cls(values, whole, sizes, tuple(map(coarse_size, sizes, whole)))

    @property
    def stretched(self) -> tuple[bool, ...]:
        """Along which axes the last coarse point is three points away from the border, and not two."""
        return tuple([fine == 2 * coarse + 2 for fine, coarse in zip(self.fine, self.coarse)])

    @property
    def coarsened(self) -> tuple[bool, ...]:
        """Along which axes there are fewer points."""
        return tuple([a != b for a, b in zip(self.fine, self.coarse)])


class Transfers:
    """Writes y = Pᵀ x ("restrict") or y = y + P x ("prolong"); the table has sizes of x and y, pieces, their share, `worth`."""

    def __init__(
        self, values: np.dtype, boundaries: tuple[str, ...], coarsened: tuple[bool, ...], stretched: tuple[bool, ...], name: str
    ):
        self.e = e = Emitter()
        self.kind, self.boundaries, self.up = kind_of(values), boundaries, name == "prolong"
        self.coarsened, self.stretched = coarsened, stretched
        self.wide = wide_of(self.kind)
        with entered(e, name, 4) as (given, table):
            *sizes, pieces, share, worth = (e.load(table, int64, n) for n in range(2 * AXES + 3))
            shared(e, name, pieces, [*given, *sizes, share], self.pieces, grain=1, pieces=16, worth=worth != 0)

    def pieces(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the lines of the pieces range(start, stop)."""
        x, y, zeros, room, *sizes, share = given
        e, source, target = self.e, sizes[:AXES], sizes[AXES:]
        with cut(e, start, stop, target[0] * target[1], share) as (piece, first, last):
            # a number before, and one after the line
            line = e.address(room, piece * (source[2] + 2) + 1, self.wide)
            with e.loop(last, first) as number:
                plane = e.math.floor_divide(number, target[1])
                self.gather(line, x, zeros, (plane, number - plane * target[1]), source, target)
                (self.fill if self.up else self.thin)(line, e.address(y, number * target[2], self.kind), target[2])

    def gather(
        self, line: Value, x: Value, zeros: Value, place: tuple[Value, Value], source: Sequence[Value], target: Sequence[Value]
    ) -> None:
        """Write the weighted sum of the source's lines that meet at a place of the target's outer axes."""
        e, terms = self.e, []
        for choice in product(*[self.met(*each) for each in zip(place, source, target, self.coarsened, self.stretched)]):
            address, factor = e.index(0), e.const(1.0, self.wide)
            tests = []
            for (there, weight), size, boundary in zip(choice, source, self.boundaries):
                there, inside = mapped(e, there, size, boundary)
                address, factor = address * size + there, factor * weight
                tests += [] if inside is None else [inside]
            base = e.address(x, address * source[2], self.kind)
            for inside in tests:
                base = e.select(inside, base, zeros)
            terms.append((base, factor))
        for block in e.blocks(source[2], self.wide):
            total = e.const(0, self.wide, block.lanes)
            for base, factor in terms:
                total = total + factor * e.cast(block.load(base, self.kind), self.wide)
            block.store(total, line)
        self.ends(line, source[2])

    def ends(self, line: Value, count: Value) -> None:
        """Write the numbers before and after a line."""
        e, (first, last) = self.e, (self.e.load(line, self.wide, n) for n in (0, count - 1))
        zero = e.const(0, self.wide)
        before, after = (last, first) if self.boundaries[2] == "periodic" else (zero, zero)
        e.store(before, line, e.index(-1))
        e.store(last * (1 / 3) if self.stretched[2] and self.up else after, line, count)

    def met(
        self, place: Value, source: Value, target: Value, coarsened: bool, stretched: bool
    ) -> list[tuple[Value, float | Value]]:
        """Return which places of the source meet one of the target along an axis, and their weights."""
        e = self.e
        if not coarsened:
            return [(place, 1.0)]
        if self.up:
            below, above = (place - 1) >> 1, place >> 1
            if not stretched:
                return [(below, 0.5), (above, 0.5)]
            thirds = [e.select(each < source, e.const(0.5, self.wide), 0.5 / 3) for each in (below, above)]
            return [(e.math.minimum(each, source - 1), weight) for each, weight in zip((below, above), thirds)]
        near: list[tuple[Value, float | Value]] = [(2 * place, 0.5), (2 * place + 1, 1.0), (2 * place + 2, 0.5)]
        if stretched:
            last = place == target - 1
            near[2] = 2 * place + 2, e.select(last, e.const(2 / 3, self.wide), 0.5)
            # other points meet nothing here, as beyond a border
            near.append((e.select(last, 2 * place + 3, -1), 1 / 3))
        return near

    def thin(self, line: Value, y: Value, count: Value) -> None:
        """Write a coarse line."""
        e = self.e
        for block in e.blocks(count, self.wide):
            total = block.load(line, self.wide)
            if self.coarsened[2]:
                parts = [block.load(e.address(line, n, self.wide), self.wide, 2) for n in range(3)]
                total = 0.5 * (parts[0] + parts[2]) + parts[1]
            block.store(total, y, self.kind)
        if self.stretched[2]:
            ends = [e.load(line, self.wide, 2 * count + n) for n in range(2)]
            total = e.cast(e.load(y, self.kind, count - 1), self.wide) + ends[0] * (1 / 6) + ends[1] * (1 / 3)
            e.store(total, y, count - 1, kind=self.kind)

    def fill(self, line: Value, y: Value, count: Value) -> None:
        """Write what is added to a fine line."""
        e = self.e
        if not self.coarsened[2]:
            for block in e.blocks(count, self.wide):
                block.store(e.cast(block.load(y, self.kind), self.wide) + block.load(line, self.wide), y, self.kind)
            return
        for first in (0, 1):
            target = e.address(y, first, self.kind)
            for block in e.blocks((count + (1 - first)) >> 1, self.wide):
                here = block.load(line, self.wide)
                there = here if first else 0.5 * (here + block.load(e.address(line, -1, self.wide), self.wide))
                block.store(e.cast(block.load(target, self.kind, 2), self.wide) + there, target, self.kind, 2)


@lru_cache(64)
def native(
    values: np.dtype, boundaries: tuple[str, ...], coarsened: tuple[bool, ...], stretched: tuple[bool, ...], name: str
) -> Native:
    """Return the compiled code."""
    return Native(Transfers(values, boundaries, coarsened, stretched, name).e, name)


def run(transfer: Transfer, name: str, x: np.ndarray, y: np.ndarray) -> None:
    """Run on vectors of both grids."""
    source, target = (transfer.fine, transfer.coarse) if name == "restrict" else (transfer.coarse, transfer.fine)
    lines, work = target[0] * target[1], int(np.prod(transfer.fine))
    pieces = max(1, min(PIECES, lines))
    zeros, room = np.zeros(source[2], x.dtype), np.empty((pieces, source[2] + 2), np.float64)
    code = native(transfer.values, transfer.boundaries, transfer.coarsened, transfer.stretched, name)
    numbers = *source, *target, pieces, -(-lines // pieces), int(work >= WORTH_LINES)
    code((x, y, zeros, room), code.table(work, *numbers))


def restrict(transfer: Transfer, x: np.ndarray, out: np.ndarray) -> None:
    """Write Pᵀ x to `out`, a vector of the coarse grid."""
    run(transfer, "restrict", x, out)


def prolong(transfer: Transfer, x: np.ndarray, out: np.ndarray) -> None:
    """Add P x to `out`, a vector of the fine grid."""
    run(transfer, "prolong", x, out)
