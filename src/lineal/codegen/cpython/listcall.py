"""One Python builtin for loops over lists of tensors: it reads where arrays begin, calls code, and notes what was written.

The first argument is a table of whole numbers, made once for lists like these (`LAYOUT`): every array is compared with it, so
that nothing need be known of the lists. The code gets the addresses of a set of numbers and of the arrays, row by row, one
tensor of each list. Nothing may overlap what is written: the order in which arrays lie is kept, and compared with where they
lie now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.histories import slots_of
from lineal.codegen.cpython.objects import ALIGNED, WRITEABLE, ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.values import Value

__all__ = ["LAYOUT", "Lodging", "listcall"]

LAYOUT = "code release rows lists written dtype places objects order lengths shapes numbers".split()
"""The words of the table: the code's address, whether to give the GIL away, how many rows and lists there are and how many of
the lists are written, the dtype, and addresses: of where arrays begin, of the arrays themselves, of their places in the order
of addresses (twice, plus 1 for one that is written), of their lengths in bytes, of the shapes of rows (the number of axes, then
their sizes), and of the code's table."""
CODE, RELEASE, ROWS, LISTS, WRITTEN, DTYPE, PLACES, OBJECTS, ORDER, LENGTHS, SHAPES, NUMBERS = range(len(LAYOUT))
SINGLES, NAME, CLOCK, FIRST = range(1, 5)
"""What the builtin is given after the table: the numbers, what writes, the number of the write; then come the lists."""
ORDERED = 3
"""The flags of an array in C order and of one in Fortran's."""


@dataclass(frozen=True, eq=False)
class Lodging:
    """The classes that the builtin reads: of tensors, their subclasses that pass, and of what notes the writes to memory."""

    tensor: type
    passing: set[type]
    memory: type


class ListCallWriter(ObjectWriter):
    """Writes the builtin."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, lodging: Lodging):
        super().__init__(e, found)
        self.lodging = lodging
        self.tensors = slots_of(lodging.tensor, ("value", "memory"))
        self.memories = slots_of(lodging.memory, ("version", "written", "writer", "inference"))

    def write(self) -> None:
        """Write `entry(self, args, count)`: True if it is done, None if arrays lie in another order."""
        e = self.e
        with e.function("entry", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            self.table_at = field(e, e.load(args, pointer), self.layout.data, pointer)
            self.args = args
            self.rows, self.lists, self.written = (self.word(n) for n in (ROWS, LISTS, WRITTEN))
            self.places, self.objects = self.at(PLACES), self.at(OBJECTS)
            self.expect(count == self.lists + FIRST)
            e.store(field(e, e.load(args, pointer, SINGLES), self.layout.data, pointer), self.places)
            self.look()
            self.compare_order()
            self.run()
            self.note()
            e.ret(self.retain(self.of(True)))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self_, args, count, e.const(0, pointer)))

    def word(self, place: int) -> Value:
        return self.e.load(self.table_at, int64, place)

    def at(self, place: int) -> Value:
        return self.e.load(self.table_at, pointer, place)

    def tensor(self, which: Value, row: Value) -> Value:
        """Write `lists[which][row]`."""
        e = self.e
        return e.call("PyList_GetItem", pointer, e.load(self.args, pointer, which + FIRST), row)

    # what is compared

    def look(self) -> None:
        """Write the look at every tensor, which is kept together with where it begins."""
        e = self.e
        with e.loop(self.lists) as which:
            self.expect(e.call("PyList_Size", int64, e.load(self.args, pointer, which + FIRST)) == self.rows)
        shape = e.variable(self.at(SHAPES))
        with e.loop(self.rows, carried=[shape]) as row:
            rank = e.load(shape.value, int64)
            ordered = e.slot(e.const(ORDERED, int32))
            with e.loop(self.lists) as which:
                array = self.array(self.tensor(which, row), which < self.written)
                self.compare_shape(array, rank, shape.value)
                e.store(e.load(ordered, int32) & field(e, array, self.layout.flags, int32), ordered)
                place = row * self.lists + which
                e.store(array, self.objects, place)
                e.store(field(e, array, self.layout.data, pointer), self.places, place + 1)
            self.expect(e.load(ordered, int32) != 0)
            shape.value = e.address(shape.value, rank + 1, int64)

    def array(self, x: Value, is_written: Value) -> Value:
        """Write the look at a tensor, whose writes are noted already if it is to be written; return its array."""
        e, at = self.e, self.layout
        kind = field(e, x, at.type, pointer)
        with e.when(kind != self.of(self.lodging.tensor)):
            self.expect(e.call("PySet_Contains", int32, self.of(self.lodging.passing), kind) == 1)
        array = field(e, x, self.tensors["value"], pointer)
        self.expect(array != 0)
        self.expect(field(e, array, at.type, pointer) == self.of(np.ndarray))
        self.expect(field(e, array, at.dtype, int64) == self.word(DTYPE))
        flags = e.select(is_written, e.const(ALIGNED | WRITEABLE, int32), e.const(ALIGNED, int32))
        self.expect((field(e, array, at.flags, int32) & flags) == flags)
        with e.when(is_written):
            memory = field(e, x, self.tensors["memory"], pointer)
            self.expect((memory != 0) & (memory != self.of(None)))
            self.expect(field(e, memory, at.type, pointer) == self.of(self.lodging.memory))
            self.expect(field(e, memory, self.memories["inference"], pointer) == self.of(False))
        return array

    def compare_shape(self, array: Value, rank: Value, shape: Value) -> None:
        """Write that an array has the shape of its row."""
        e, at = self.e, self.layout
        self.expect(e.cast(field(e, array, at.ndim, int32), int64) == rank)
        sizes = field(e, array, at.shape, pointer)
        with e.loop(rank) as n:
            self.expect(e.load(sizes, int64, n) == e.load(shape, int64, n + 1))

    def compare_order(self) -> None:
        """Write that the arrays lie in the order that is kept, and nothing overlaps what is written."""
        e = self.e
        order, lengths = self.at(ORDER), self.at(LENGTHS)
        end, written_end = (e.slot(e.const(0, int64)) for _ in range(2))
        before = e.slot(e.const(0, int64))
        unordered, go_on = e.label("unordered"), e.label("ordered")
        with e.loop(self.rows * self.lists) as n:
            word = e.load(order, int64, n)
            place, is_written = e.math.right_shift(word, 1), (word & 1) != 0
            start = e.load(self.places, int64, place + 1)
            stop = start + e.load(lengths, int64, place)
            bound = e.select(is_written, e.load(end, int64), e.math.maximum(e.load(written_end, int64), e.load(before, int64)))
            follows = e.label("follows")
            e.branch(start < bound, unordered, follows)
            e.begin(follows)
            e.store(start, before)
            e.store(e.math.maximum(e.load(end, int64), stop), end)
            with e.when(is_written):
                e.store(stop, written_end)
        e.jump(go_on)
        e.begin(unordered)
        e.ret(self.retain(self.of(None)))
        e.begin(go_on)

    # what is done

    def run(self) -> None:
        """Write the call of the code; while others may have the GIL, the arrays are held."""
        e, given = self.e, (self.places, self.at(NUMBERS))
        with e.if_else(self.word(RELEASE) != 0) as (then, otherwise):
            with then:
                with e.loop(self.rows * self.lists) as n:
                    self.retain(e.load(self.objects, pointer, n))
                state = e.call("PyEval_SaveThread", pointer)
                e.call_pointer(self.at(CODE), *given)
                e.call("PyEval_RestoreThread", None, state)
                with e.loop(self.rows * self.lists) as n:
                    self.release(e.load(self.objects, pointer, n))
            with otherwise:
                e.call_pointer(self.at(CODE), *given)

    def note(self) -> None:
        """Write that the memory of what was written has another version, since when, and by what."""
        e = self.e
        name, clock = (e.load(self.args, pointer, n) for n in (NAME, CLOCK))
        with e.loop(self.rows) as row, e.loop(self.written) as which:
            memory = field(e, self.tensor(which, row), self.tensors["memory"], pointer)
            version = e.call("PyLong_AsSsize_t", int64, field(e, memory, self.memories["version"], pointer))
            self.replace(memory, "version", e.call("PyLong_FromSsize_t", pointer, version + 1))
            self.replace(memory, "written", self.retain(clock))
            self.replace(memory, "writer", self.retain(name))

    def replace(self, memory: Value, name: str, reference: Value) -> None:
        """Write a new reference into a slot, in the place of what is there."""
        e, slot = self.e, self.memories[name]
        before = field(e, memory, slot, pointer)
        e.store(reference, e.offset(memory, slot))
        self.release(before)


def refuse(*_: Any) -> bool:
    """Say that nothing is done."""
    return False


@once
def listcall(lodging: Lodging) -> Callable[..., bool | None] | None:
    """Return the builtin; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = ListCallWriter(e, found, lodging)
    except LookupError:
        return None
    writer.write()
    linked = engine().build(e, ["entry"], {name: at for name, at in writer.symbols.items() if name in e.declared})
    return builtin(linked["entry"], refuse, (linked, writer.kept), "listcall")
