"""Copies of factors in the order that tiles read them, as what tiles are summed up of: numbers, or pairs of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lineal.codegen.contract.tiles import Tiles
from lineal.codegen.dense.copies import transposed
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of, pointer, uint16
from lineal.codegen.values import Value

__all__ = ["Packing"]

AHEAD = 128
"""How many bytes on memory is asked for, while a part of a row is copied."""
PARAMETERS = [("source", pointer), ("along", int64), ("step", int64), ("to", pointer), ("depth", int64), ("count", int64)]
"""Where a part of a factor begins, how far its lines are apart and, in a line, its k, where it goes, its sizes."""


class Source(NamedTuple):
    """Lines (rows of a, columns of b) of so many k, in memory as `kind`."""

    address: Value
    along: Value
    step: Value
    depth: Value
    count: Value
    kind: Kind


class Packing:
    """Writes the functions `strip`, for rows of the left factor, and `panels`, for columns of the right one."""

    def __init__(self, e: Emitter, tiles: Tiles):
        self.e, self.tiles = e, tiles
        self.held, self.lanes = tiles.held, tiles.lanes

    def write(self) -> None:
        """Write both, or what of them is needed."""
        self.write_strip()
        if not self.tiles.contract.laid:
            self.write_panels()

    def write_strip(self) -> None:
        """Write `strip`."""
        with self.e.function("strip", PARAMETERS, internal=True) as (source, along, step, to, depth, count):
            self.strip(Source(source, along, step, depth, count, self.kind_in(self.tiles.contract.a)), to)

    def write_panels(self) -> None:
        """Write `panels`."""
        with self.e.function("panels", PARAMETERS, internal=True) as (source, along, step, to, depth, count):
            self.panels(Source(source, along, step, depth, count, self.kind_in(self.tiles.contract.b)), to)

    def kind_in(self, name: str) -> Kind:
        """Return as what numbers of a kind are read: the numbers of pairs are not looked at."""
        return uint16 if self.tiles.together > 1 else kind_of(name)

    def units(self, depth: Value) -> Value:
        """Return how many numbers along k a block holds."""
        together, rounds = self.tiles.together, self.tiles.rounds
        units = depth if together == 1 else self.e.bits("ashr", depth + (together - 1), together.bit_length() - 1)
        return units if rounds == 1 else (units + (rounds - 1)) & -rounds

    def strip(self, source: Source, to: Value) -> None:
        """Write the copying of some rows: row by row, or, where columns are side by side in memory, column by column."""
        e, tiles, units = self.e, self.tiles, self.units(source.depth)
        if tiles.place(0)[1] > 1:
            self.across(source, units, to, tiles.high)
        elif tiles.by_columns:
            self.turned(source, units, to)
        else:
            with e.loop(source.count) as i:
                self.line(source, i, units, e.address(to, i * tiles.deepest, self.held))

    def panels(self, source: Source, to: Value) -> None:
        """Write the copying of some columns into panels; the last one is filled up with anything."""
        e, tiles, units = self.e, self.tiles, self.units(source.depth)
        with e.if_else(source.along == 1) as (by_rows, otherwise):
            with by_rows:
                # all panels at once, so that memory is read in order
                panel = lambda j: (j & -tiles.wide) * tiles.deepest + (j & (tiles.wide - 1))
                self.across(source, units, to, tiles.wide, panel)
            with otherwise, e.loop(source.count, 0, tiles.wide) as j:
                address = e.address(source.address, j * source.along, source.kind)
                here = source._replace(address=address, count=e.math.minimum(source.count - j, tiles.wide))
                self.squares(here, units, e.address(to, j * tiles.deepest, self.held))

    # numbers along k, which may be pairs

    def joined(self, load: Callable[[Value], Value], unit: Value, depth: Value) -> Value:
        """Return what strips and panels hold at a place along k: a number, or a pair of neighbours; beyond the depth zeros."""
        e = self.e
        if self.tiles.together == 1:
            return e.cast(load(unit), self.held)
        found = []
        for n in range(2):
            k = unit * 2 + n
            x = e.cast(load(e.math.minimum(k, depth - 1)), self.held)
            found.append(e.select(e.splat(k < depth, x.lanes), x << 16 if n else x, e.const(0, self.held, x.lanes)))
        return found[0] | found[1]

    def one(self, source: Source, line: Value, unit: Value) -> Value:
        """Return what stands at one place of a line."""
        start = self.e.address(source.address, line * source.along, source.kind)
        return self.joined(lambda k: self.e.load(start, source.kind, k * source.step), unit, source.depth)

    def across(
        self, source: Source, units: Value, to: Value, wide: int, place: Callable[[Value], Value] = lambda line: line
    ) -> None:
        """Write the copying of lines that are side by side in memory: `wide` numbers for each k, from a line's `place` on."""
        e = self.e
        with e.loop(units) as unit:
            # what is beside this is copied next, and rows that are far apart are no pattern to a processor
            e.fetch(e.offset(e.address(source.address, unit * self.tiles.together * source.step, source.kind), AHEAD))
            for block in e.blocks(source.count, self.lanes):
                load = lambda k, block=block: block.load(e.address(source.address, k * source.step, source.kind), source.kind)
                # lanes that are not there are written over by the next place, and behind the last one there is room
                e.store(self.joined(load, unit, source.depth), e.address(to, unit * wide, self.held), place(block.index))

    def line(self, source: Source, line: Value, units: Value, to: Value) -> None:
        """Write the copying of one line, in vectors if its numbers are side by side."""
        e, kind = self.e, source.kind
        start = e.address(source.address, line * source.along, kind)
        with e.if_else(source.step == 1) as (dense, strided):
            with dense:
                if self.tiles.together > 1:
                    # what fills up the last numbers; the line may cover a part of it
                    with e.loop(units, e.math.maximum(units - self.tiles.rounds, 0)) as unit:
                        e.store(e.const(0, self.held), to, unit)
                held = kind if self.tiles.together > 1 else self.held
                for block in e.blocks(source.depth, self.lanes * self.tiles.together):
                    block.store(block.load(start, kind), to, held)
            with strided, e.loop(units) as unit:
                e.store(self.one(source, line, unit), to, unit)

    def turned(self, source: Source, units: Value, to: Value) -> None:
        """Write the copying of lines that are side by side in memory one below the other, in squares turned in registers."""
        e, lanes, deepest = self.e, self.lanes, self.tiles.deepest
        with e.loop(units, 0, lanes) as unit, e.loop(source.count, 0, lanes) as i:
            mask = e.first_lanes(source.count - i, lanes)
            first = e.address(source.address, i, source.kind)
            load = lambda k: e.load(e.address(first, k * source.step, source.kind), source.kind, 0, lanes, mask=mask)
            block = [self.joined(load, unit + n, source.depth) for n in range(lanes)]
            target = e.address(to, i * deepest + unit, self.held)
            for n, vector in enumerate(transposed(e, block)):
                e.store(vector, e.address(target, n * deepest, self.held))

    def squares(self, source: Source, units: Value, to: Value) -> None:
        """Write the copying of a panel of lines that lie one after the other, in squares turned in registers."""
        e, lanes, wide, together = self.e, self.lanes, self.tiles.wide, self.tiles.together
        whole = e.bits("ashr", source.depth, together.bit_length() - 1) & -lanes
        even = e.select(source.step == 1, whole, e.index(0))
        with e.loop(even, 0, lanes) as unit, e.loop(source.count, 0, lanes) as j:
            first = e.address(source.address, unit * together, source.kind)
            # of fewer lines than lanes, the last one again
            numbers = [e.math.minimum(j + n, source.count - 1) for n in range(lanes)]
            lines = [e.address(first, each * source.along, source.kind) for each in numbers]
            block = [self.whole(e.load(each, source.kind, 0, lanes * together)) for each in lines]
            target = e.address(to, unit * wide + j, self.held)
            for n, vector in enumerate(transposed(e, block)):
                e.store(vector, e.address(target, n * wide, self.held))
        with e.loop(units, even) as unit, e.loop(source.count) as j:
            e.store(self.one(source, j, unit), e.address(to, unit * wide + j, self.held))

    def whole(self, vector: Value) -> Value:
        """Return neighbours along k, all of them there, as strips and panels hold them."""
        if self.tiles.together == 1:
            return self.e.cast(vector, self.held)
        return self.e.new(f"bitcast {vector.typed} to <{self.lanes} x {self.held.llvm}>", self.held, self.lanes)
