"""A Python builtin for kernels that call NumPy several times: it runs NumPy's own inner loops, one after the other, itself.

What the kernel does to arrays of certain forms stands in a plan, whole numbers that `codegen/steps.py` makes: what the arrays
must be, what the results are, and of each step the loop, where its operands lie and how they move on. The builtin's self is a
tuple: the addresses of the plans, after their number, and where it goes if none fits. The loops are those that NumPy would have
called, on as many numbers at a time, so the results are the same to the last bit; what is saved is the way to them, of half a
microsecond to two for each. It holds the GIL throughout, so that all plans share memory for what is between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import bound
from lineal.codegen.cpython.histories import all_of, offset_in_tuple
from lineal.codegen.cpython.objects import ALIGNED, ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import Kind, int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.values import Value

__all__ = ["FORMS", "MOST_ARRAYS", "MOST_OPERANDS", "SIZED", "STORED", "library", "own_loop", "stepcall"]

ARGUMENTS, RESULTS, STEPS, HEAD = range(4)
"""The first words of a plan: how many arrays it takes, how many it makes, how many steps there are. Then come their rows."""
DTYPE, NDIM, LENGTH, AXES = range(4)
"""The words of an argument: dtype, axes, words in all; size, stride, whether that matters, for each axis. Of a result: dtype,
axes, words in all, sizes."""
ITSELF = -1
"""The number of axes of an argument that is to be one object, whose address stands for the dtype."""
LOOP, DATA, OPERANDS, WORDS, PLACES, TURNS, SIZES, STRIDES = 0, 1, 2, 3, 4, 5, 7, 11
"""The words of a step: the loop and its data, how many operands, words in all, where the operands' places begin, how often it
is called along two axes, the loop's sizes, up to four, its strides. A place: which array, an offset into it in bytes, how far
that moves on along the axes."""
SIZED = STRIDES - SIZES
"""How many sizes a loop has at most."""
MOST_ARRAYS, MOST_OPERANDS = 12, 6
"""How many arrays come and go at most, and how many operands a loop has."""
FLAG = MOST_ARRAYS
"""The array that is no array: a number that steps may write, so that the call goes the slow way in the end."""
HOPELESS = -1
"""The number of plans of a kernel that is called right away, since it has none."""
FORMS = 8
"""For how many forms of arrays a kernel has plans at most."""
LOOP_ARGUMENTS = ("addresses", "sizes", "strides", "data")
STORED = (kinds.bool_, kinds.int32, kinds.int64, kinds.float32, kinds.float64)
"""The kinds that are converted into each other, copied and selected."""


class StepCallWriter(ObjectWriter):
    """Writes the builtin, and the loops that NumPy has no function for."""

    def write(self) -> None:
        """Write `entry(self, args, count)`."""
        self.write_fits()
        e = self.e
        with e.function("entry", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            plans, slow, kernel = (e.load(self_, pointer, offset_in_tuple() // 8 + n) for n in range(3))
            known, plan = field(e, plans, self.layout.data, pointer), e.slot(e.const(0, pointer))
            with e.when(e.load(known, int64) == HOPELESS):
                e.ret(e.call("PyObject_Vectorcall", pointer, kernel, args, count, e.const(0, pointer)))
                e.begin(e.label("never"))
            with e.loop(e.load(known, int64)) as n, e.when(e.load(plan, pointer) == 0):
                candidate = e.load(known, pointer, n + 1)
                with e.when(e.call("fits", int64, candidate, args, count) != 0):
                    e.store(candidate, plan)
            plan = e.load(plan, pointer)
            self.expect(plan != 0)
            flag = e.slot(e.index(0))
            arrays = self.vector([e.const(0, pointer)] * MOST_ARRAYS)
            bases = self.vector([*[e.const(0, pointer)] * MOST_ARRAYS, flag])
            row = self.given(plan, args, bases)
            row = self.results(plan, row, arrays, bases)
            self.steps(plan, row, bases)
            failed = e.call("PyErr_Occurred", pointer) != 0
            with e.when(failed | (e.load(flag, int64) != 0)), e.loop(e.load(plan, int64, RESULTS)) as n:
                self.release(e.load(arrays, pointer, n))
            with e.when(failed):
                e.ret(e.const(0, pointer))
                e.begin(e.label("never"))
            self.expect(e.load(flag, int64) == 0)
            e.ret(self.returned(plan, arrays))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, slow, args, count, e.const(0, pointer)))

    def write_fits(self) -> None:
        """Write `fits(plan, args, count)`: 1 if the arguments are as a plan says, else 0."""
        e = self.e
        with e.function("fits", [("plan", pointer), ("args", pointer), ("count", int64)], int64, internal=True) as (
            plan,
            args,
            count,
        ):
            self.expect(e.load(plan, int64, ARGUMENTS) == count)
            row = e.variable(e.address(plan, HEAD, int64))
            with e.loop(count, carried=[row]) as n:
                x = e.load(args, pointer, n)
                with e.if_else(e.load(row.value, int64, NDIM) == ITSELF) as (one, array):
                    with one:
                        self.expect(x == e.load(row.value, pointer, DTYPE))
                    with array:
                        self.is_array(x, row.value)
                row.value = e.address(row.value, e.load(row.value, int64, LENGTH), int64)
            e.ret(e.index(1))
            e.begin("slow")
            e.ret(e.index(0))

    def is_array(self, x: Value, row: Value) -> None:
        """Write that an argument is an array as its row says."""
        e, at = self.e, self.layout
        self.expect(field(e, x, at.type, pointer) == self.of(np.ndarray))
        self.expect(field(e, x, at.dtype, int64) == e.load(row, int64, DTYPE))
        self.expect((field(e, x, at.flags, int32) & ALIGNED) == ALIGNED)
        ndim = e.load(row, int64, NDIM)
        self.expect(e.cast(field(e, x, at.ndim, int32), int64) == ndim)
        shape, strides = field(e, x, at.shape, pointer), field(e, x, at.strides, pointer)
        with e.loop(ndim) as axis:
            size, step, checked = (e.load(row, int64, axis * 3 + (AXES + k)) for k in range(3))
            same = (e.load(strides, int64, axis) == step) | (checked == 0)
            self.expect((e.load(shape, int64, axis) == size) & same)

    def given(self, plan: Value, args: Value, bases: Value) -> Value:
        """Write the look at where the arguments begin; return where the results' rows do."""
        e = self.e
        row = e.variable(e.address(plan, HEAD, int64))
        with e.loop(e.load(plan, int64, ARGUMENTS), carried=[row]) as n:
            e.store(field(e, e.load(args, pointer, n), self.layout.data, pointer), bases, n)
            row.value = e.address(row.value, e.load(row.value, int64, LENGTH), int64)
        return row.value

    def results(self, plan: Value, rows: Value, arrays: Value, bases: Value) -> Value:
        """Write the making of the results; return where the steps' rows begin."""
        e, none = self.e, self.e.const(0, pointer)
        first, row = e.load(plan, int64, ARGUMENTS), e.variable(rows)
        with e.loop(e.load(plan, int64, RESULTS), carried=[row]) as n:
            descr = self.retain(e.load(row.value, pointer, DTYPE))
            dims = e.cast(e.load(row.value, int64, NDIM), int32), e.address(row.value, AXES, int64)
            made = e.call(
                "PyArray_NewFromDescr", pointer, self.of(np.ndarray), descr, *dims, none, none, e.const(0, int32), none
            )
            with e.when(made == 0):
                e.ret(none)
                e.begin(e.label("never"))
            e.store(made, arrays, n)
            e.store(field(e, made, self.layout.data, pointer), bases, first + n)
            row.value = e.address(row.value, e.load(row.value, int64, LENGTH), int64)
        return row.value

    def steps(self, plan: Value, rows: Value, bases: Value) -> None:
        """Write the run of all steps."""
        e = self.e
        row, given = e.variable(rows), self.vector([e.const(0, pointer)] * MOST_OPERANDS)
        with e.loop(e.load(plan, int64, STEPS), carried=[row]):
            step = row.value
            loop, data, count = e.load(step, pointer, LOOP), e.load(step, pointer, DATA), e.load(step, int64, OPERANDS)
            places = e.address(step, e.load(step, int64, PLACES), int64)
            sizes, strides = e.address(step, SIZES, int64), e.address(step, STRIDES, int64)
            turns = [e.load(step, int64, TURNS + n) for n in range(2)]
            with e.loop(turns[0]) as far, e.loop(turns[1]) as near:
                with e.loop(count) as k:
                    which, offset, *moves = (e.load(places, int64, k * 4 + n) for n in range(4))
                    e.store(e.offset(e.load(bases, pointer, which), offset + moves[0] * far + moves[1] * near), given, k)
                e.call_pointer(loop, given, sizes, strides, data)
            row.value = e.address(step, e.load(step, int64, WORDS), int64)

    def returned(self, plan: Value, arrays: Value) -> Value:
        """Write the making of what is returned: the array, or a tuple of several."""
        e, found = self.e, self.e.slot(self.e.load(arrays, pointer))
        count = e.load(plan, int64, RESULTS)
        with e.when(count > 1):
            e.store(e.call("PyTuple_New", pointer, count), found)
            with e.loop(count) as n:
                e.call("PyTuple_SetItem", int32, e.load(found, pointer), n, e.load(arrays, pointer, n))
        return e.load(found, pointer)


def own_loop(name: str, *given: Kind) -> str:
    """Return the name of a loop of lineal's own."""
    return "_".join([name, *[each.name for each in given]])


def write_own_loops(e: Emitter) -> list[str]:
    """Write conversions and choices, in the form of NumPy's inner loops; return their names."""
    names = ["expect_true", "expect_false", "expect_word"]
    for name in names:
        write_expect(e, name)
    for kind in STORED:
        for wanted in STORED:
            names.append(own_loop("cast", kind, wanted))
            write_loop(e, names[-1], (kind,), wanted, lambda x: x)
        for name, better in (("argmax", "gt"), ("argmin", "lt")):
            names.append(own_loop(name, kind))
            write_extreme(e, names[-1], kind, better)
        names.append(own_loop("argsort", kind))
        write_ranks(e, names[-1], kind)
        for name in ("take", "put", "add")[: 2 if kind is kinds.bool_ else 3]:
            names.append(own_loop(name, kind))
            write_places(e, names[-1], kind, name)
        names.append(own_loop("select", kind))
        write_loop(e, names[-1], (kinds.bool_, kind, kind), kind, e.select)
    return names


def write_expect(e: Emitter, name: str) -> None:
    """Write `name(addresses, sizes, strides, data)`, which sets a flag unless a bool, or eight bytes, are as expected."""
    with e.function(name, [(each, pointer) for each in LOOP_ARGUMENTS]) as (addresses, _, _, data):
        flag, x = (e.load(addresses, pointer, n) for n in range(2))
        if name == "expect_word":
            found, wanted = e.load(x, int64), e.new(f"ptrtoint {data.typed} to i64", int64)
        else:
            found, wanted = e.cast(e.load(x, kinds.bool_), int64), e.index(int(name == "expect_true"))
        with e.when(found != wanted):
            e.store(e.index(1), flag)


def write_extreme(e: Emitter, name: str, kind: Kind, better: str) -> None:
    """Write `name(addresses, sizes, strides, data)`: where the first of the best of so many numbers is, of which NaN is."""
    with e.function(name, [(each, pointer) for each in LOOP_ARGUMENTS]) as (addresses, sizes, strides, _):
        x, y = (e.load(addresses, pointer, n) for n in range(2))
        best, found = e.variable(e.load(x, kind)), e.variable(e.index(0))
        with e.loop(e.load(sizes, int64), 1, carried=[best, found]) as n:
            here = e.load(e.offset(x, n * e.load(strides, int64)), kind)
            unknown = (here != here) & (best.value == best.value)
            taken = e.compare(better, e.cast(here, int64), e.cast(best.value, int64)) if kind is kinds.bool_ else None
            taken = (e.compare(better, here, best.value) if taken is None else taken) | unknown
            best.value, found.value = e.select(taken, here, best.value), e.select(taken, n, found.value)
        e.store(found.value, y)


def write_ranks(e: Emitter, name: str, kind: Kind) -> None:
    """Write `name(addresses, sizes, strides, data)`: the places that sort a few numbers stably, NaN last, by comparing all."""
    with e.function(name, [(each, pointer) for each in LOOP_ARGUMENTS]) as (addresses, sizes, strides, _):
        (x, y), steps = ([e.load(each, kind, n) for n in range(2)] for each, kind in ((addresses, pointer), (strides, int64)))
        count, bits = e.load(sizes, int64), kind is kinds.bool_
        number = lambda n: e.cast(e.load(e.offset(x, n * steps[0]), kind), int64 if bits else kind)
        less = lambda a, b: (a < b) | ((a == a) & (b != b))
        with e.loop(count) as n:
            here, rank = number(n), e.variable(e.index(0))
            with e.loop(count, carried=[rank]) as other:
                there = number(other)
                before = less(there, here) | (~less(here, there) & (other < n))
                rank.value = rank.value + e.cast(before, int64)
            e.store(n, e.offset(y, rank.value * steps[1]))


def write_places(e: Emitter, name: str, kind: Kind, what: str) -> None:
    """Write `name(addresses, sizes, strides, data)`: numbers are taken from places, so many bytes apart, put or added there.

    The sizes are the number of places and the bytes, the data is how many places there are; a flag is set if one is none.
    """
    with e.function(name, [(each, pointer) for each in LOOP_ARGUMENTS]) as (addresses, sizes, strides, data):
        at, steps = ([e.load(each, kind, n) for n in range(4)] for each, kind in ((addresses, pointer), (strides, int64)))
        most, apart = e.new(f"ptrtoint {data.typed} to i64", int64), e.load(sizes, int64, 1)
        if what == "take" and kind is not kinds.bool_:
            # a whole line of one place
            place, width = e.load(at[1], int64), kind.bits // 8
            line = all_of([steps[0] == width, steps[1] == 0, steps[2] == width, place >= 0, place < most])
            with e.when(line):
                first = e.offset(at[0], place * apart)
                for part in e.blocks(e.load(sizes, int64), kind):
                    part.store(part.load(first, kind), at[2], kind)
                e.ret()
                e.begin(e.label("never"))
        with e.loop(e.load(sizes, int64)) as n:
            place = e.load(e.offset(at[1], n * steps[1]), int64)
            there = (place >= 0) & (place < most)
            with e.when(~there):
                e.store(e.index(1), at[3])
            with e.when(there):
                named, other = e.offset(at[0], n * steps[0] + place * apart), e.offset(at[2], n * steps[2])
                source, target = (named, other) if what == "take" else (other, named)
                x = e.load(source, kind)
                e.store(x + e.load(target, kind) if what == "add" else x, target, kind=kind)


def write_loop(e: Emitter, name: str, given: tuple[Kind, ...], result: Kind, work: Callable[..., Value]) -> None:
    """Write `name(addresses, sizes, strides, data)`, which makes work(*xs) number by number."""
    with e.function(name, [(each, pointer) for each in LOOP_ARGUMENTS]) as (addresses, sizes, strides, _):
        places = [(e.load(addresses, pointer, n), e.load(strides, int64, n)) for n in range(len(given) + 1)]
        if kinds.bool_ not in (*given, result):
            close = all_of([step == kind.bits // 8 for kind, (_, step) in zip((*given, result), places)])
            with e.when(close):
                for part in e.blocks(e.load(sizes, int64), max((*given, result), key=lambda kind: kind.bits)):
                    xs = [part.load(at, kind) for kind, (at, _) in zip(given, places)]
                    part.store(e.cast(work(*xs), result), places[-1][0], result)
                e.ret()
                e.begin(e.label("never"))
        with e.loop(e.load(sizes, int64)) as n:
            xs = [e.load(e.offset(at, n * step), kind) for kind, (at, step) in zip(given, places)]
            at, step = places[-1]
            e.store(e.cast(work(*xs), result), e.offset(at, n * step), kind=result)


@once
def library() -> tuple[Library, list[object]] | None:
    """Return the builtin's code and what it refers to; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = StepCallWriter(e, found)
        writer.write()
        symbols = {**writer.symbols, "PyArray_NewFromDescr": layout.numpy_function(layout.NEW_FROM_DESCR)}
    except LookupError:
        return None
    loops = write_own_loops(e)
    linked = engine().build(e, ["entry", *loops], {name: at for name, at in symbols.items() if name in e.declared})
    return linked, writer.kept


def stepcall(plans: np.ndarray, slow: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the builtin of a kernel, with the addresses of its plans, which may grow; None where there can be none."""
    made = library()
    if made is None:
        return None
    return bound(made[0]["entry"], (plans, slow, kernel, made), "steps")
