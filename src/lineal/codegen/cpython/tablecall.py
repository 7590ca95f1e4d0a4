"""One Python builtin for all kernels that serve many sizes: what its arguments must be stands in a table, not in the code.

The last argument is the table (`plan`): the kernel's address and that of its numbers, whether to give the GIL away, and for
each other argument what an `Argument` says. The kernel gets the address of its arguments' addresses, and that of its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.objects import ALIGNED, WRITEABLE, Argument, ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.values import Value

__all__ = ["plan", "tablecall"]

KERNEL, NUMBERS, RELEASE, COUNT, HEAD = range(5)
"""The first words of a plan."""
HOLDER, SLOT, DTYPE, FLAGS, NDIM, LENGTH, AXES = range(7)
"""The words of an argument: a holder's type or 0, its slot; dtype, flags, axes, words in all; size, step, 1 for each axis."""
UNCHECKED = -1
"""The number of axes where shape and strides may be any."""


class TableCallWriter(ObjectWriter):
    """Writes the builtin."""

    def write(self) -> None:
        """Write `entry(self, args, count)`."""
        e = self.e
        with e.function("entry", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            last = count - 1
            plan = field(e, e.load(args, pointer, last), self.layout.data, pointer)
            self.expect(e.load(plan, int64, COUNT) == last)
            addresses = e.new(f"alloca ptr, {count.typed}", pointer)
            place = e.variable(e.index(HEAD))
            with e.loop(last, carried=[place]) as n:
                row = e.address(plan, place.value, int64)
                e.store(self.argument(e.load(args, pointer, n), row), addresses, n)
                place.value = place.value + e.load(row, int64, LENGTH)
            status = e.variable(e.const(0, int32))
            with e.if_else(e.load(plan, int64, RELEASE) != 0, carried=[status]) as (then, otherwise):
                with then:
                    state = e.call("PyEval_SaveThread", pointer)
                    status.value = self.run(plan, addresses)
                    e.call("PyEval_RestoreThread", None, state)
                with otherwise:
                    status.value = self.run(plan, addresses)
            with e.when(status.value != 0):
                e.ret(e.call("PyLong_FromSsize_t", pointer, e.cast(status.value, int64)))
                e.begin(e.label("never"))
            e.ret(self.retain(self.of(None)))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self_, args, count, e.const(0, pointer)))

    def run(self, plan: Value, addresses: Value) -> Value:
        """Write the call of the kernel; return its status."""
        e = self.e
        kernel, numbers = e.load(plan, pointer, KERNEL), e.load(plan, pointer, NUMBERS)
        return e.new(f"call i32 {kernel.text}({addresses.typed}, {numbers.typed})", int32)

    def argument(self, given: Value, row: Value) -> Value:
        """Write the comparison of an argument with a row of the plan; return the address of its data."""
        e, at = self.e, self.layout
        word = lambda n: e.load(row, int64, n)
        array = e.variable(given)
        with e.when(word(HOLDER) != 0, carried=[array]):
            self.expect(field(e, given, at.type, int64) == word(HOLDER))
            array.value = e.load(e.offset(given, word(SLOT)), pointer)
            self.expect(array.value != 0)
        found = array.value
        self.expect(field(e, found, at.type, pointer) == self.of(np.ndarray))
        flags = e.cast(word(FLAGS), int32)
        self.expect((field(e, found, at.dtype, int64) == word(DTYPE)) & ((field(e, found, at.flags, int32) & flags) == flags))
        count = word(NDIM)
        with e.when(count != UNCHECKED):
            self.expect(e.cast(field(e, found, at.ndim, int32), int64) == count)
        shape, strides = field(e, found, at.shape, pointer), field(e, found, at.strides, pointer)
        with e.loop(count) as n:
            axis = e.address(row, n * 3 + AXES, int64)
            size, step, checked = (e.load(axis, int64, k) for k in range(3))
            self.expect((e.load(shape, int64, n) == size) & ((e.load(strides, int64, n) == step) | (checked == 0)))
        return field(e, found, at.data, pointer)


@once
def tablecall(refuse: Callable) -> Callable | None:
    """Return the builtin, which calls `refuse` where arguments do not fit; None where arrays cannot be read natively."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    writer = TableCallWriter(e, found)
    writer.write()
    linked = engine().build(e, ["entry"], {name: at for name, at in writer.symbols.items() if name in e.declared})
    return builtin(linked["entry"], refuse, (linked, writer.kept), "program")


def plan(kernel: int, numbers: np.ndarray, release: bool, arguments: Sequence[Argument]) -> np.ndarray:
    """Return the plan of a kernel at an address with such arguments; the last may have any size. `numbers` must stay alive."""
    words = [kernel, numbers.ctypes.data, int(release), len(arguments)]
    for n, each in enumerate(arguments):
        holder = (0, 0) if each.holder is None else (id(each.holder), each.slot)
        flags = ALIGNED | (WRITEABLE if each.written else 0)
        # NumPy gives an array without elements any strides
        free = 0 in each.shape
        axes = [word for size, step in zip(each.shape, each.steps) for word in (size, step, int(size > 1 and not free))]
        any_size = n == len(arguments) - 1
        count, axes = (UNCHECKED, []) if any_size else (len(each.shape), axes)
        words += [*holder, id(each.dtype), flags, count, AXES + len(axes), *axes]
    return np.array(words, np.int64)
