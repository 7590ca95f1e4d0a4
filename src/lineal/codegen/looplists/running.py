"""Loop lists in emitted code: the look whether one fits some arrays, and its run; and loops that NumPy keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.histories import HistoryWriter, House
from lineal.codegen.cpython.objects import ALIGNED, field
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, bool_, float32, float64, int8, int16, int32, int64, pointer, uint8
from lineal.codegen.looplists.nests import DEPTH
from lineal.codegen.looplists.words import CONSTANTS, INPUTS, MOST_INPUTS, MOST_OUTPUTS, SCRATCH
from lineal.codegen.values import Value

__all__ = ["LEFT", "LIST", "NEW_FROM_DESCR", "NUMBER", "ListWriter", "write_own"]

NEW_FROM_DESCR = 94
"""The place of PyArray_NewFromDescr in the table of NumPy's C API, part of its binary interface since 1.0."""
LEFT, NUMBER, LIST = range(3)
"""What stands in a table of lists: after how many calls that fit none they are looked at, how many there are, the first."""
STEP_HEAD = 5 + DEPTH
OPERAND = 2 + DEPTH
WORD = 8


class ListWriter(HistoryWriter):
    """Writes the use of loop lists, and the functions that run them, which other modules are linked with."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, house: House, lists: Any = None):
        super().__init__(e, found, house)
        self.lists = lists

    @property
    def symbols(self) -> dict[str, int]:
        made = {**super().symbols, "PyArray_NewFromDescr": layout.numpy_function(NEW_FROM_DESCR)}
        return made if self.lists is None else {**made, **self.lists.functions}

    def listed(self, table: Value, kernel: Value, arrays: Value, many: Value) -> Value:
        """Write what a list of a table, an object, makes of arrays, 0 if none fits; after a number of those a list is made."""
        e = self.e
        words = field(e, table, self.layout.data, pointer)
        found = e.slot(self.ran(words, arrays, many))
        with e.when(e.load(found, pointer) == 0):
            left = e.load(words, int64, LEFT) - 1
            e.store(left, words, LEFT)
            with e.when(left == 0):
                given = self.vector([table, kernel, *[e.const(0, pointer)] * MOST_INPUTS])
                with e.loop(many) as n:
                    e.store(e.load(arrays, pointer, n), given, n + 2)
                done = e.call(
                    "PyObject_Vectorcall", pointer, self.of(self.lists.consider), given, many + 2, e.const(0, pointer)
                )
                self.or_raise(done)
                self.release(done)
        return e.load(found, pointer)

    def ran(self, table: Value, arrays: Value, many: Value) -> Value:
        """Write the run of the list, of those in a table, that fits; return the address of its new result, 0 if none fits."""
        e = self.e
        found, fitting = (e.slot(e.const(0, pointer)) for _ in range(2))
        with e.loop(e.load(table, int64, NUMBER)) as n, e.when(e.load(fitting, pointer) == 0):
            each = e.load(table, pointer, n + LIST)
            with e.when(e.call("fits", int64, each, arrays, many) != 0):
                e.store(each, fitting)
        with e.when(e.load(fitting, pointer) != 0):
            e.store(e.call("play", pointer, e.load(fitting, pointer), arrays, many), found)
        return e.load(found, pointer)

    def write_lists(self) -> None:
        """Write the functions, and the builtin `run(self, args, count)` of a table and arrays: None if no list fits."""
        e = self.e
        given = [("list", pointer), ("arrays", pointer), ("many", int64)]
        with e.function("fits", given, int64) as (words, arrays, many):
            self.write_fits(words, arrays, many)
        with e.function("play", given, pointer) as (words, arrays, many):
            self.write_play(words, arrays, many)
        with e.function("run", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (_, args, count):
            words = field(e, e.load(args, pointer), self.layout.data, pointer)
            found = self.ran(words, e.offset(args, WORD), count - 1)
            with e.when(found == 0):
                e.ret(self.none())
                e.begin(e.label("never"))
            e.ret(found)

    def write_fits(self, words: Value, arrays: Value, many: Value) -> None:
        """Write whether the dtypes, shapes and strides of arrays are those of a list."""
        e, at = self.e, self.layout
        self.expect(e.load(words, int64) == many)
        place = e.slot(e.offset(words, 6 * WORD))
        with e.loop(many) as n:
            array, wanted = e.load(arrays, pointer, n), e.load(place, pointer)
            ndim = e.cast(field(e, array, at.ndim, int32), int64)
            self.expect((field(e, array, at.dtype, pointer) == e.load(wanted, pointer)) & (ndim == e.load(wanted, int64, 1)))
            self.expect((field(e, array, at.flags, int32) & ALIGNED) != 0)
            shape, strides = field(e, array, at.shape, pointer), field(e, array, at.strides, pointer)
            with e.loop(ndim) as axis:
                self.expect(e.load(shape, int64, axis) == e.load(wanted, int64, axis + 2))
                self.expect(e.load(strides, int64, axis) == e.load(wanted, int64, axis + 2 + ndim))
            e.store(e.offset(wanted, (ndim * 2 + 2) * WORD), place)
        e.ret(e.const(1, int64))
        e.begin("slow")
        e.ret(e.const(0, int64))

    def write_play(self, words: Value, arrays: Value, many: Value) -> None:
        """Write the making of results, the steps, and the return of one array or a tuple of several."""
        e, at = self.e, self.layout
        addresses = self.vector([e.const(0, pointer)] * (INPUTS + MOST_INPUTS + MOST_OUTPUTS))
        made = self.vector([e.const(0, pointer)] * MOST_OUTPUTS)
        for place in (CONSTANTS, SCRATCH):
            e.store(e.load(words, pointer, 2 + place), addresses, place)
        place = e.slot(e.offset(words, 6 * WORD))
        with e.loop(many) as n:
            e.store(field(e, e.load(arrays, pointer, n), at.data, pointer), addresses, n + INPUTS)
            ndim = e.load(e.load(place, pointer), int64, 1)
            e.store(e.offset(e.load(place, pointer), (ndim * 2 + 2) * WORD), place)
        outputs = e.load(words, int64, 1)
        with e.loop(outputs) as n:
            self.write_result(place, made, n)
            e.store(field(e, e.load(made, pointer, n), at.data, pointer), addresses, many + INPUTS + n)
        step = e.slot(e.offset(words, e.load(words, int64, 5) * WORD))
        with e.loop(e.load(words, int64, 4)):
            count = self.write_step(e.load(step, pointer), addresses)
            e.store(e.offset(e.load(step, pointer), (count * OPERAND + STEP_HEAD) * WORD), step)
        with e.when(outputs == 1):
            e.ret(e.load(made, pointer))
            e.begin(e.label("never"))
        several = e.call("PyTuple_New", pointer, outputs)
        with e.loop(outputs) as n:
            e.call("PyTuple_SetItem", int32, several, n, e.load(made, pointer, n))
        e.ret(several)

    def write_result(self, place: Value, made: Value, n: Value) -> None:
        """Write the making of result n, which `place` describes, into `made`; `place` goes on to the next."""
        e = self.e
        told, none = e.load(place, pointer), e.const(0, pointer)
        ndim, descr = e.load(told, int64, 1), self.retain(e.load(told, pointer))
        given = self.of(np.ndarray), descr, e.cast(ndim, int32), e.offset(told, 2 * WORD), none, none
        array = e.call("PyArray_NewFromDescr", pointer, *given, e.const(0, int32), none)
        self.or_raise(array)
        e.store(array, made, n)
        e.store(e.offset(told, (ndim + 2) * WORD), place)

    def write_step(self, step: Value, addresses: Value) -> Value:
        """Write the nest of loops of a step; return how many operands it has."""
        e = self.e
        loop, data, sizes, strides = (e.load(step, pointer, n) for n in range(4))
        count, operands = e.load(step, int64, 4), self.vector([e.const(0, pointer)] * 6)
        with e.loop(e.load(step, int64, 5)) as i, e.loop(e.load(step, int64, 6)) as j, e.loop(e.load(step, int64, 7)) as k:
            with e.loop(count) as n:
                told = e.offset(step, (n * OPERAND + STEP_HEAD) * WORD)
                start, *steps = (e.load(told, int64, 1 + m) for m in range(1 + DEPTH))
                away = start + i * steps[0] + j * steps[1] + k * steps[2]
                e.store(e.offset(e.load(addresses, pointer, e.load(told, int64)), away), operands, n)
            e.call_pointer(loop, operands, sizes, strides, data)
        return count


# loops that NumPy has, but not where they can be called

WIDTHS = {1: int8, 2: int16, 4: int32, 8: int64}
NUMBERS = (bool_, int8, uint8, int16, int32, int64, float32, float64)


def write_own(e: Emitter) -> list[str]:
    """Write loops that copy, choose and convert, called as NumPy's are; return their names."""
    names = []
    for size, kind in WIDTHS.items():
        names.append(write_loop(e, f"copy_{size}", (kind, kind), lambda x: x))
        names.append(write_loop(e, f"where_{size}", (int8, kind, kind, kind), lambda c, a, b: e.select(c != 0, a, b)))
    for given, wanted in product(NUMBERS, NUMBERS):
        if given is not wanted:
            stored = uint8 if given is bool_ else given
            convert = partial(converted, e, wanted)
            names.append(write_loop(e, f"cast_{given.name}_{wanted.name}", (stored, wanted), convert))
    return names


def converted(e: Emitter, wanted: Kind, x: Value) -> Value:
    """Write a number as another kind."""
    return e.cast(x, wanted)


def write_loop(e: Emitter, name: str, kinds: tuple[Kind, ...], formula: Callable[..., Any]) -> str:
    """Write a loop over operands of these kinds, of which the last is the result."""
    given = [("args", pointer), ("sizes", pointer), ("steps", pointer), ("data", pointer)]
    with e.function(name, given) as (args, sizes, steps, _):
        places = [e.load(args, pointer, n) for n in range(len(kinds))]
        strides = [e.load(steps, int64, n) for n in range(len(kinds))]
        with e.loop(e.load(sizes, int64)) as n:
            xs = [e.load(e.offset(place, n * step), kind) for place, step, kind in zip(places[:-1], strides, kinds)]
            e.store(formula(*xs), e.offset(places[-1], n * strides[-1]), kind=kinds[-1])
        e.ret()
    return name
