"""Products of stencils: y[i] = Σₖ cₖ x[i + oₖ] over the points i of a grid, whose matrix nobody writes down.

A grid is a stack of three-dimensional ones; lines along its last axis are cut into segments, the units of work. A segment is
written a vector of points at a time. Only near a line's ends do the places of neighbours have to be looked at one by one: there
they are gathered. Beyond a border, numbers are zero ("dirichlet"), those of the other end ("periodic"), or those of the
points as far inside ("neumann").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import bool_, int64, kind_of
from lineal.codegen.sparse.lines import wide_of
from lineal.codegen.sparse.rows import Form, Rows, RowWriter
from lineal.codegen.values import Value, Variable

__all__ = ["StencilForm", "mapped"]

SEGMENT = 1 << 12
"""How many points of a line are one unit, a multiple of all vectors' lengths."""
AXES = 3


@dataclass(frozen=True)
class StencilForm(Form):
    """Of a stencil: arrays are coefficients, a line of zeros and failures, numbers three sizes and the segments of a line."""

    values: np.dtype
    offsets: tuple[tuple[int, ...], ...]
    boundaries: tuple[str, ...]
    varies: bool
    """Whether each point has coefficients of its own: all first ones, then all second ones …"""
    arrays = 3
    numbers = 4

    def writer(self, e: Emitter) -> RowWriter:
        return StencilRows(self, e)

    @cached_property
    def reach(self) -> int:
        """How far the neighbours in a point's own line are at most."""
        return max((abs(offset[-1]) for offset in self.offsets), default=0)

    @classmethod
    def of(
        cls, coefficients: np.ndarray, shape: Sequence[int], offsets: Sequence[Sequence[int]], boundaries: Sequence[str],
        stack: int = 1,
    ) -> Rows:  # fmt: skip
        """Return the rows of a stencil, the same for each of a stack of vectors."""
        before = AXES - len(shape)
        sizes = (1,) * before + tuple(shape)
        whole = [(0,) * before + tuple(offset) for offset in offsets]
        form = cls(coefficients.dtype, tuple(whole), ("dirichlet",) * before + tuple(boundaries), coefficients.ndim > 1)
        segments = max(1, -(-sizes[-1] // SEGMENT))
        length = stack * int(np.prod(sizes))
        arrays = coefficients, np.zeros(sizes[-1], coefficients.dtype), np.zeros(1, np.int64)
        units = stack * sizes[0] * sizes[1] * segments
        return Rows(form, arrays, (*sizes, segments), units, length, length * len(whole))


class StencilRows(RowWriter):
    """The segments of lines of a grid."""

    def __init__(self, form: StencilForm, e: Emitter):
        self.form, self.e, self.kind = form, e, kind_of(form.values)
        self.wide = wide_of(self.kind)
        self.lanes = e.lanes(self.wide)

    def write(self, start, stop, given, x, finish, carried=()):
        coefficients, zeros, _, *sizes, segments = given
        e = self.e
        fixed = [e.splat(self.e.cast(e.load(coefficients, self.kind, k), self.wide), self.lanes) for k in self.terms]
        with e.loop(stop, start, carried=carried) as unit:
            line = e.math.floor_divide(unit, segments)
            first = (unit - line * segments) * SEGMENT
            end = e.math.minimum(first + SEGMENT, sizes[-1])
            sources, target = self.sources(line, sizes, x, zeros), line * sizes[-1]
            stack = e.math.floor_divide(line, sizes[0] * sizes[1]) * (sizes[0] * sizes[1])
            factors = fixed or [
                e.address(coefficients, (line - stack + k * sizes[0] * sizes[1]) * sizes[-1], self.kind)
                for k in range(len(self.form.offsets))
            ]
            for block, inside in self.blocks(first, end, sizes[-1], carried):
                total = self.total(block, inside, factors, sources, sizes[-1])
                finish(Block(e, target + block.index, block.lanes, block.mask), total)

    @property
    def terms(self) -> range:
        """Which coefficients are the same everywhere: all or none."""
        return range(0 if self.form.varies else len(self.form.offsets))

    def blocks(self, first: Value, end: Value, size: Value, carried: Sequence[Variable]) -> Iterator[tuple[Block, bool]]:
        """Write a segment block by block; with each comes whether all its neighbours are in the line."""
        e, lanes, reach = self.e, self.lanes, self.form.reach
        # as many points at the beginning as have neighbours before it
        head = -(-reach // lanes) * lanes
        for block in e.blocks(e.math.minimum(end, head), lanes, first, compact=True, carried=carried):
            yield block, False
        last = e.math.minimum(end, size - reach)
        with e.loop(last - (lanes - 1), e.math.maximum(first, head), lanes, carried=carried) as place:
            yield Block(e, place, lanes), True
        for block in e.blocks(end, lanes, place, compact=True, carried=carried):
            yield block, False

    def sources(self, line: Value, sizes: Sequence[Value], x: Value, zeros: Value) -> dict[tuple[int, int], Value]:
        """Return where the lines begin that neighbours are read from, by how far away they are along the outer axes."""
        e, (outer, inner, length), found = self.e, sizes, {}
        row = line - e.math.floor_divide(line, inner) * inner
        plane = e.math.floor_divide(line, inner)
        plane = plane - e.math.floor_divide(plane, outer) * outer
        for up, across in dict.fromkeys(offset[:2] for offset in self.form.offsets):
            shift, address = e.index(0), None
            tests = []
            for place, offset, size, boundary, step in zip(
                (plane, row), (up, across), (outer, inner), self.form.boundaries, (inner, e.index(1))
            ):
                if offset:
                    there, inside = mapped(e, place + offset, size, boundary)
                    shift = shift + (there - place) * step
                    tests += [] if inside is None else [inside]
            address = e.address(x, (line + shift) * length, self.kind)
            for inside in tests:
                address = e.select(inside, address, zeros)
            found[up, across] = address
        return found

    def total(
        self, block: Block, inside: bool, factors: Sequence[Value], sources: dict[tuple[int, int], Value], size: Value
    ) -> Value:
        """Return the sums of a block of points."""
        e = self.e
        total = e.const(0, self.wide, block.lanes)
        for (*outer, along), factor in zip(self.form.offsets, factors):
            source = sources[outer[0], outer[1]]
            if inside or not along:
                there = Block(e, block.index + along if along else block.index, block.lanes, block.mask)
                x = there.load(source, self.kind)
            else:
                x = self.gathered(block, source, along, size)
            factor = self.read(block, factor) if self.form.varies else factor
            total = total + factor * e.cast(x, self.wide)
        return total

    def gathered(self, block: Block, source: Value, along: int, size: Value) -> Value:
        """Return the neighbours of a block near the end of a line."""
        e, lanes = self.e, block.lanes
        places, inside = mapped(e, block.numbers(int64) + along, e.splat(size, lanes), self.form.boundaries[-1])
        mask = e.const(True, bool_, lanes) if block.mask is None else block.mask
        mask = mask if inside is None else mask & inside
        return e.select(mask, e.gathered(source, places, self.kind, mask), e.const(0, self.kind, lanes))


def mapped(e: Emitter, place: Value, size: Value, boundary: str) -> tuple[Value, Value | None]:
    """Return the place along an axis that a place beyond the border stands for, and whether it is inside, if that matters."""
    if boundary == "dirichlet":
        return place, (place >= 0) & (place < size)
    before, after = (place + size, place - size) if boundary == "periodic" else (-1 - place, 2 * size - 1 - place)
    return e.select(place < 0, before, e.select(place >= size, after, place)), None
