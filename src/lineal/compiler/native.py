"""Native code of a schedule: a function per loop, and the function that calls them in order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from lineal.codegen import blas
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import int32, int64, kind_of, pointer
from lineal.codegen.threads import pool
from lineal.codegen.values import Value
from lineal.compiler.grouping import Group
from lineal.compiler.loops import parameters, write_loop
from lineal.compiler.nodes import Base, Join, Product, Scatter, Window
from lineal.compiler.rowloops import write_rows
from lineal.compiler.rows import Rows
from lineal.compiler.scatter import write_scatter

__all__ = ["Segment"]

Home = int | Base | tuple[Base, int]

WORTH_THREADS = 1 << 22
"""From how many multiplications on a program lets BLAS use several threads: waking them costs more than smaller products."""
FAILED = 1
"""The status of a program that met an index out of range."""


class Segment:
    """Groups that run natively one after the other: one function of the addresses of `bases`, then of the arena.

    `homes` says where the other bases lie: at an offset in the arena, or in the memory of another base, that many bytes on.
    """

    def __init__(self, groups: Sequence[Group], bases: Sequence[Base], homes: dict[Base, Home], moves: Sequence[tuple[Base, Base]]):
        self.groups = groups
        self.bases = list(bases)
        self.homes = homes
        self.moves = moves
        self.modules: dict[str, Emitter] = {}
        self.calls: list[tuple[str, bool]] = []
        for group in groups:
            self.calls.append(("", False) if isinstance(group.nodes[0], (Join, Product)) else self.loop(group))
        self.driver = Emitter()
        self.before: Value | None = None
        self.drive()

    def loop(self, group: Group) -> tuple[str, bool]:
        """Write the function of a group, once for all that read the same; return its name and whether it has a status."""
        e = Emitter()
        write = write_rows if isinstance(group, Rows) else write_scatter if isinstance(group.nodes[0], Scatter) else write_loop
        status = write(e, group, "loop")
        name = "loop_" + hashlib.sha256(e.text().encode()).hexdigest()[:16]
        if name not in self.modules:
            e = Emitter()
            write(e, group, name)
            self.modules[name] = e
        return name, status

    def drive(self) -> None:
        """Write the function that calls the others."""
        e = self.driver
        with e.function("program", [(f"p{n}", pointer) for n in range(len(self.bases) + 1)], int32) as (*given, arena):
            address = dict(zip(self.bases, given))
            for base, home in self.homes.items():
                address[base] = self.place(home, address, arena)
            products = [group.nodes[0] for group in self.groups if isinstance(group.nodes[0], Product)]
            small = bool(products) and max(map(work, products)) < WORTH_THREADS
            self.before = before = blas.limit(e, 1) if small else None
            for group, (name, status) in zip(self.groups, self.calls):
                node = group.nodes[0]
                if isinstance(node, Product):
                    multiply(e, node, address)
                elif isinstance(node, Join):
                    continue
                elif status:
                    self.checked(e, name, [address[base] for base in parameters(group)])
                else:
                    e.call(name, None, *[address[base] for base in parameters(group)])
            if before is not None:
                blas.limit(e, before)
            for base, target in self.moves:
                e.call("memcpy", pointer, address[target], address[base], e.const(base.nbytes, int64))
            e.ret(e.const(0, int32))

    def place(self, home: Home, address: dict[Base, Value], arena: Value) -> Value:
        """Return the address of a home."""
        if isinstance(home, Base):
            return address[home]
        if isinstance(home, tuple):
            return self.driver.offset(address[home[0]], home[1])
        return self.driver.offset(arena, home) if home else arena

    def checked(self, e: Emitter, name: str, given: Sequence[Value]) -> None:
        """Call a function that may fail, and stop if it does."""
        status = e.call(name, int32, *given)
        with e.when(status != 0):
            if self.before is not None:
                blas.limit(e, self.before)
            e.ret(e.const(FAILED, int32))
            e.begin(e.label("never"))

    def link(self) -> Library:
        """Compile and link everything."""
        using = engine()
        sources = [*self.modules.values(), self.driver]
        objects = using.compile_all(sources)
        symbols = blas.symbols(blas.used(self.driver))
        if any("lineal_pool" in each.declared for each in self.modules.values()):
            symbols.update(pool().symbols())
        return using.link(objects, ["program"], symbols)


def work(node: Product) -> int:
    """Return how many multiplications a product takes."""
    return math.prod(node.out.shape) * node.a.shape[-1]


def multiply(e: Emitter, node: Product, address: dict[Base, Value]) -> None:
    """Write the product of two matrices, or of two stacks one after the other."""
    kind = kind_of(node.out.dtype)
    *lead, m, n = node.out.shape
    k = node.a.shape[-1]
    a, a_turned, a_row = layout(node.a)
    b, b_turned, b_row = layout(node.b)
    places = [e.address(address[each.base], each.offset, kind) for each in (node.a, node.b)]
    if not lead:
        blas.gemm(e, kind, *places, address[node.out], m, n, k, transpose_a=a_turned, transpose_b=b_turned, strides=(a_row, b_row, n))
        return
    for place in range(math.prod(lead)):
        rest, index = place, []
        for size in reversed(lead):
            rest, here = divmod(rest, size)
            index.append(here)
        steps = [sum(i * s for i, s in zip(reversed(index), each.strides)) for each in (node.a, node.b)]
        at = [e.address(base, step, kind) for base, step in zip(places, steps)]
        out = e.address(address[node.out], place * m * n, kind)
        blas.gemm(e, kind, *at, out, m, n, k, transpose_a=a_turned, transpose_b=b_turned, strides=(a_row, b_row, n))


def layout(window: Window) -> tuple[Window, bool, int]:
    """Return a matrix's window, whether it lies by columns, and how far its rows (or columns) are apart."""
    (m, n), (rows, columns) = window.shape[-2:], window.strides[-2:]
    if columns == 1 or n == 1 and rows >= 1 and columns != 1 and m > 1 and rows >= n:
        return window, False, max(rows, n, 1)
    if n == 1:
        return window, False, max(rows, 1)
    return window, True, max(columns, m, 1)


