"""The routine of a contraction: blocks that stay in the caches, its columns (or rows) on different threads.

For a block of k, each thread lays its columns of b side by side in panels; for every few rows of a, copied into a strip, tiles
then run over the panels. After the first block of k, tiles add to what is there.   Goto and van de Geijn (2008).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from lineal.codegen.contract.finishing import Finishing
from lineal.codegen.contract.imagepacking import STRIPS, ImagePacking
from lineal.codegen.contract.images import AXIS
from lineal.codegen.contract.native import Native
from lineal.codegen.contract.packing import Packing
from lineal.codegen.contract.problem import Contract
from lineal.codegen.contract.sheets import Columns, Run, Sheet, running_on
from lineal.codegen.contract.tiles import PANELS, VECTORS, WORTH_THREADS, Tile, tiles_of
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.once import once
from lineal.codegen.parallel import shared
from lineal.codegen.target import Target
from lineal.codegen.values import Value

__all__ = ["AWAKE", "Contraction", "contraction"]

AWAKE = 4
"""How much smaller what is worth threads may be in a loop whose turns use them, so that they wait with open eyes."""

NAME = "contract"
SIZES = ("m", "n", "k", "spread")


class Stack(NamedTuple):
    """Products that differ in where they begin: how many, of how many groups each, how far an image and a group move."""

    count: Value
    groups: Value
    steps: list[tuple[Value, Value]]


class Writer:
    """Writes the routine of a contraction into a module.

    Its parameters are a and b, each an address and two strides, then m, n, k and how ready threads are (0: none may be used,
    `AWAKE`: they are waiting), then `sheets`, each an address and how far rows are apart: sums, what the epilogue stores, its
    arguments. An image has a table for strides, which ends with the stack of products that are to be made, and, if columns run
    on through images, with how many an image has and how far images are apart in each sheet.
    """

    def __init__(self, e: Emitter, contract: Contract):
        self.e, self.contract = e, contract
        self.tiles = tiles_of(e, contract)
        self.packing = (Packing if contract.image is None else ImagePacking)(e, self.tiles)
        self.finishing = Finishing(e, contract, self.tiles)
        self.sheets = [(contract.sum_kind, True), *((kind, True) for kind in contract.results), *contract.args]
        self.runs = contract.image is not None and contract.image.runs

    def write(self) -> None:
        """Write all functions."""
        self.packing.write()
        for count in self.tiles.heights:
            for vectors in range(1, VECTORS + 1):
                self.write_tile(count, vectors)
        self.write_sweep()
        factors = [(f"{name}{part}", pointer if not part else int64) for name in "ab" for part in ("", ".rows", ".columns")]
        if self.contract.image is not None:
            # its table stands in the place of the strides
            factors[self.table] = ("table", pointer)
        with self.e.function(NAME, [*factors, *((name, int64) for name in SIZES), *self.parameters()]) as given:
            self.whole(given)

    @property
    def table(self) -> int:
        """Where the table of an image stands among the parameters."""
        return 1 if self.contract.image is not None and self.contract.image.turned else 4

    def parameters(self) -> list[tuple[str, Kind]]:
        """Return what a function is given of sheets."""
        return [each for n in range(len(self.sheets)) for each in ((f"s{n}", pointer), (f"s{n}.step", int64))]

    def inner(self) -> list[tuple[str, Kind]]:
        """Return what functions within are given of sheets: if columns run on, also of images, and of the first column."""
        names = [*(f"s{n}.apart" for n in range(len(self.sheets))), "column", "width"] if self.runs else []
        return [*self.parameters(), *((name, int64) for name in names)]

    def sheets_of(self, given: Sequence[Value]) -> list[Sheet]:
        """Return the sheets that a function is given."""
        count = len(self.sheets)
        apart = given[2 * count : 3 * count] if self.runs else [None] * count
        places = zip(given[: 2 * count : 2], given[1 : 2 * count : 2])
        found = enumerate(zip(places, self.sheets, apart))
        return [Sheet(*place, *kinds, step, self.contract.turned and n > 0) for n, (place, kinds, step) in found]

    def flat(self, sheets: Sequence[Sheet], *column: Value) -> list[Value]:
        """Return sheets, and a first column and how many an image has, as a function within is given them."""
        apart = [each.apart for each in sheets if each.apart is not None]
        return [*(each for sheet in sheets for each in (sheet.address, sheet.step)), *apart, *(column if self.runs else ())]

    def of_images(self, table: Value) -> list[Value]:
        """Return the numbers behind the stack of a table: how many columns an image has, and how far apart images are."""
        if not self.runs or self.contract.image is None:
            return []
        place = 1 + len(AXIS) * self.contract.image.axes + 2 + 2 * (2 + len(self.sheets))
        return [self.e.load(table, int64, place + n) for n in range(1 + len(self.sheets))]

    # the whole

    def whole(self, given: Sequence[Value]) -> None:
        """Write the routine: ranges of columns, in vectors, or of rows if there are more of them, on different threads."""
        e = self.e
        m, n, k, spread = given[6:10]
        across = n * 2 >= m
        unit = e.select(across, e.index(self.tiles.wide if self.contract.laid else self.tiles.lanes), self.tiles.high)
        size = e.select(across, n, m)
        units = e.math.floor_divide(size + unit - 1, unit)
        count = e.index(1) if self.contract.image is None else self.stack(given[self.table]).count
        units = e.math.maximum(units, 1) if self.contract.image is not None else units
        worth = m * n * k * count * spread >= WORTH_THREADS

        def work(start: Value, stop: Value, *given: Value) -> None:
            *given, size, unit, units, across = given  # type: ignore[assignment]
            bounds = (size, unit, across)
            if self.contract.image is None:
                self.part(given, start, stop, bounds)
                return
            stack, divide = self.stack(given[self.table]), e.math.floor_divide
            with e.loop(divide(stop + units - 1, units), divide(start, units)) as item:
                first = item * units
                begin, end = e.math.maximum(start - first, 0), e.math.minimum(stop - first, units)
                self.part(self.moved(given, stack, item), begin, end, bounds)

        captured = (*given, size, unit, units, e.cast(across, int64))
        shared(e, NAME, units * count, captured, work, grain=1, pieces=1, worth=worth)

    def part(self, given: Sequence[Value], start: Value, stop: Value, bounds: Sequence[Value]) -> None:
        """Write a range of units of one product."""
        e, (m, n), (size, unit, across) = self.e, given[6:8], bounds
        begin, end = start * unit, e.math.minimum(stop * unit, size)
        pick = lambda yes, part, whole: e.select((across != 0) if yes else (across == 0), part, whole)
        columns, rows = ((pick(yes, begin, 0), pick(yes, end, all_)) for yes, all_ in ((True, n), (False, m)))
        self.blocks(given, rows, columns)

    def stack(self, table: Value) -> Stack:
        """Return the stack that an image's table ends with: images, groups, and how far each moves in a, b and the sheets."""
        e, image = self.e, self.contract.image
        assert image is not None
        place = 1 + len(AXIS) * image.axes
        images, groups, *steps = (e.load(table, int64, place + n) for n in range(2 + 2 * (2 + len(self.sheets))))
        return Stack(images * groups, groups, list(zip(steps[::2], steps[1::2])))

    def moved(self, given: Sequence[Value], stack: Stack, item: Value) -> list[Value]:
        """Return what one product of a stack is given."""
        e, moved = self.e, list(given)
        image = e.math.floor_divide(item, stack.groups)
        group = item - image * stack.groups
        kinds = [kind_of(self.contract.a), kind_of(self.contract.b), *(kind for kind, _ in self.sheets)]
        places = [0, 3, *range(10, 10 + 2 * len(self.sheets), 2)]
        for place, kind, (first, second) in zip(places, kinds, stack.steps):
            moved[place] = e.address(given[place], image * first + group * second, kind)
        return moved

    def blocks(self, given: Sequence[Value], rows: tuple[Value, Value], columns: tuple[Value, Value]) -> None:
        """Write a range of columns, some panels at a time, for a range of rows."""
        e, tiles = self.e, self.tiles
        (b, b_rows, b_columns), k, image, laid = given[3:6], given[8], self.contract.image, self.contract.laid
        panels = b if laid else e.stack(tiles.deepest * tiles.wide * PANELS * tiles.held.itemsize)
        strip = e.stack(self.strip_bytes)
        images = self.of_images(given[self.table])
        sheets = self.sheets_of([*given[10:], *images[1:]])
        tiles.begin()
        with e.loop(columns[1], columns[0], tiles.wide * PANELS) as j, self.depths(given, k) as (first, here):
            wide = e.math.minimum(columns[1] - j, tiles.wide * PANELS)
            right = panels
            if laid:
                right = e.address(b, j * k + first * tiles.wide, tiles.held)
            elif image is None or image.turned:
                start = e.address(b, first * b_rows + j * b_columns, kind_of(self.contract.b))
                e.call("panels", None, start, b_columns, b_rows, panels, here, wide)
            else:
                e.call("panels", None, b, b_rows, panels, first, j, here, wide)
            units, apart = self.packing.units(here), k if laid else e.index(tiles.deepest)
            state = e.cast(first > 0, int64), e.cast(first + here >= k, int64)
            with self.strips(given, rows, (first, here), strip) as (i, high, at):
                moved = self.flat([each.moved(e, i, j) for each in sheets], j, *images[:1])
                e.call("sweep", None, at, right, apart, units, high, wide, *state, *moved)
        tiles.end()

    @contextmanager
    def strips(
        self, given: Sequence[Value], rows: tuple[Value, Value], depth: tuple[Value, Value], memory: Value
    ) -> Iterator[tuple[Value, Value, Value]]:
        """Write what follows for strips of rows; yield the first row, how many there are, and where the strip is.

        Of an image, several strips are made at a time, since neighbouring rows see the same.
        """
        e, tiles, (a, a_rows, a_columns), (first, here) = self.e, self.tiles, given[:3], depth
        if self.contract.image is None or not self.contract.image.turned:
            with e.loop(rows[1], rows[0], tiles.high) as i:
                high = e.math.minimum(rows[1] - i, tiles.high)
                left = e.address(a, i * a_rows + first * a_columns, kind_of(self.contract.a))
                e.call("strip", None, left, a_rows, a_columns, memory, here, high)
                yield i, high, memory
            return
        with e.loop(rows[1], rows[0], tiles.high * STRIPS) as start:
            count = e.math.minimum(rows[1] - start, tiles.high * STRIPS)
            e.call("strip", None, a, a_rows, memory, first, start, here, count)
            with e.loop(count, 0, tiles.high) as i:
                at = e.address(memory, i * tiles.deepest, tiles.held)
                yield start + i, e.math.minimum(count - i, tiles.high), at

    @contextmanager
    def depths(self, given: Sequence[Value], k: Value) -> Iterator[tuple[Value, Value]]:
        """Write what follows for the blocks of k, about as deep as they are to be and all alike; yield the first and the depth.

        Where the places of images are k, a block is of one image, or of whole ones.
        """
        e, tiles, divide = self.e, self.tiles, self.e.math.floor_divide
        full, grain, span = tiles.depth * tiles.together, tiles.together * tiles.rounds, k
        if self.contract.image is not None and self.contract.image.turned:
            places = e.index(1)
            for n in range(1, self.contract.image.axes):
                places = places * e.load(given[self.table], int64, 1 + len(AXIS) * n)
            span = e.math.maximum(places * e.math.maximum(divide(e.index(full), e.math.maximum(places, 1)), 1), 1)
        pieces = e.math.maximum(divide(span + full // 2, full), 1)
        depth = divide(e.math.maximum(divide(span + pieces - 1, pieces), 1) + grain - 1, grain) * grain
        with e.loop(e.math.maximum(k, 1), 0, e.math.maximum(span, 1)) as start:
            end = e.math.minimum(k - start, span)
            with e.loop(e.math.maximum(end, 1), 0, depth) as first:
                yield start + first, e.math.minimum(end - first, depth)

    @property
    def strip_bytes(self) -> int:
        """How much memory a strip takes; what is copied in vectors may be longer than a column."""
        strips = STRIPS if self.contract.image is not None and self.contract.image.turned else 1
        numbers = self.tiles.deepest * self.tiles.high * strips + self.tiles.lanes * self.tiles.together
        return numbers * self.tiles.held.itemsize

    # a strip times panels

    def write_sweep(self) -> None:
        """Write sweep(strip, panels, apart, depth, rows, columns, more, last, *sheets): the tiles of a strip and some panels.

        Panels are as many rows `apart`.
        """
        e, tiles = self.e, self.tiles
        names = ("apart", "depth", "rows", "columns", "more", "last")
        parameters = [("strip", pointer), ("panels", pointer), *((name, int64) for name in names), *self.inner()]
        with e.function("sweep", parameters, internal=True) as (strip, panels, apart, depth, rows, columns, more, last, *given):
            sheets = self.sheets_of(given)
            for count in tiles.heights:
                with e.when(self.covered(count, rows)):
                    start = e.index(0) if count == tiles.high else rows & (-2 * count)
                    left = e.address(strip, start * tiles.place(1)[0], tiles.held)
                    below = [each.moved(e, start, 0) for each in sheets]
                    with e.loop(columns, 0, tiles.wide) as j:
                        panel = e.address(panels, j * apart, tiles.held)
                        begin = [given[-2] + j, given[-1]] if self.runs else []
                        moved = self.flat([each.moved(e, 0, j) for each in below], *begin)
                        self.call_tile(count, columns - j, (left, panel, depth, rows, columns - j, more, last, *moved))

    def covered(self, count: int, rows: Value) -> Value:
        """Return whether tiles of `count` rows do a part of so many: the highest do whole strips, or, if alone, all."""
        high, *others = self.tiles.heights
        if not others:
            return rows > 0
        return rows == count if count == high else (rows < high) & ((rows & count) != 0)

    def call_tile(self, count: int, rest: Value, given: Sequence[Value]) -> None:
        """Write the call of a tile that is as wide as it must be."""
        e = self.e
        with e.if_else(rest > self.tiles.lanes) as (then, otherwise):
            with then:
                e.call(f"tile.{count}.{VECTORS}", None, *given)
            with otherwise:
                e.call(f"tile.{count}.1", None, *given)

    def write_tile(self, count: int, vectors: int) -> None:
        """Write tile.count.vectors(strip, panel, depth, rows, columns, more, last, *sheets)."""
        names = ("depth", "rows", "columns", "more", "last")
        parameters = [("strip", pointer), ("panel", pointer), *((name, int64) for name in names)]
        with self.e.function(f"tile.{count}.{vectors}", [*parameters, *self.inner()], internal=True) as given:
            strip, panel, depth, high, columns, more, last, *rest = given
            sheets = self.sheets_of(rest)
            tile = Tile(strip, panel, depth, high, columns, more, last, sheets[0].address, sheets[0].step, count)
            self.finishing.write(tile, vectors, sheets, self.columns(tile, vectors, rest))

    def columns(self, tile: Tile, vectors: int, given: Sequence[Value]) -> list[Columns]:
        """Return the columns of a tile, vector by vector."""
        lanes = self.tiles.lanes
        if not self.runs:
            return [Columns(lanes, Run(v * lanes, mask)) for v, mask in enumerate(self.tiles.masks(tile, vectors))]
        column, width = given[-2:]
        return [running_on(self.e, lanes, column + v * lanes, width, tile.columns - v * lanes) for v in range(vectors)]


class Contraction(Native):
    """The routine of a contract.

    Sums of more than `deepest` k need the memory of the sums for parts of them, kept or not.
    """

    def __init__(self, contract: Contract, target: Target):
        tiles = tiles_of(Emitter(target), contract)
        self.deepest = tiles.depth * tiles.together
        """Up to how many k are one block."""
        # which tiles there are is for Linux to say, too
        super().__init__(NAME, target, (contract, type(tiles).__name__), lambda e: Writer(e, contract).write())


@once
def contraction(contract: Contract, target: Target) -> Contraction:
    """Return the routine of a contract."""
    return Contraction(contract, target)
