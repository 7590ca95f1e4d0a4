"""The door of ops of one and two inputs as Python builtins: what `core/door.py` does around the kernel, in a third of the time.

One function serves all ops of one input, and one those of two: what differs from op to op lies in a tuple, the builtin's self.
Tensors of the usual classes, with nobody listening, pass here; all else goes to the tuple's last callable, before anything is
done. The kernel is the same callable on either way, and so are the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.config import LARGE_NARROW
from lineal.codegen.cpython import layout, stepcall
from lineal.codegen.cpython.entry import bound
from lineal.codegen.cpython.exactloops import KINDS, LOOPS, name_of, write_loops
from lineal.codegen.cpython.histories import HistoryWriter, House, all_of, any_of, offset_in_tuple
from lineal.codegen.cpython.objects import ALIGNED, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import Kind, bfloat16, float16, int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.stepkernels import stepwise
from lineal.codegen.values import Value

__all__ = ["Door", "opened"]

TABLE, KERNEL, REST, OP, SLOW = range(5)
"""What the tuple of a door holds."""
LARGE, DIFFERENTIABLE, ALIKE, PLANS, LOOP, EXTENDED, DTYPES = 0, 1, 2, 3, 15, 15 + len(KINDS), 16 + len(KINDS)
"""The words of its table: the size from which `rest` works, whether there is a derivative, whether inputs of different shapes
go the slow way when one is wanted, what is kept, the addresses of exact loops, whether others than NumPy's pass, and the
addresses of those of NumPy that do, none for all, after their number."""
NOTHING, INPUT, FREED, SPEC = range(4)
"""What is kept of the input of an op that has one: nothing, itself, or its shape and dtype, in a list or in a tuple."""
C_ORDER = 0x1
FOREIGN = 256
"""From where on NumPy numbers the dtypes of others; of tensors that pass, bfloat16 alone."""


@dataclass(frozen=True, eq=False)
class Door:
    """One op's part: its kernels, what it keeps for the derivative, and where all else goes."""

    op: Any
    kernel: Callable[..., Any]
    rest: Callable[..., Any]
    slow: Callable[..., Any]
    large: int
    differentiable: bool
    alike: bool
    plans: tuple[int, ...]
    """Of one input: what is kept of it, and whether the output is. Of two, by which want derivatives, both, the first, the
    second: whether anything is kept of the inputs, the first, the second, the output."""
    dtypes: Sequence[np.dtype]


class DoorWriter(HistoryWriter):
    """Writes the builtin for ops of so many inputs."""

    def write(self, name: str, number: int) -> None:
        """Write `name(self, args, count)`."""
        e = self.e
        with e.function(name, [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            self.door = [e.load(self_, pointer, offset_in_tuple() // 8 + n) for n in range(SLOW + 1)]
            self.words = field(e, self.door[TABLE], self.layout.data, pointer)
            self.expect(count == number)
            xs = [e.load(args, pointer, n) for n in range(number)]
            arrays = [self.array(x) for x in xs]
            self.usual(arrays)
            self.modes()
            for x in xs:
                self.synchronize(x)
            wanted = self.wanted(xs, arrays)
            value = self.computed(arrays)
            y = self.tensor(value)
            with e.when(wanted):
                node = self.grown(xs, arrays, value)
                self.release(self.of(None))
                self.put(y, self.tensors["node"], node)
            e.ret(y)
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self.door[SLOW], args, count, e.const(0, pointer)))

    # what passes

    def usual(self, arrays: list[Value]) -> None:
        """Write that the arrays are of one dtype, one of those that pass; where all do, they may be of several."""
        e = self.e
        dtypes = [field(e, each, self.layout.dtype, pointer) for each in arrays]
        count = self.word(DTYPES)
        self.alike = all_of([each == dtypes[0] for each in dtypes])
        self.expect((count == 0) | self.alike)
        passes = e.slot(e.cast((count == 0) | (self.is_kind(arrays[0], bfloat16) & (self.word(EXTENDED) != 0)), int64))
        with e.loop(count) as n, e.when(e.load(self.words, pointer, n + (DTYPES + 1)) == dtypes[0]):
            e.store(e.const(1, int64), passes)
        self.expect(e.load(passes, int64) != 0)

    def wanted(self, xs: list[Value], arrays: list[Value]) -> Value:
        """Write whether a derivative may be asked for."""
        e, none = self.e, self.of(None)
        history = any_of([field(e, x, self.tensors["node"], pointer) != none for x in xs])
        wanted = e.slot(e.const(0, int64))
        with e.when(history & (self.word(DIFFERENTIABLE) != 0)):
            enabled = self.current(self.house.grad_enabled) == self.of(True)
            e.store(e.cast(enabled, int64), wanted)
        if len(arrays) == 2:
            # where shapes differ, the derivative is that of operands repeated before
            with e.when((e.load(wanted, int64) != 0) & (self.word(ALIKE) != 0)):
                self.expect(self.same_shape(*arrays))
        return e.load(wanted, int64) != 0

    def same_shape(self, a: Value, b: Value) -> Value:
        """Write whether two arrays have one shape."""
        e, at = self.e, self.layout
        ranks = [field(e, each, at.ndim, int32) for each in (a, b)]
        shapes = [field(e, each, at.shape, pointer) for each in (a, b)]
        same = e.slot(e.cast(ranks[0] == ranks[1], int64))
        with (
            e.loop(e.cast(ranks[0], int64) * e.load(same, int64)) as n,
            e.when(e.load(shapes[0], int64, n) != e.load(shapes[1], int64, n)),
        ):
            e.store(e.index(0), same)
        return e.load(same, int64) != 0

    # what is done

    def computed(self, arrays: list[Value]) -> Value:
        """Write the work; return the new array."""
        e = self.e
        sizes = [self.size(each) for each in arrays]
        small = all_of([size < self.word(LARGE) for size in sizes])
        short = all_of([size < LARGE_NARROW for size in sizes])
        simple = small & (short | ~(self.is_kind(arrays[0], float16) | self.is_kind(arrays[0], bfloat16)))
        flat = all_of([field(e, each, self.layout.ndim, int32) < 3 for each in arrays])
        flags = [field(e, each, self.layout.flags, int32) for each in arrays]
        ordered = all_of([(each & C_ORDER) != 0 for each in flags])
        loop, y = self.loop(arrays[0]), e.slot(e.const(0, pointer))
        with e.when(small & self.alike & all_of([(each & ALIGNED) != 0 for each in flags]) & (loop != 0)):
            e.store(self.looped(loop, arrays, sizes, flags), y)
        with e.when(e.load(y, pointer) == 0):
            e.store(self.called(e.select(simple & (flat | ordered), self.door[KERNEL], self.door[REST]), arrays), y)
        return e.load(y, pointer)

    def loop(self, array: Value) -> Value:
        """Write which exact loop there is for arrays of this dtype; 0 if none."""
        e, found = self.e, self.e.const(0, pointer)
        for n, each in enumerate(KINDS):
            found = e.select(self.is_kind(array, each), e.load(self.words, pointer, LOOP + n), found)
        return found

    def is_kind(self, array: Value, kind: Kind) -> Value:
        """Write whether an array holds numbers of a kind; bfloat16's dtype may not be there yet."""
        number = field(self.e, field(self.e, array, self.layout.dtype, pointer), self.layout.number, int32)
        record = dtypes.named(kind.name)
        return number >= FOREIGN if record.extension else number == record.numpy.num

    def looped(self, loop: Value, arrays: list[Value], sizes: list[Value], flags: list[Value]) -> Value:
        """Write the run of an exact loop, 0 if arrays do not fit; one of two may be one number, maybe repeated."""
        e, at, y = self.e, self.layout, self.e.slot(self.e.const(0, pointer))
        ranks = [field(e, each, at.ndim, int32) for each in arrays]
        ordered, like, steps = [(each & C_ORDER) != 0 for each in flags], arrays[0], [e.index(1)] * len(arrays)
        fits = e.slot(e.cast(ordered[0], int64))
        if len(arrays) == 2:
            single = [self.single(each, rank) for each, rank in zip(arrays, ranks)]
            like = e.select(ranks[0] == 0, arrays[1], arrays[0])
            steps = [e.select(one & ~other, e.index(0), e.index(1)) for one, other in zip(single, single[::-1])]
            e.store(e.cast((ordered[0] | (single[0] & ~single[1])) & (ordered[1] | (single[1] & ~single[0])), int64), fits)
            with e.when((e.load(fits, int64) != 0) & (ranks[0] != 0) & (ranks[1] != 0)):
                e.store(e.cast(self.same_shape(*arrays), int64), fits)
        with e.when(e.load(fits, int64) != 0):
            descr, none = self.retain(field(e, like, at.dtype, pointer)), e.const(0, pointer)
            dims = field(e, like, at.ndim, int32), field(e, like, at.shape, pointer)
            array = e.call(
                "PyArray_NewFromDescr", pointer, self.of(np.ndarray), descr, *dims, none, none, e.const(0, int32), none
            )
            self.or_raise(array)
            given = [each for x, step in zip(arrays, steps) for each in (field(e, x, at.data, pointer), step)]
            count = e.select(ranks[0] == 0, sizes[-1], sizes[0])
            e.call_pointer(loop, *given, field(e, array, at.data, pointer), count)
            e.store(array, y)
        return e.load(y, pointer)

    def single(self, array: Value, rank: Value) -> Value:
        """Write whether an array is one number: it has no dimensions, or none along which memory moves on."""
        e, steps = self.e, field(self.e, array, self.layout.strides, pointer)
        moves = e.slot(e.const(0, int64))
        with e.loop(e.cast(rank, int64)) as n:
            e.store(e.bits("or", e.load(moves, int64), e.load(steps, int64, n)), moves)
        return e.load(moves, int64) == 0

    def called(self, work: Value, arrays: list[Value]) -> Value:
        """Write the kernel's call, NumPy silent about inf and nan; return the new array."""
        e, house = self.e, self.house
        token = e.slot(e.const(0, pointer))
        with e.when(self.current(house.error_state) != self.of(house.silent)):
            e.store(e.call("PyContextVar_Set", pointer, self.of(house.error_state), self.of(house.silent)), token)
        found = e.slot(
            e.call("PyObject_Vectorcall", pointer, work, self.vector(arrays), e.index(len(arrays)), e.const(0, pointer))
        )
        with e.when(e.load(found, pointer) == 0):
            # the slow way fails too, and says why
            e.call("PyErr_Clear", None)
        with e.when(e.load(token, pointer) != 0):
            e.call("PyContextVar_Reset", int32, self.of(house.error_state), e.load(token, pointer))
            self.release(e.load(token, pointer))
        self.expect(e.load(found, pointer) != 0)
        with e.when(field(e, e.load(found, pointer), self.layout.type, pointer) != self.of(np.ndarray)):
            before = e.load(found, pointer)
            array = e.call(
                "PyObject_Vectorcall", pointer, self.of(np.asarray), self.vector([before]), e.index(1), e.const(0, pointer)
            )
            self.release(before)
            self.or_raise(array)
            e.store(array, found)
        return e.load(found, pointer)

    def size(self, array: Value) -> Value:
        """Write how many elements an array has."""
        e = self.e
        shape, size = field(e, array, self.layout.shape, pointer), e.slot(e.const(1, int64))
        with e.loop(e.cast(field(e, array, self.layout.ndim, int32), int64)) as n:
            e.store(e.load(size, int64) * e.load(shape, int64, n), size)
        return e.load(size, int64)

    # what is remembered

    def grown(self, xs: list[Value], arrays: list[Value], value: Value) -> Value:
        """Write the making of the node."""
        e = self.e
        node = self.node(self.door[OP])
        edges, indices = ([field(e, x, self.tensors[name], pointer) for x in xs] for name in ("node", "index"))
        self.put(node, self.nodes["edges"], self.together(edges))
        self.put(node, self.nodes["indices"], self.together(indices))
        kept, output = self.kept_of_one(xs[0], arrays[0]) if len(xs) == 1 else self.kept_of_two(xs, edges)
        self.put(node, self.nodes["kept"], kept)
        self.put(node, self.nodes["y"], self.retain(e.select(output, value, self.of(None))))
        self.place(node, 1)
        self.number_node(node)
        return node

    def kept_of_one(self, x: Value, array: Value) -> tuple[Value, Value]:
        """Write what is kept of the input, and whether the output is."""
        e, kept = self.e, self.e.slot(self.e.const(0, pointer))
        how = self.word(PLANS)
        with e.when(how < FREED):
            e.store(self.together([e.select(how == INPUT, x, self.of(None))]), kept)
        with e.when(how >= FREED):
            shape = e.call("PyObject_GetAttr", pointer, array, self.of("shape"))
            self.or_raise(shape)
            spec = self.together([shape, field(e, array, self.layout.dtype, pointer)])
            self.release(shape)
            with e.if_else(how == FREED) as (then, otherwise):
                with then:
                    holder = e.call("PyList_New", pointer, e.index(1))
                    e.call("PyList_SetItem", int32, holder, e.index(0), spec)
                    e.store(holder, kept)
                with otherwise:
                    e.store(self.together([spec]), kept)
                    self.release(spec)
        return e.load(kept, pointer), self.word(PLANS + 1) != 0

    def kept_of_two(self, xs: list[Value], edges: list[Value]) -> tuple[Value, Value]:
        """Write what is kept of the inputs, and whether the output is, by which of them want derivatives."""
        e, none = self.e, self.of(None)
        # both, the first alone, the second alone
        plan = e.select(edges[1] == none, e.index(1), e.select(edges[0] == none, e.index(2), e.index(0))) * 4 + PLANS
        first, second = (e.select(e.load(self.words, int64, plan + n + 1) != 0, x, none) for n, x in enumerate(xs))
        return self.together([first, second]), e.load(self.words, int64, plan + 3) != 0

    # objects

    def word(self, place: int) -> Value:
        return self.e.load(self.words, int64, place)


@once
def library(house: House) -> tuple[Library, list[object]] | None:
    """Return the two builtins' code and what it refers to; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = DoorWriter(e, found, house)
        for number, name in enumerate(("one", "two"), 1):
            writer.write(name, number)
        symbols = {**writer.symbols, "PyArray_NewFromDescr": layout.numpy_function(layout.NEW_FROM_DESCR)}
    except LookupError:
        return None
    loops = write_loops(e)
    linked = engine().build(e, ["one", "two", *loops], {name: at for name, at in symbols.items() if name in e.declared})
    # now, while nobody waits: a door's kernel is to be one call
    stepcall.library()
    return linked, writer.kept


def opened(house: House, door: Door, number: int) -> Callable[..., Any] | None:
    """Return the builtin of an op of so many inputs; None where there can be none."""
    made = library(house)
    if made is None:
        return None
    linked, _ = made
    dtypes = [each for each in door.dtypes if isinstance(each, np.dtype)]
    words = [door.large, door.differentiable, door.alike, *door.plans]
    table = np.zeros(DTYPES + 1 + len(dtypes), np.int64)
    table[: len(words)] = words
    if door.kernel.__class__ is np.ufunc and door.kernel in LOOPS:
        table[LOOP:EXTENDED] = [linked[name_of(door.kernel, each)] for each in KINDS]
    table[EXTENDED] = np.dtype(np.float16) in dtypes
    table[DTYPES] = len(dtypes)
    table[DTYPES + 1 :] = [id(each) for each in dtypes]
    self = (table, stepwise(door.kernel), door.rest, door.op, door.slow, made, dtypes)
    name = "one" if number == 1 else "two"
    return bound(linked[name], self, name)
