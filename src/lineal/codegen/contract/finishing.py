"""What becomes of the sums of a tile: they are added to parts that are there, stored, made use of, or stored turned."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from lineal.codegen.contract.problem import Contract, Epilogue
from lineal.codegen.contract.sheets import Columns, Run, Sheet
from lineal.codegen.contract.tiles import Tile, Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.formulas import Number
from lineal.codegen.kinds import Kind, kind_of
from lineal.codegen.values import Value

__all__ = ["Finishing", "made"]

LINE = 64
"""How many bytes a line of a cache has."""
SHORT = 2
"""How many operations an epilogue has at most that is written for each row of a tile: a bias, a residual."""
MOST_FETCHED = 16
"""Of how many rows memory is asked for; where tiles are higher, rows are finished one after the other in a loop."""


def made(e: Emitter, epilogue: Epilogue, sheets: Sequence[Sheet], total: Value, columns: Columns) -> None:
    """Write what an epilogue makes of a vector of sums; sheets are what it stores, then its arguments."""
    count = sum(step.stored for step in epilogue.steps)
    outs, values = iter(sheets[:count]), [total, *(each.load(e, columns) for each in sheets[count:])]
    for step in epilogue.steps:
        kind = kind_of(step.kind)
        y = step.formula(e.math, *[operand(e, each, x, values) for each, x in zip(step.operands, step.formula.inputs)])
        y = e.splat(e.rounded(y if isinstance(y, Value) else e.const(y, kind.computed), kind), columns.lanes)
        values.append(y)
        if step.stored:
            next(outs).store(e, y, columns)


def operand(e: Emitter, which: int | Number, kind: Kind, values: Sequence[Value]) -> Value:
    """Return what a step of an epilogue reads."""
    return e.const(which.value, kind) if isinstance(which, Number) else values[which]


class Finishing:
    """Writes the sums of tiles of a contraction, and what becomes of them."""

    def __init__(self, e: Emitter, contract: Contract, tiles: Tiles):
        self.e, self.contract, self.tiles = e, contract, tiles

    def write(self, tile: Tile, vectors: int, sheets: Sequence[Sheet], columns: list[Columns]) -> None:
        """Write it for one tile, whose sums lie in `sheets` from the first row and column on."""
        if self.contract.turned:
            self.turned(tile, vectors, *sheets)
            return
        self.fetch(tile, vectors, sheets)
        rows = lambda i: [each.moved(self.e, i, 0) for each in sheets]
        finish = lambda i, sums, more: self.finish(rows(i), sums, columns, (more, tile.last))
        epilogue = self.contract.epilogue
        if epilogue is None or self.tiles.in_loops or sum(len(each.formula.steps) for each in epilogue.steps) <= SHORT:
            self.tiles.summed(tile, vectors, finish)
            return
        # rows are taken in a loop, so that an epilogue is written once
        noted = Noted(self.e, self.tiles, tile.count, vectors)
        self.tiles.summed(tile, vectors, noted)
        with self.e.loop(tile.count) as i:
            finish(i, noted.row(i), tile.more)

    def fetch(self, tile: Tile, vectors: int, sheets: Sequence[Sheet]) -> None:
        """Ask for the memory of a tile before it is summed up: short stretches of many rows are no pattern to a processor."""
        e = self.e
        count, stored = min(tile.count, MOST_FETCHED), 1 + len(self.contract.results)
        for n, sheet in enumerate(each for each in sheets if each.apart is None and each.across):
            width = vectors * self.tiles.lanes * sheet.kind.itemsize
            for i, byte in itertools.product(range(count), range(0, width, LINE)):
                e.fetch(e.offset(sheet.moved(e, i, 0).address, byte), n < stored)

    def finish(
        self, sheets: Sequence[Sheet], sums: list[Value], columns: Sequence[Columns], state: tuple[Value, Value]
    ) -> None:
        """Write what becomes of a row of sums: they are added to what is there if there is `more`, stored, and made use of."""
        e, (more, last), epilogue = self.e, state, self.contract.epilogue
        totals = self.added(sheets[0], sums, columns, more)

        def keep() -> None:
            for total, each in zip(totals, columns):
                sheets[0].store(e, total, each)

        if epilogue is None or epilogue.kept:
            keep()
        if epilogue is not None:
            with e.if_else(last != 0) as (then, otherwise):
                with then:
                    for total, each in zip(totals, columns):
                        made(e, epilogue, sheets[1:], total, each)
                if not epilogue.kept:
                    with otherwise:
                        keep()

    def added(self, parts: Sheet, sums: Sequence[Value], columns: Sequence[Columns], more: Value) -> list[Value]:
        """Return sums to which those of earlier parts of k are added, if there are some."""
        totals = [self.e.variable(each) for each in sums]
        with self.e.when(more != 0, carried=totals):
            for total, each in zip(totals, columns):
                total.value = total.value + parts.load(self.e, each)
        return [each.value for each in totals]

    def turned(self, tile: Tile, vectors: int, parts: Sheet, result: Sheet) -> None:
        """Write it where what is a column of sums is to lie side by side."""
        e, tiles, lanes = self.e, self.tiles, self.tiles.lanes
        columns = [Columns(lanes, Run(v * lanes, mask)) for v, mask in enumerate(tiles.masks(tile, vectors))]
        noted = Noted(e, tiles, tile.count, vectors)

        def collect(i: int | Value, sums: list[Value], more: Value) -> None:
            """Write the rest of the adding up of a row."""
            totals = self.added(parts.moved(e, i, 0), sums, columns, more)
            with e.if_else(tile.last != 0) as (then, otherwise):
                with then:
                    noted(i, totals, more)
                with otherwise:
                    for total, each in zip(totals, columns):
                        parts.moved(e, i, 0).store(e, total, each)

        if tiles.in_loops:
            tiles.summed(tile, vectors, collect)
        else:
            tiles.summed(tile, vectors, noted)
            with e.loop(tile.count) as i:
                collect(i, noted.row(i), tile.more)
        count = e.math.minimum(tile.rows, tile.count)
        with e.when(tile.last != 0), e.loop(e.math.minimum(tile.columns, vectors * lanes)) as j, e.loop(count, 0, lanes) as i:
            mask = e.first_lanes(count - i, lanes) if lanes > 1 else None
            result.moved(e, i, j).store(e, noted.column(j, i, mask), Columns(lanes, Run(0, mask)))


class Noted:
    """The sums of a tile in memory of this call."""

    def __init__(self, e: Emitter, tiles: Tiles, count: int, vectors: int):
        self.e, self.lanes, self.kind, self.wide = e, tiles.lanes, tiles.sums, vectors * tiles.lanes
        self.place = e.stack(count * self.wide * self.kind.itemsize)

    def __call__(self, i: int | Value, sums: list[Value], more: Value) -> None:
        """Note the sums of a row."""
        for v, total in enumerate(sums):
            self.e.store(total, self.place, i * self.wide + v * self.lanes)

    def row(self, i: Value) -> list[Value]:
        """Return the sums of a row."""
        row = self.e.address(self.place, i * self.wide, self.kind)
        return [self.e.load(row, self.kind, start, self.lanes) for start in range(0, self.wide, self.lanes)]

    def column(self, j: Value, i: Value, mask: Value | None) -> Value:
        """Return the sums of a column from a row on."""
        column = self.e.address(self.place, j, self.kind)
        return self.e.load(column, self.kind, i, self.lanes, stride=self.wide, mask=mask)
