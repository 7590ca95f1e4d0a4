"""Small products of any sizes: the same code for all, as programs that serve many sizes need it.

What `smallproducts` decides by the sizes while it writes is decided here when the code runs. A `Form` holds
what the code depends on; sizes and strides are numbers with names, which the code reads. So the code of a form is written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, kind_of
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.kernels.smallproducts import CHAINS, Matrix, SmallProduct
from lineal.compiler.nodes.node import Product

__all__ = ["Form", "formed", "write_open"]

STEPPED = frozenset(("packed", "worth"))
"""The numbers that follow from sizes in steps."""

FEW = 4
"""Up to how many columns a product is written for that very number of them."""

Axis = tuple[int, tuple[int, int, int]]


@dataclass(frozen=True)
class Form:
    """What the code of a product depends on, and, not compared, the numbers that it reads by their names."""

    dtype: np.dtype
    turned: bool
    """Whether Cᵀ = Bᵀ Aᵀ is computed, since C has one column."""
    row: bool
    """Whether C has one row."""
    few: int
    """The number of columns if they are few, else 0."""
    long: bool
    """Whether a row fills a vector."""
    units: tuple[bool, ...]
    """Which strides are 1: of A's rows and columns, B's and C's."""
    moves: tuple[tuple[bool, ...], ...]
    """For each axis of a stack, which of A, B and C move along it."""
    starts: tuple[bool, bool]
    """Whether A and B begin elsewhere than their buffers."""
    numbers: dict[str, int]

    def __hash__(self) -> int:
        return hash(self.facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Form) and self.facts == other.facts

    @property
    def facts(self) -> tuple:
        """All but the numbers."""
        return tuple(each for name, each in self.__dict__.items() if name != "numbers")

    def number(self, e: Emitter, name: str) -> Value:
        """Return one of the numbers, in the function that is being written."""
        return e.named(name, self.numbers[name], name in STEPPED)  # type: ignore[attr-defined]

    def stride(self, e: Emitter, place: int) -> Any:
        """Return a stride of A, B or C: 1 if it is, else a number."""
        return 1 if self.units[place] else self.number(e, f"stride{place}")

    def matrices(self, e: Emitter, places: Sequence[Value]) -> list[Matrix]:
        """Return A, B and C, which begin at these places."""
        return [Matrix(place, self.stride(e, 2 * n), self.stride(e, 2 * n + 1)) for n, place in enumerate(places)]


def formed(e: Emitter, node: Product, axes: Sequence[Axis], worth: bool) -> Form:
    """Return the form of a small product or of a stack of them; `worth`: the stack is worth several threads."""
    kind = kind_of(node.out.dtype)
    (m, n), k = node.out.shape[-2:], node.a.shape[-1]
    lanes, turned = e.lanes(kind), n == 1 and m > 1
    strides = [step for each in (node.a, node.b, node.out) for step in each.strides[-2:]]
    rows, columns = (n, m) if turned else (m, n)
    numbers = {
        **{f"stride{place}": step for place, step in enumerate(strides)},
        **{f"size{place}": size for place, (size, _) in enumerate(axes)},
        **{f"step{place}.{which}": step for place, (_, steps) in enumerate(axes) for which, step in enumerate(steps)},
        "m": rows,
        "n": columns,
        "k": k,
        "start0": node.a.offset,
        "start1": node.b.offset,
        "packed": -(-columns // lanes) * lanes * k * kind.itemsize,
        "worth": int(worth),
    }
    return Form(
        node.out.dtype,
        turned,
        rows == 1,
        columns if columns <= FEW else 0,
        k >= lanes,
        tuple(step == 1 for step in strides),
        tuple(tuple(step != 0 for step in steps) for _, steps in axes),
        (node.a.offset != 0, node.b.offset != 0),
        numbers,
    )


def registers(e: Emitter) -> int:
    """Return how many vector registers the target has."""
    return 16 if e.target.x86 and not e.target.avx512 else 32


def halves(high: int) -> Iterator[int]:
    """Yield the powers of two below `high`, the largest first."""
    size = 1 << (high - 1).bit_length()
    while size := size // 2:
        yield size


class OpenSmallProduct(SmallProduct):
    """Writes the product of an m × k by a k × n matrix, whatever m, n and k."""

    def __init__(self, e: Emitter, form: Form):
        self.e, self.form = e, form
        self.kind = kind_of(form.dtype)
        self.m, self.n, self.k = (form.number(e, name) for name in "mnk")  # type: ignore[assignment]
        self.registers = registers(e)
        few = form.few
        self.lanes = 1 << max(0, (few - 1).bit_length()) if few else e.lanes(self.kind)

    def write(self, a: Value, b: Value, c: Value) -> None:
        left, right, out = self.form.matrices(self.e, (a, b, c))
        if self.form.turned:
            left, right, out = right.turned, left.turned, out.turned
        if self.form.few != 1 and not right.by_rows:
            if self.form.row and right.by_columns and self.form.long:
                self.dots(left, right, out)
                return
            if not self.form.row:
                right = self.packed(right)
        self.tiles(left, right, out)

    def chains(self, rows: int, vectors: int) -> int:
        return max(1, CHAINS // (rows * vectors))

    def packed(self, right: Matrix) -> Matrix:
        e, lanes = self.e, self.lanes
        row = (self.n + (lanes - 1)) & -lanes
        memory = e.stack(self.form.number(e, "packed"))
        ends = (self.n & -lanes, self.k & -lanes)
        if lanes > 1 and right.by_columns:
            self.pack_whole(right, memory, row, ends)
            self.copy(right, memory, row, (e.index(0), ends[0]), (ends[1], self.k))
            self.copy(right, memory, row, (ends[0], self.n), (e.index(0), self.k))
        else:
            self.copy(right, memory, row, (e.index(0), self.n), (e.index(0), self.k))
        return Matrix(memory, row, 1)

    def tiles(self, left: Matrix, right: Matrix, out: Matrix) -> None:
        wide = 2 if not self.form.row else CHAINS if right.by_rows else 1
        high = 1 if self.form.row else self.registers // 2 // wide
        full = self.m & -high
        with self.e.loop(full, 0, high) as i:
            self.across(left, right, out, i, high, wide)
        for count in halves(high):
            with self.e.when((self.m & count) != 0):
                self.across(left, right, out, self.m & (-2 * count), count, wide)

    def across(self, left: Matrix, right: Matrix, out: Matrix, i: Value, rows: int, wide: int) -> None:
        """Write the tiles of `rows` rows from row i on."""
        e, kind, lanes = self.e, self.kind, self.lanes
        above = Matrix(e.address(left.address, i * left.rows, kind), left.rows, left.columns)
        under = Matrix(e.address(out.address, i * out.rows, kind), out.rows, out.columns)
        first, whole = self.n & -(wide * lanes), self.n & -lanes
        with e.loop(first, 0, wide * lanes) as j:
            self.tile(above, right, under, j, rows, wide, None)
        if wide > 1:
            with e.loop(whole, first, lanes) as j:
                self.tile(above, right, under, j, rows, 1, None)
        if lanes > 1:
            with e.when(whole < self.n):
                mask = e.first_lanes(e.cast(self.n - whole, int32), lanes)
                self.tile(above, right, under, whole, rows, 1, mask)


def write_open(e: Emitter, form: Form, name: str, places: Sequence[Value]) -> None:
    """Write the small products of a form into the function `name`, for the addresses of A's, B's and C's buffers."""
    kind = kind_of(form.dtype)

    def stack(places: Sequence[Value], span: tuple[Value, Value] | None) -> None:
        with ExitStack() as loops:
            for n, moves in enumerate(form.moves):
                start, stop = span if span and not n else (0, form.number(e, f"size{n}"))
                i = loops.enter_context(e.loop(stop, start))
                steps = [form.number(e, f"step{n}.{which}") if yes else None for which, yes in enumerate(moves)]
                places = [place if step is None else e.address(place, i * step, kind) for place, step in zip(places, steps)]
            OpenSmallProduct(e, form).write(*places)

    starts = [
        e.address(place, form.number(e, f"start{n}"), kind) if yes else place
        for n, (place, yes) in enumerate(zip(places, form.starts))
    ]
    places = [*starts, places[2]]
    if form.moves and e.spread:
        worth = form.number(e, "worth") > 0
        work = lambda start, stop, *given: stack(given, (start, stop))
        shared(e, name, form.number(e, "size0"), places, work, grain=1, worth=worth)
    else:
        stack(places, None)
