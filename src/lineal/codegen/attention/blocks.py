"""Products of blocks of queries and keys, in the tiles of contractions, and where the numbers of a head lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineal.codegen import philox
from lineal.codegen.attention.problem import AXIS, FIELDS, KEYS, MOST, Form
from lineal.codegen.blocks import Block
from lineal.codegen.contract.packing import Packing
from lineal.codegen.contract.problem import Contract
from lineal.codegen.contract.tiles import VECTORS, Tile, Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, bool_, float64, int64, kind_of, pointer, uint32, uint64
from lineal.codegen.philox import WORDS
from lineal.codegen.values import Value

__all__ = ["Blocks", "Table"]


EACH = WORDS * uint64.bits // uint32.bits
"""For how many weights a block of random words decides whether they are dropped."""
Keep = Callable[[int | Value, Sequence[Value]], None]
"""What takes the sums of a row of a tile."""


class Rows(Tiles):
    """Tiles whose left factors are rows of queries, of their cotangents, or of scores."""

    chain = 2 * MOST
    """Blocks are not deep: all their products are added up at once."""

    def __init__(self, e: Emitter, contract: Contract, most: int):
        super().__init__(e, contract)
        self.most = most

    @property
    def deepest(self) -> int:
        # an odd number of cache lines, so that the rows of a column do not meet in the same places of a cache
        return self.most + 64 // self.held.itemsize


class Columns(Rows):
    """Tiles whose left factors are columns of weights, which lie by rows."""

    def place(self, i: int) -> tuple[int, int]:
        return i, self.deepest


class Table:
    """The numbers of a table, loaded where they are asked for."""

    def __init__(self, e: Emitter, address: Value):
        self.e, self.address = e, address

    def __getitem__(self, name: str) -> Value:
        """Return the number of a field."""
        return self.e.load(self.address, int64, FIELDS.index(name))

    def factor(self, name: str, kind: Kind) -> Value:
        """Return what scores, or weights that are kept, are multiplied by."""
        return self.e.cast(self.e.load(self.address, float64, FIELDS.index(name)), kind)

    def blocks(self, row: Value, key: Value) -> Value:
        """Return the number of the block of random words of a row of weights, from a key on; each row begins with a new one."""
        divide = self.e.math.floor_divide
        return row * divide(self["keys"] + (EACH - 1), EACH) + divide(key, EACH)

    def moved(self, head: Value) -> dict[str, Value]:
        """Return how far a head is from the first one in each array."""
        e = self.e
        rest, found = e.variable(head), [e.variable(e.index(0)) for _ in AXIS[1:]]
        axes = self["axes"]
        with e.loop(axes, carried=[rest, *found]) as turn:
            # the last axis moves first
            place = e.address(self.address, (axes - 1 - turn) * len(AXIS) + len(FIELDS), int64)
            size = e.load(place, int64)
            outer = e.math.floor_divide(rest.value, size)
            here = rest.value - outer * size
            rest.value = outer
            for n, each in enumerate(found, 1):
                each.value = each.value + here * e.load(place, int64, n)
        return {name: each.value for name, each in zip(AXIS[1:], found)}


class Blocks:
    """What both routines of a form are made of."""

    def __init__(self, e: Emitter, form: Form):
        self.e, self.form, self.kind = e, form, kind_of(form.kind)
        contract = Contract(form.kind, form.kind)
        self.tiles, self.columns = (tiles(e, contract, form.most) for tiles in (Rows, Columns))
        self.packing = Packing(e, self.tiles)
        self.lanes, self.high, self.apart = self.tiles.lanes, self.tiles.high, self.tiles.deepest
        self.mask_kind = bool_ if form.mask == "bool" else self.kind

    def at(self, place: Value, index: int | Value) -> Value:
        """Return the address of a number."""
        return self.e.address(place, index, self.kind)

    # memory of a block

    def room(self, rows: int) -> Value:
        """Return the address of memory for so many rows, and for a strip that begins in the last of them."""
        return self.e.stack((rows + self.high) * self.apart * self.kind.itemsize)

    def panels(self, count: int = 0) -> Value:
        """Return the address of memory for panels of so many columns, as many as are wide at most if it is not said."""
        wide = self.tiles.wide
        return self.e.stack(-(-(count or self.form.most) // wide) * wide * self.apart * self.kind.itemsize)

    def clear(self, place: Value, count: int | Value) -> None:
        """Write the clearing of so many numbers."""
        for block in self.e.blocks(count, self.lanes):
            block.store(self.e.const(0, self.kind, self.lanes), place)

    def strips(self, source: Value, steps: tuple[Value, Value], to: Value, depth: Value, rows: Value) -> None:
        """Write the copying of rows, `steps` = (from row to row, along them), and of zeros that fill up the last strip."""
        e = self.e
        e.call("strip", None, source, *steps, to, depth, rows)
        with e.loop(e.math.floor_divide(rows + (self.high - 1), self.high) * self.high, rows) as i:
            self.clear(self.at(to, i * self.apart), depth)

    # products

    def write(self) -> None:
        """Write the functions that both routines call."""
        self.packing.write()
        self.write_scores()
        self.write_added("added.rows", self.tiles)
        if self.form.dropped:
            self.write_kept()

    def summed(self, tiles: Tiles, places: tuple[Value, Value], depth: Value, vectors: int, finish: Keep) -> None:
        """Write the sums of a whole tile of a strip and a panel."""
        none = self.e.index(0)
        tile = Tile(*places, depth, none, none, none, none, places[0], none, self.high)
        tiles.summed(tile, vectors, lambda i, sums, more: finish(i, sums))

    def write_scores(self) -> None:
        """Write scores(strip, panels, depth, columns, to): the rows of `to` are the products, of whole panels."""
        e = self.e
        parameters = [("strip", pointer), ("panels", pointer), ("depth", int64), ("columns", int64), ("to", pointer)]
        function = e.function("scores", parameters, internal=True)
        with function as (strip, panels, depth, columns, to), e.loop(columns, 0, self.tiles.wide) as j:
            out = self.at(to, j)

            def keep(i: int | Value, sums: Sequence[Value]) -> None:
                for v, each in enumerate(sums):
                    e.store(each, out, i * self.apart + v * self.lanes)

            self.summed(self.tiles, (strip, self.at(panels, j * self.apart)), depth, VECTORS, keep)

    def write_added(self, name: str, tiles: Tiles) -> None:
        """Write NAME(strip, panels, depth, rows, columns, factors, out, step): out[i] = factors[i] out[i] + products."""
        e, lanes = self.e, self.lanes
        numbers = [(each, int64) for each in ("depth", "rows", "columns")]
        parameters = [
            ("strip", pointer),
            ("panels", pointer),
            *numbers,
            ("factors", pointer),
            ("out", pointer),
            ("step", int64),
        ]
        function = e.function(name, parameters, internal=True)
        with function as (strip, panels, depth, rows, columns, factors, out, step), e.loop(columns, 0, tiles.wide) as j:
            here, rest = self.at(out, j), columns - j

            def part(vectors: int) -> None:
                mask = e.first_lanes(rest - (vectors - 1) * lanes, lanes) if lanes > 1 else None

                def add(i: int | Value, sums: Sequence[Value]) -> None:
                    with e.when(rows > i):
                        row, factor = self.at(here, step * i), e.splat(e.load(factors, self.kind, i), lanes)
                        for v, each in enumerate(sums):
                            masked = mask if v == vectors - 1 else None
                            before = e.load(row, self.kind, v * lanes, lanes, mask=masked)
                            e.store(e.muladd(factor, before, each), row, v * lanes, mask=masked)

                self.summed(tiles, (strip, self.at(panels, j * self.apart)), depth, vectors, add)

            with e.if_else(rest > lanes) as (then, otherwise):
                with then:
                    part(VECTORS)
                with otherwise:
                    part(1)

    # dropping

    def write_kept(self) -> None:
        """Write kept(to, keys, state, number, table): what weights are multiplied by, 0 if they are dropped."""
        e = self.e
        parameters = [("to", pointer), ("keys", int64), ("state", pointer), ("number", int64), ("table", pointer)]
        with e.function("kept", parameters, internal=True) as (to, keys, state, number, address):
            table, words = Table(e, address), e.stack(KEYS * uint32.itemsize)
            key, draw = (e.load(state, uint64, n) for n in range(2))
            with e.loop(e.math.floor_divide(keys + (EACH - 1), EACH)) as n:
                for m, word in enumerate(philox.block(e, philox.counted(e, number + n, draw), key)):
                    e.store(word, words, n * WORDS + m, kind=uint64)
            threshold, factor = e.cast(table["threshold"], uint32), table.factor("factor", self.kind)
            for part in e.blocks(keys, self.lanes):
                is_kept = part.load(words, uint32) < e.splat(threshold, part.lanes)
                part.store(e.select(is_kept, e.splat(factor, part.lanes), 0.0), to)

    def kept(self, keys: Value, source: tuple[Value, Value], table: Value) -> Value | None:
        """Return where what weights of a row are multiplied by lies, of `source` = (state, number); None if all are kept."""
        if not self.form.dropped:
            return None
        memory = self.e.stack(KEYS * self.kind.itemsize)
        self.e.call("kept", None, memory, keys, *source, table)
        return memory

    # scores

    def score(self, block: Block, row: Value, mask: Value, scale: Value) -> Value:
        """Return scores of a row in the lanes of a block: scaled, and masked."""
        t = block.load(row, self.kind) * self.e.splat(scale, block.lanes)
        if not self.form.mask:
            return t
        found = block.load(mask, self.mask_kind)
        return self.e.select(found, t, float("-inf")) if self.form.mask == "bool" else t + found

    def seen(self, first: Value, keys: Value) -> Value:
        """Return how many keys a query sees that would see `first` of them if there were enough; all, unless it is causal."""
        e = self.e
        return e.math.minimum(e.math.maximum(first, 0), keys) if self.form.causal else keys

    def masked(self, mask: Value, row: Value, step: Value, key: Value) -> Value:
        """Return the address of a mask's numbers from a query and a key on."""
        return self.e.address(mask, row * step + key, self.mask_kind) if self.form.mask else mask
