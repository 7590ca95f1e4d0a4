"""Loops over rows: the code of groups that run together, row by row."""

from __future__ import annotations

import math
from contextlib import ExitStack

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.kernels.loops import LoopWriter, parameters
from lineal.compiler.kernels.partials import ALIGNMENT, Partials, reserved
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.scheduling.cost import FUNCTION, WORTH_THREADS, nanoseconds, of_formula
from lineal.compiler.scheduling.rows import Rows

__all__ = ["write_rows"]

MANY = 128
"""From how many rows on, added one after the other in memory, sums lie there in float64."""

TOGETHER, FEW = 8, 8
"""How many rows are added up before they are added to the sums in memory, if a row takes at most so few short maps."""


class RowWriter:
    """Writes the function of one `Rows`."""

    def __init__(self, e: Emitter, rows: Rows):
        assert rows.outer is not None
        self.e = e
        self.rows = rows
        self.sums = rows.sums()
        self.writers = self.writers_of(merged=True)
        if len({tuple(axis.size for axis in each.rows) for each in self.writers}) > 1:
            self.writers = self.writers_of(merged=False)
        self.sizes = [axis.size for axis in self.writers[0].rows]
        self.total = sum(math.prod(group.space or ()) for group in rows.groups)
        self.chunks = min(Partials.count(self.sums, self.total), self.sizes[0]) if self.sums else self.sizes[0]
        added = -(-self.sizes[0] // self.chunks) * math.prod(self.sizes[1:])
        self.partials = Partials(e, self.sums, self.writers[0].combined, wide=e.general or added > MANY)
        for writer in self.writers:
            writer.wide = self.partials.kinds

    def writers_of(self, merged: bool) -> list[LoopWriter]:
        """Return a writer for each group."""
        count = len(self.rows.outer or ())
        found = [LoopWriter(self.e, group, count, self.rows.local, merged) for group in self.rows.groups]
        for each in found:
            each.prepare()
        return found

    def write(self, name: str) -> None:
        """Write the function `name`; its parameters are the addresses of `parameters(rows)`."""
        e, buffers = self.e, parameters(self.rows)
        with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))]) as given:
            memory = [self.partials.reserve(self.chunks)] if self.sums else []
            work = lambda start, stop, *captured: self.work(start, stop, buffers, captured)
            worth = self.chunks > 1 and sum(map(nanoseconds, self.rows.groups)) >= WORTH_THREADS
            if e.spread if e.general else worth:
                shared(e, name, e.apart(self.chunks), (*given, *memory), work, grain=1, worth=e.decided(worth))
            else:
                work(0, e.apart(self.chunks), *given, *memory)
            if self.sums:
                self.partials.finish(memory[0], self.chunks, dict(zip(buffers, given)))

    def work(self, start: int | Value, stop: int | Value, buffers: list[Buffer], captured: tuple[Value, ...]) -> None:
        """Write the loop of one thread over its rows, or over its chunks of rows if they are summed up."""
        e = self.e
        addresses = dict(zip(buffers, captured))
        addresses |= self.scratch()
        if not self.sums:
            self.over(start, stop, addresses)
            return
        size = e.apart(-(-self.sizes[0] // self.chunks))
        with e.loop(stop, start) as chunk:
            places = self.partials.places(captured[-1], chunk)
            self.partials.clear(places, self.writers[0].start)
            first = e.math.minimum(chunk * size, self.sizes[0])
            self.over(first, e.math.minimum(first + size, self.sizes[0]), addresses | places)

    def scratch(self) -> dict[Buffer, Value]:
        """Return memory for one row of each buffer that is local; what is read for the last time leaves its place to others."""
        count, local = len(self.rows.outer or ()), self.rows.local
        order = list(enumerate(self.rows.groups))
        last = {buffer: n for n, group in order for buffer in (*group.stored, *group.external()) if buffer in local}
        places: dict[Buffer, Value] = {}
        free: dict[int, list[Value]] = {}
        size = lambda buffer: -(-math.prod(buffer.shape[count:]) * buffer.dtype.itemsize // ALIGNMENT) * ALIGNMENT
        for n, group in enumerate(self.rows.groups):
            for buffer in (each for each in group.stored if each in local):
                waiting = free.get(size(buffer))
                places[buffer] = waiting.pop() if waiting else reserved(self.e, size(buffer))
            for buffer in (each for each in last if last[each] == n):
                free.setdefault(size(buffer), []).append(places[buffer])
        return places

    def over(self, start: int | Value, stop: int | Value, addresses: dict[Buffer, Value]) -> None:
        """Write the loops over rows, and in them those of the groups."""
        e = self.e
        for count in (TOGETHER, 1) if self.only_sums() else (1,):
            with ExitStack() as stack:
                first = stack.enter_context(e.loop(stop - (count - 1), start, count))
                others = [stack.enter_context(e.loop(size)) for size in self.sizes[1:]]
                for writer in self.writers:
                    writer.body(addresses, [dict(zip(writer.rows, (first + n, *others))) for n in range(count)])
            start = first

    def only_sums(self) -> bool:
        """Return whether rows are short work, and nothing but added up."""
        maps = [each for writer in self.writers for each in writer.maps]
        short = len(maps) <= FEW and all(of_formula(each.formula) < FUNCTION for each in maps)
        return len(self.writers) == 1 and bool(self.sums) and short


def write_rows(e: Emitter, rows: Rows, name: str) -> bool:
    """Write the function of groups that run row by row; return that it returns no status."""
    RowWriter(e, rows).write(name)
    return False
