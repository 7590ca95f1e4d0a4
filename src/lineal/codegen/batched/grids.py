"""The matrices of a group as kernels see them: grid[i, j] is a vector that holds this element of every matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32, int64, pointer
from lineal.codegen.values import Value, Variable

Index = int | Value


class Grid:
    """A matrix of vectors in scratch memory; in an unrolled kernel, `values` are those that registers hold.

    `first` is the number of element (0, 0), `steps` are those from row to row and from column to column.
    """

    def __init__(self, code: Code, kind: Kind, rows: int, columns: int, base: Value, values: dict[int, Value] | None = None):
        self.code = code
        self.kind = kind
        self.rows = rows
        self.columns = columns
        self.base = base
        self.values = {} if values is None else values
        self.first = 0
        self.steps = (columns, 1)

    def number(self, i: Index, j: Index) -> Any:
        row, column = self.steps
        return i * row + j * column + self.first

    def __getitem__(self, place: tuple[Index, Index]) -> Value:
        return self.element(self.number(*place))

    def element(self, number: Any) -> Value:
        """Return an element by its number, counted as the elements lie in memory."""
        if not self.code.unrolled:
            return self.read(number)
        if number not in self.values:
            self.values[number] = self.read(number)
        return self.values[number]

    def __setitem__(self, place: tuple[Index, Index], value: Value) -> None:
        number = self.number(*place)
        if self.code.unrolled:
            self.values[number] = value
        else:
            self.code.e.store(value, self.base, number * self.code.lanes)

    def read(self, number: Any) -> Value:
        return self.code.e.load(self.base, self.kind, number * self.code.lanes, self.code.lanes)

    def flush(self) -> None:
        """Write what registers hold to memory."""
        for number, value in self.values.items():
            self.code.e.store(value, self.base, number * self.code.lanes)
        self.values.clear()

    def view(self, rows: int, columns: int, first: int, steps: tuple[int, int]) -> Grid:
        made = Grid(self.code, self.kind, rows, columns, self.base, self.values)
        made.first, made.steps = first, steps
        return made

    @property
    def transposed(self) -> Grid:
        """The transpose, in the same memory."""
        return self.view(self.columns, self.rows, self.first, (self.steps[1], self.steps[0]))

    @property
    def upside_down(self) -> Grid:
        """The rows from the last to the first, in the same memory."""
        row, column = self.steps
        return self.view(self.rows, self.columns, self.first + (self.rows - 1) * row, (-row, column))

    @property
    def backwards(self) -> Grid:
        """Rows and columns from the last to the first, in the same memory; upper triangles become lower ones."""
        return self.upside_down.transposed.upside_down.transposed


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

    def grid(self, rows: int, columns: int, kind: Kind | None = None) -> Grid:
        """Return a new grid."""
        kind = self.kind if kind is None else kind
        name = self.e.name()
        self.e.frame.slots.append(f"  {name} = alloca [{rows * columns * self.lanes} x {kind.llvm}], align 64")
        return Grid(self, kind, rows, columns, Value(self.e, name, pointer))

    def const(self, number: float) -> Value:
        return self.e.const(number, self.kind, self.lanes)

    def places(self, number: Index) -> Value:
        """Return a whole number, as wide as the kind, in every lane."""
        if isinstance(number, int):
            return self.e.const(number, self.whole, self.lanes)
        return self.e.splat(self.e.cast(number, self.whole), self.lanes)

    def variable(self, value: Value | float) -> Variable:
        return self.e.variable(value if isinstance(value, Value) else self.const(value))

    def each(self, start: Index, stop: Index, carried: Sequence[Variable] = ()) -> Iterator[Index]:
        """Write the body for every number of a range: once for each if the kernel is unrolled, else in a loop."""
        if isinstance(start, int) and isinstance(stop, int) and (self.unrolled or stop - start < 2):
            yield from range(start, stop)
        else:
            with self.e.loop(stop, start, carried=carried) as i:
                yield i

    def tiles(self, start: Index, stop: Index, width: int) -> Iterator[tuple[Index, int]]:
        """Write the body for a range in tiles: yield the start of a tile and how many numbers it has."""
        if isinstance(start, int) and isinstance(stop, int):
            if self.unrolled:
                yield from ((at, min(width, stop - at)) for at in range(start, stop, width))
                return
            rest = (stop - start) % width
            if stop - start >= width:
                with self.e.loop(stop - rest, start, width) as at:
                    yield at, width
            if rest:
                yield stop - rest, rest
            return
        stop = self.e.index(stop)
        with self.e.loop(stop - (width - 1), start, width) as at:
            yield at, width
        with self.e.loop(stop, at) as single:
            yield single, 1
