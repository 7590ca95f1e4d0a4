"""The backward pass: for each block of keys, one block of queries after the other, of which the weights are made again.

    p = exp(s - log Σ exp s),  s̄ = p (ȳ vᵀ - Σ ȳ y) c;   v̄ = pᵀ ȳ,  k̄ = s̄ᵀ q,  q̄ = Σ s̄ k over the blocks

Each task has some keys of a head, and a sum of its own for q̄, the first one in q̄ itself; these are added up at the end, in
order, so that no number depends on which thread does what.   Dao et al. (2022), algorithm 4.
"""

from __future__ import annotations

from typing import NamedTuple

from lineal.codegen.attention.blocks import Blocks, Table
from lineal.codegen.attention.problem import KEYS
from lineal.codegen.blocks import Block
from lineal.codegen.contract.contraction import WORTH_THREADS
from lineal.codegen.kinds import int64, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value

__all__ = ["NAME", "PARAMETERS", "Backward"]

NAME = "attention_adjoint"
NAMES = ("q", "k", "v", "mask", "y", "total", "g", "by_q", "by_k", "by_v", "parts", "state", "table")
PARAMETERS = [(name, pointer) for name in NAMES]
QUERIES = 96
"""How many queries share a pass over a block of keys: their weights stay in the second cache."""
PIECES = 16
"""Into how many ranges the tasks are cut for each thread."""


class Keys(NamedTuple):
    """A block of keys: copies of keys and values as right factors, and where their cotangents and the mask lie."""

    across: Value
    """Panels of keys, whose k is the width."""
    values: Value
    along: Value
    """Panels of the width, whose k is the keys."""
    by_k: Value
    by_v: Value
    mask: Value
    first: Value
    count: Value


class Queries(NamedTuple):
    """Memory for a block of queries: queries and cotangents as left and right factors, scores and products with values."""

    q: Value
    g: Value
    q_panels: Value
    g_panels: Value
    scores: Value
    products: Value
    slopes: Value
    ones: Value


class Backward(Blocks):
    """Writes attention_adjoint(q, k, v, mask, y, total, g, by_q, by_k, by_v, parts, state, table)."""

    def write(self) -> None:
        super().write()
        self.write_added("added.columns", self.columns)
        self.write_pulled()
        e = self.e
        with e.function(NAME, PARAMETERS) as given:
            table = Table(e, given[-1])
            heads, queries, keys, chunks = (table[each] for each in ("heads", "queries", "keys", "chunks"))
            worth = (table["spread"] != 0) & (heads * queries * keys * table["width"] >= WORTH_THREADS)
            size = e.math.floor_divide(keys + KEYS * chunks - 1, KEYS * chunks) * KEYS
            shared(e, f"{NAME}.keys", heads * chunks, [*given, size], self.work, grain=1, pieces=PIECES, worth=worth)
            with e.when(chunks > 1):
                count = heads * queries * table["width"]
                shared(e, f"{NAME}.sums", count, [*given, count], self.add_up, grain=1024, pieces=1, worth=worth)

    def add_up(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the sums of the chunks' parts of q̄, the first of which is there."""
        e, (*places, count) = self.e, given
        by_q, parts, table = places[7], places[10], Table(e, places[-1])
        chunks = table["chunks"]
        for block in e.blocks(stop, self.lanes, start):
            total = e.variable(block.load(by_q, self.kind))
            with e.loop(chunks - 1, carried=[total]) as chunk:
                total.value = total.value + block.load(self.at(parts, chunk * count), self.kind)
            block.store(total.value, by_q)

    def work(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the tasks of a range: the first keys, which the most queries may see, come first."""
        e, (*places, size) = self.e, given
        by_q, by_k, by_v, parts, table = *places[7:11], Table(e, places[-1])
        heads, queries, keys, width, out = (table[each] for each in ("heads", "queries", "keys", "width", "out"))
        memory = self.memory()
        with e.loop(stop, start) as item:
            chunk = e.math.floor_divide(item, heads)
            head = item - chunk * heads
            begin, end = e.math.minimum(chunk * size, keys), e.math.minimum(chunk * size + size, keys)
            part = queries * width
            sums = e.select(chunk > 0, self.at(parts, (item - heads) * part), self.at(by_q, head * part))
            self.clear(sums, part)
            for place, wide in ((by_k, width), (by_v, out)):
                self.clear(self.at(place, (head * keys + begin) * wide), (end - begin) * wide)
            with e.loop(end, begin, KEYS) as j:
                self.keys(places, table, memory, (head, j, e.math.minimum(end - j, KEYS)), sums)

    def memory(self) -> Queries:
        """Return memory for a block of queries."""
        e, kind = self.e, self.kind
        q, g, scores, products = (self.room(QUERIES) for _ in range(4))
        slopes, ones = e.stack(QUERIES * kind.itemsize), e.stack(QUERIES * kind.itemsize)
        with e.loop(QUERIES) as i:
            e.store(e.const(1, kind), ones, i)
        return Queries(q, g, self.panels(), self.panels(), scores, products, slopes, ones)

    def keys(self, places: list[Value], table: Table, memory: Queries, block: tuple[Value, Value, Value], sums: Value) -> None:
        """Write what becomes of a block of keys: (head, first, count)."""
        e, (head, first, count) = self.e, block
        _, k, v, mask, _, _, _, _, by_k, by_v, *_ = places
        far, width, out = table.moved(head), table["width"], table["out"]
        (k_row, k_column), (v_row, v_column) = ((table[f"{name}.row"], table[f"{name}.column"]) for name in "kv")
        across, values, along = self.panels(KEYS), self.panels(KEYS), self.panels()
        k, v = self.at(k, far["k"] + first * k_row), self.at(v, far["v"] + first * v_row)
        e.call("panels", None, k, k_row, k_column, across, width, count)
        e.call("panels", None, v, v_row, v_column, values, out, count)
        e.call("panels", None, k, k_column, k_row, along, count, width)
        row = head * table["keys"] + first
        below = self.masked(e.address(mask, far["mask"], self.mask_kind), e.index(0), e.index(0), first)
        here = Keys(across, values, along, self.at(by_k, row * width), self.at(by_v, row * out), below, first, count)
        start = e.math.floor_divide(first, QUERIES) * QUERIES if self.form.causal else e.index(0)
        with e.loop(table["queries"], start, QUERIES) as i:
            self.queries(places, table, memory, here, (head, i, e.math.minimum(table["queries"] - i, QUERIES)), sums)

    def queries(
        self, places: list[Value], table: Table, memory: Queries, keys: Keys, block: tuple[Value, Value, Value], sums: Value
    ) -> None:
        """Write what becomes of a block of queries, (head, first, rows), beside a block of keys."""
        e, (head, first, rows), width, out = self.e, block, table["width"], table["out"]
        q, _, _, _, y, total, g, *_ = places
        far, row = table.moved(head), head * table["queries"] + first
        for name, source, to, panels, wide in (
            ("q", q, memory.q, memory.q_panels, width),
            ("g", g, memory.g, memory.g_panels, out),
        ):
            steps = table[f"{name}.row"], table[f"{name}.column"]
            here = self.at(source, far[name] + first * steps[0])
            self.strips(here, steps, to, wide, rows)
            e.call("panels", None, here, steps[1], steps[0], panels, rows, wide)
        self.slopes(memory, self.at(y, row * out), rows, out)
        ahead = first - keys.first
        words = places[11], table.blocks(row, keys.first)
        self.weights(table, memory, keys, (rows, first, ahead), (self.at(total, row), self.at(sums, first * width), *words))
        with e.loop(keys.count, 0, self.high) as j:
            # queries before the first of these keys see none of them
            before = e.math.minimum(e.math.maximum(j - ahead, 0), rows) if self.form.causal else e.index(0)
            depth, high = rows - before, e.math.minimum(keys.count - j, self.high)
            with e.when(depth > 0):
                for left, right, to, wide in (
                    (memory.scores, memory.g_panels, keys.by_v, out),
                    (memory.products, memory.q_panels, keys.by_k, width),
                ):
                    column, panel = self.at(left, before * self.apart + j), self.at(right, before * self.tiles.wide)
                    e.call("added.columns", None, column, panel, depth, high, wide, memory.ones, self.at(to, j * wide), wide)

    def slopes(self, memory: Queries, y: Value, rows: Value, out: Value) -> None:
        """Write Σ ȳ y for each query."""
        e = self.e
        with e.loop(rows) as i:
            g, row = self.at(memory.g, i * self.apart), self.at(y, i * out)
            zero = e.const(0, self.kind, self.lanes)
            total = e.variable(zero)
            for block in e.blocks(out, self.lanes, carried=[total]):
                both = block.load(g, self.kind) * block.load(row, self.kind)
                total.value = total.value + block.keep(both, zero)
            e.store(e.reduce(total.value, e.add), memory.slopes, i)

    def weights(
        self, table: Table, memory: Queries, keys: Keys, block: tuple[Value, Value, Value], places: tuple[Value, ...]
    ) -> None:
        """Write p and s̄ of a block of queries, (rows, first, ahead), strip by strip, and what is added to q̄."""
        e, (rows, first, ahead), (total, sums, state, number) = self.e, block, places
        width, out, step = table["width"], table["out"], table["mask.row"]
        with e.loop(rows, 0, self.high) as i:
            high, seen = e.math.minimum(rows - i, self.high), ahead + i + 1
            depth = self.seen(seen + high - 1, keys.count)
            with e.when(depth > 0):
                at = lambda place, i=i: self.at(place, i * self.apart)
                scores, products = at(memory.scores), at(memory.products)
                e.call("scores", None, at(memory.q), keys.across, width, depth, scores)
                e.call("scores", None, at(memory.g), keys.values, out, depth, products)
                mask = self.masked(keys.mask, first + i, step, e.index(0))
                numbers = (high, keys.count, seen, mask, step, table.factor("scale", self.kind))
                words = (state, number + table.blocks(i, e.index(0)), table.address)
                e.call("pulled", None, scores, products, *numbers, self.at(total, i), self.at(memory.slopes, i), *words)
                row = self.at(sums, i * width)
                e.call("added.rows", None, products, keys.along, depth, high, width, memory.ones, row, width)

    def write_pulled(self) -> None:
        """Write pulled(scores, products, rows, keys, seen, mask, step, scale, total, slopes, state, number, table).

        p and s̄ take the places of scores and products; what is dropped of p is zero there.
        """
        e, kind = self.e, self.kind
        numbers = [(name, int64) for name in ("rows", "keys", "seen")]
        after = [("mask", pointer), ("step", int64), ("scale", kind), ("total", pointer), ("slopes", pointer)]
        after += [("state", pointer), ("number", int64), ("table", pointer)]
        function = e.function("pulled", [("scores", pointer), ("products", pointer), *numbers, *after], internal=True)
        with (
            function as (scores, products, rows, keys, first, mask, step, scale, total, slopes, *words, table),
            e.loop(rows) as i,
        ):
            row, other = self.at(scores, i * self.apart), self.at(products, i * self.apart)
            below, seen = self.masked(mask, i, step, e.index(0)), self.seen(first + i, keys)
            log, slope = e.load(total, kind, i), e.load(slopes, kind, i)
            kept = self.kept(seen, (words[0], words[1] + Table(e, table).blocks(i, e.index(0))), table)
            for block in e.blocks(seen, self.lanes, unroll=2):
                wide = lambda x, block=block: e.splat(x, block.lanes)
                p = e.math.exp(self.score(block, row, below, scale) - wide(log))
                z = block.load(other, kind)
                drop = None if kept is None else block.load(kept, kind)
                block.store(p if drop is None else p * drop, row)
                z = z if drop is None else z * drop
                block.store(self.shown(block, below, p * (z - wide(slope)) * wide(scale)), other)
            if self.form.causal:
                for each in (row, other):
                    self.clear(self.at(each, seen), keys - seen)

    def shown(self, block: Block, mask: Value, x: Value) -> Value:
        """Return a cotangent of scores, zero where a bool mask hides them, NaN or not."""
        if self.form.mask != "bool":
            return x
        return self.e.select(block.load(mask, self.mask_kind), x, 0.0)
