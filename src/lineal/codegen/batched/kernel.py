"""From the code of one group of matrices to a function of arrays: the loop over groups, the threads, compiling, calling."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.batched.packing import Packing
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import Kind, int64, pointer
from lineal.codegen.parallel import parallel, taken
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

# vector operations that are worth a second thread
WORTH_THREADS = 700_000
# vector operations that a thread takes on at once
STEP = 20_000
# bytes of a cache line, and of the groups that are asked for ahead: fewer come anyhow, more drive out what is worked on
LINE, AHEAD = 64, (4096, 20000)


@dataclass(frozen=True)
class Operand:
    """An array of a kernel: `count` numbers of `kind`, side by side, for every matrix of the batch, or for all if `shared`."""

    count: int
    kind: Kind
    shared: bool = False


class Group:
    """The matrices that one pass of a kernel works on, `code.lanes` of them."""

    def __init__(self, code: Code, operands: Sequence[Operand], addresses: Sequence[Value]):
        self.code = code
        self.operands = operands
        self.addresses = addresses

    def packing(self, number: int) -> Packing:
        operand = self.operands[number]
        return Packing(self.code.e, operand.kind, operand.count, self.code.lanes)

    def load(self, number: int, grid: Grid) -> Grid:
        """Fill a grid of the operand's size from the operand."""
        operand = self.operands[number]
        if operand.shared:
            e, lanes = self.code.e, self.code.lanes
            for k in range(operand.count):
                grid[divmod(k, grid.columns)] = e.splat(e.load(self.addresses[number], operand.kind, k), lanes)
            return grid
        packing = self.packing(number)
        if self.code.unrolled and packing.at_once:
            packing.load_at_once(self.addresses[number], grid.values.__setitem__)
        else:
            packing.load(self.addresses[number], grid.base)
        return grid

    def store(self, number: int, grid: Grid) -> None:
        """Write a grid of the operand's size to the operand."""
        packing = self.packing(number)
        if self.code.unrolled and packing.at_once:
            packing.store_at_once(grid.element, self.addresses[number])
        else:
            grid.flush()
            packing.store(grid.base, self.addresses[number])

    def store_one(self, number: int, value: Value) -> None:
        """Write one number for every matrix."""
        self.code.e.store(value, self.addresses[number], kind=self.operands[number].kind)


Writer = Callable[[Group], None]


class Kernel:
    """A compiled kernel, called with one array an operand, each C-contiguous; the batch must have at least `lanes` matrices."""

    def __init__(self, operands: Sequence[Operand], kind: Kind, write: Writer, *, unrolled: bool, work: int):
        keep_freed_memory()
        using = engine()
        self.lanes = max(using.target.lanes(kind), 2)
        self.operands = tuple(operands)
        self.unrolled = unrolled
        e = Emitter(using.target)
        self.write(e, kind, write, work)
        symbols = pool().symbols()
        self.library = using.build(e, ["kernel"], {name: symbols[name] for name in symbols if name in e.declared})
        types = [*[ctypes.c_void_p] * len(self.operands), ctypes.c_int64]
        self.function = HOST.launch(self.library["kernel"], types)

    def write(self, e: Emitter, kind: Kind, write: Writer, work: int) -> None:
        """Write kernel(address, …, batch)."""
        lanes = self.lanes
        parameters = [*((f"p{n}", pointer) for n in range(len(self.operands))), ("batch", int64)]

        step = max(1, STEP // work)

        def groups(_start: Value, _stop: Value, *captured: Value) -> None:
            *bases, batch, done, count = captured
            with taken(e, done, count, step) as number:
                # the last group overlaps the one before it, so that none is partial
                first = e.math.minimum(number * lanes, batch - lanes)
                self.fetch_ahead(e, bases, first + lanes, lanes)
                addresses = [b if o.shared else e.address(b, first * o.count, o.kind) for b, o in zip(bases, self.operands)]
                write(Group(Code(e, kind, lanes, self.unrolled), self.operands, addresses))

        with e.function("kernel", parameters) as captured:
            count = e.math.floor_divide(captured[-1] + (lanes - 1), lanes)
            shared = [*captured, e.slot(e.const(0, int64)), count]
            parallel(e, "groups", count, shared, groups, least=max(2, WORTH_THREADS // work), grain=1)

    def fetch_ahead(self, e: Emitter, bases: Sequence[Value], first: Value, lanes: int) -> None:
        """Ask for the memory of the matrices from `first` on: rows of several at once are no pattern to a processor."""
        e.declared.setdefault("llvm.prefetch.p0", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        for base, operand in zip(bases, self.operands):
            size = operand.count * operand.kind.itemsize * lanes
            if operand.shared or not AHEAD[0] <= size <= AHEAD[1]:
                continue
            start = e.address(base, first * operand.count, operand.kind)
            with e.loop(size, 0, LINE) as offset:
                e.line(f"call void @llvm.prefetch.p0(ptr {e.offset(start, offset).text}, i32 0, i32 2, i32 1)")

    def __call__(self, *arrays: np.ndarray) -> None:
        threads = pool()
        if threads.threads:
            threads.follow()
        self.function(*[a.__array_interface__["data"][0] for a in arrays], len(arrays[0]))
