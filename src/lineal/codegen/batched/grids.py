"""The matrices of a group as kernels see them: grid[i, j] is a vector that holds this element of every matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32, int64
from lineal.codegen.values import Value, Variable

Index = int | Value


class Grid:
    """A matrix of vectors, in registers (`values`) or in scratch memory; `steps` are those from row to row and column to column."""

    def __init__(self, code: Code, rows: int, columns: int, base: Value | None, *, transposed: bool = False):
        self.code = code
        self.rows = rows
        self.columns = columns
        self.base = base
        self.steps = (1, rows) if transposed else (columns, 1)
        self.values: dict[int, Value] = {}

    def number(self, i: Index, j: Index) -> Any:
        return i * self.steps[0] + j * self.steps[1]

    def __getitem__(self, place: tuple[Index, Index]) -> Value:
        number = self.number(*place)
        if self.base is None:
            return self.values[number]
        return self.code.e.load(self.base, self.code.kind, number * self.code.lanes, self.code.lanes)

    def __setitem__(self, place: tuple[Index, Index], value: Value) -> None:
        number = self.number(*place)
        if self.base is None:
            self.values[number] = value
        else:
            self.code.e.store(value, self.base, number * self.code.lanes)

    @property
    def turned(self) -> Grid:
        """The transpose, in the same memory."""
        other = Grid(self.code, self.columns, self.rows, self.base)
        other.steps = self.steps[::-1]
        other.values = self.values
        return other


class Code:
    """What a kernel's writer works with: the emitter, the kind, the lanes, and loops that are unrolled in small kernels."""

    def __init__(self, e: Emitter, kind: Kind, lanes: int, unrolled: bool):
        self.e = e
        self.kind = kind
        self.lanes = lanes
        self.unrolled = unrolled
        self.whole = int64 if kind.bits == 64 else int32
        # a tile of 16 sums and 8 factors fills the registers of AVX-512, of 9 and 6 those of older ones
        self.tile = 4 if e.target.avx512 else 3

    def grid(self, rows: int, columns: int, *, transposed: bool = False) -> Grid:
        """Return a grid: in registers if the kernel is unrolled, else in memory of its own."""
        base = None if self.unrolled else self.memory(rows * columns)
        return Grid(self, rows, columns, base, transposed=transposed)

    def memory(self, count: int) -> Value:
        """Return the address of scratch memory for `count` vectors."""
        name = self.e.name()
        self.e.frame.slots.append(f"  {name} = alloca [{count * self.lanes} x {self.kind.llvm}], align 64")
        return Value(self.e, name, self.e.symbol("none").kind) if False else pointer_to(self.e, name)

    def const(self, number: float) -> Value:
        return self.e.const(number, self.kind, self.lanes)

    def places(self, number: Index) -> Value:
        """Return a whole number, as wide as the kind, in every lane."""
        if isinstance(number, int):
            return self.e.const(number, self.whole, self.lanes)
        return self.e.splat(self.e.cast(number, self.whole), self.lanes)

    def each(self, start: Index, stop: Index, carried: Sequence[Variable] = ()) -> Iterator[Index]:
        """Write the body for every number of a range: once for each if the kernel is unrolled, else in a loop."""
        if self.unrolled:
            yield from range(start, stop)  # type: ignore[arg-type]
        elif not isinstance(start, int) or not isinstance(stop, int) or start < stop:
            with self.e.loop(stop, start, carried=carried) as i:
                yield i

    def tiles(self, start: Index, stop: Index, width: int = 4) -> Iterator[tuple[Index, int]]:
        """Write the body for a range in tiles: yield the start of a tile and how many numbers it has."""
        if self.unrolled:
            for at in range(start, stop, width):  # type: ignore[arg-type]
                yield at, min(width, stop - at)  # type: ignore[operator]
            return
        if isinstance(start, int) and isinstance(stop, int):
            rest = (stop - start) % width
            if stop - start >= width:
                with self.e.loop(stop - rest, start, width) as at:
                    yield at, width
            if rest:
                yield stop - rest, rest
            return
        with self.e.loop(stop - (width - 1), start, width) as at:
            yield at, width
        with self.e.loop(stop, at + 0) as single:
            yield single, 1
