"""The way ahead: for each block of queries, one block of keys after the other, with a running maximum and sum for each query.

    m' = max(m, max s),  f = exp(m - m'),  l' = f l + Σ exp(s - m'),  y' = f y + Σ exp(s - m') v;   at the end y / l

Milakov and Gimelshein (2018), arXiv:1805.02867; Dao et al. (2022), algorithm 1.
"""

from __future__ import annotations

import math

import numpy as np

from lineal.codegen.attention.blocks import Blocks, Table
from lineal.codegen.attention.problem import KEYS
from lineal.codegen.contract.contraction import WORTH_THREADS
from lineal.codegen.kinds import float64, int64, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value

__all__ = ["NAME", "PARAMETERS", "Forward"]

NAME = "attention"
PARAMETERS = [(name, pointer) for name in ("q", "k", "v", "mask", "y", "total", "state", "table")]
QUERIES = 192
"""How many queries share the copies of keys and values that are made for them."""
PIECES = 16
"""Into how many ranges the blocks are cut for each thread; some take longer than others."""


class Forward(Blocks):
    """Writes attention(q, k, v, mask, y, total, state, table): y and, for each query, log Σ exp s."""

    def write(self) -> None:
        super().write()
        self.write_weights()
        e = self.e
        with e.function(NAME, PARAMETERS) as given:
            table = Table(e, given[-1])
            heads, queries, keys = table["heads"], table["queries"], table["keys"]
            blocks = e.math.floor_divide(queries + (QUERIES - 1), QUERIES)
            worth = (table["spread"] != 0) & (heads * queries * keys * table["width"] >= WORTH_THREADS)
            shared(e, NAME, heads * blocks, [*given, blocks], self.work, grain=1, pieces=PIECES, worth=worth)

    def work(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the blocks of a range; of a head, the last queries, which may see the most, come first."""
        e, (*places, blocks) = self.e, given
        table = Table(e, places[-1])
        with e.loop(stop, start) as item:
            head = e.math.floor_divide(item, blocks)
            first = (blocks - 1 - (item - head * blocks)) * QUERIES
            self.block(places, table, head, first)

    def block(self, places: list[Value], table: Table, head: Value, first: Value) -> None:
        """Write what becomes of a block of queries."""
        e, kind, (q, k, v, mask, y, total, state, _) = self.e, self.kind, places
        far, queries, width, out = table.moved(head), table["queries"], table["width"], table["out"]
        rows = e.math.minimum(queries - first, QUERIES)
        limit = e.math.minimum(table["keys"], first + rows) if self.form.causal else table["keys"]
        steps = {name: (table[f"{name}.row"], table[f"{name}.column"]) for name in "qkv"}
        strips, keys, values = self.room(QUERIES), self.panels(KEYS), self.panels()
        tops, sums = e.stack(QUERIES * kind.itemsize), e.stack(QUERIES * float64.itemsize)
        self.strips(self.at(q, far["q"] + first * steps["q"][0]), steps["q"], strips, width, rows)
        result = self.at(y, (head * queries + first) * out)
        self.clear(result, rows * out)
        with e.loop(rows) as i:
            e.store(e.const(np.finfo(kind.dtype).min, kind), tops, i)
            e.store(e.const(0, float64), sums, i)
        with e.loop(limit, 0, KEYS) as j:
            count = e.math.minimum(limit - j, KEYS)
            (k_row, k_column), (v_row, v_column) = steps["k"], steps["v"]
            e.call("panels", None, self.at(k, far["k"] + j * k_row), k_row, k_column, keys, width, count)
            e.call("panels", None, self.at(v, far["v"] + j * v_row), v_column, v_row, values, count, out)
            below = self.masked(e.address(mask, far["mask"], self.mask_kind), first, table["mask.row"], j)
            words = state, table.blocks(head * queries + first, j)
            self.strip(table, (strips, keys, values, tops, sums, below, result), (rows, count, first - j), words)
        self.finish(result, e.address(total, head * queries + first, kind), (tops, sums), rows, out)

    def strip(
        self, table: Table, places: tuple[Value, ...], block: tuple[Value, Value, Value], words: tuple[Value, Value]
    ) -> None:
        """Write the loop over the strips of a block, (rows, count, ahead), whose random words are found by (state, number).

        `ahead`: how many keys lie between the first one and the first query.
        """
        e, (strips, keys, values, tops, sums, mask, result), (rows, count, ahead) = self.e, places, block
        scores, factors = self.room(0), e.stack(self.high * self.kind.itemsize)
        width, out, mask_row = table["width"], table["out"], table["mask.row"]
        with e.loop(rows, 0, self.high) as i:
            high = e.math.minimum(rows - i, self.high)
            seen = ahead + i + 1
            depth = self.seen(seen + high - 1, count)
            with e.when(depth > 0):
                e.call("scores", None, self.at(strips, i * self.apart), keys, width, depth, scores)
                here = (self.at(tops, i), e.address(sums, i, float64), factors)
                below = self.masked(mask, i, mask_row, e.index(0))
                given = (high, depth, seen, below, mask_row, table.factor("scale", self.kind))
                dropping = (words[0], words[1] + table.blocks(i, e.index(0)), table.address)
                e.call("weights", None, scores, *given, *here, *dropping)
                row = self.at(result, i * out)
                e.call("added.rows", None, scores, values, depth, high, out, factors, row, out)

    def write_weights(self) -> None:
        """Write weights(scores, rows, keys, seen, mask, step, scale, tops, sums, factors, state, number, table).

        exp(s - m') takes the place of scores, or zero of what is dropped.
        """
        e, kind = self.e, self.kind
        numbers = [(name, int64) for name in ("rows", "keys", "seen")]
        after = [(name, pointer) for name in ("tops", "sums", "factors")]
        parameters = [("scores", pointer), *numbers, ("mask", pointer), ("step", int64), ("scale", kind), *after]
        parameters += [("state", pointer), ("number", int64), ("table", pointer)]
        function = e.function("weights", parameters, internal=True)
        with function as (scores, rows, keys, first, mask, step, scale, tops, sums, factors, *words, table), e.loop(rows) as i:
            row, below = self.at(scores, i * self.apart), self.masked(mask, i, step, e.index(0))
            seen = self.seen(first + i, keys)
            before = e.load(tops, kind, i)
            top = self.largest(row, below, scale, seen, before)
            factor, total = e.math.exp(before - top), self.exponentials(row, below, scale, seen, top)
            e.store(top, tops, i)
            e.store(factor, factors, i)
            so_far = e.load(sums, float64, i) * e.cast(factor, float64)
            e.store(so_far + e.cast(total, float64), sums, i)
            kept = self.kept(seen, (words[0], words[1] + Table(e, table).blocks(i, e.index(0))), table)
            if kept is not None:
                for block in e.blocks(seen, self.lanes):
                    block.store(block.load(row, kind) * block.load(kept, kind), row)
            if self.form.causal:
                self.clear(self.at(row, seen), keys - seen)

    def largest(self, row: Value, mask: Value, scale: Value, count: Value, before: Value) -> Value:
        """Return the largest score of a row, or what was the largest before; masked scores are left in their place.

        NaN need not be the largest: its exponential is NaN whatever is subtracted.
        """
        e = self.e
        tops = [e.variable(e.splat(before, self.lanes)) for _ in range(2)]
        for block in e.blocks(count, self.lanes, unroll=2, carried=tops):
            t = self.score(block, row, mask, scale)
            if self.form.mask:
                block.store(t, row)
            top = tops[block.turn]
            top.value = larger(block.keep(t, -math.inf), top.value)
        return e.reduce(larger(tops[0].value, tops[1].value), larger)

    def exponentials(self, row: Value, mask: Value, scale: Value, count: Value, top: Value) -> Value:
        """Write the exponentials of scores less the largest in their place; return their sum."""
        e = self.e
        zero = e.const(0, self.kind, self.lanes)
        totals = [e.variable(zero) for _ in range(2)]
        for block in e.blocks(count, self.lanes, unroll=2, carried=totals):
            t = block.load(row, self.kind)
            t = t if self.form.mask else t * e.splat(scale, block.lanes)
            p = e.math.exp(t - e.splat(top, block.lanes))
            block.store(p, row)
            total = totals[block.turn]
            total.value = total.value + block.keep(p, zero)
        return e.reduce(totals[0].value + totals[1].value, e.add)

    def finish(self, result: Value, total: Value, state: tuple[Value, Value], rows: Value, out: Value) -> None:
        """Write the division by the sums, and the logarithms of what exponentials sum up to."""
        e, kind, (tops, sums) = self.e, self.kind, state
        with e.loop(rows) as i:
            found, row = e.load(sums, float64, i), self.at(result, i * out)
            # the largest score gives 1: a sum of less has no scores
            divisor = e.cast(e.select(found < 1.0, e.const(1, float64), found) if self.form.safe else found, kind)
            for block in e.blocks(out, self.lanes):
                block.store(block.load(row, kind) / e.splat(divisor, block.lanes), row)
            log = e.cast(e.load(tops, kind, i), float64) + e.math.log(found)
            log = e.select(found <= 0.0, e.const(math.inf, float64), log) if self.form.safe else log
            e.store(e.cast(log, kind), total, i)


def larger(x: Value, y: Value) -> Value:
    """Return the larger of two numbers, y if x is NaN."""
    return x.emitter.select(x > y, x, y)
