"""The ops of a call that is recalled, run one after the other by emitted code: `replay(plan, tensors)`.

A plan is whole numbers, which `worded` makes. Premises are looked at, random numbers drawn, and what was made may be written
into a tensor at the end; where anything is not as the plan says, nothing was done, and the function is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.replays import CONSTANT, GIVEN, MOST_RESULTS, STATE, Plan, Write
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.histories import HistoryWriter, House
from lineal.codegen.cpython.objects import field
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int8, int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["WORD", "ReplayWriter", "worded"]

WORD = 8
STEP, REF = 4, 2
"""How many words a step has before its inputs, and each input: op, inputs, results, class."""
PREMISE, ADVANCE, WRITE = -2, -3, -4
"""What stands for the number of results of a premise, as -1 does for a result that is in no tuple, of the step that lets the
generator's state go on, and of a write.
"""
GENERATOR, WRITER, RETURNED = 4, 5, 6
"""Where a plan says whose random numbers it draws, 0 if none, who is told as the writer of the state, and what it returns."""
C_ORDER = 0x1


class ReplayWriter(HistoryWriter):
    """Writes `replay`."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, house: House, apply: Any):
        super().__init__(e, found, house)
        self.apply = apply

    def reserved(self, words: int) -> Value:
        """Return the address of so many words of this call."""
        place = Value(self.e, self.e.name(), pointer)
        self.e.frame.slots.append(f"  {place.text} = alloca [{words} x i64]")
        return place

    def write_play(self) -> None:
        """Write `replay(plan, tensors)`, which returns what the call returns."""
        e = self.e
        with e.function("replay", [("plan", pointer), ("tensors", pointer)], pointer) as (plan, tensors):
            made, count = self.reserved(MOST_RESULTS + 1), e.slot(e.index(0))
            self.begin_draws(plan)
            step = e.slot(e.offset(plan, e.load(plan, int64, 3) * WORD))
            with e.loop(e.load(plan, int64)):
                kind = e.load(e.load(step, pointer), int64, 2)
                with e.when(kind == PREMISE):
                    self.write_premise(e.load(step, pointer), tensors, made, count)
                with e.when(kind == ADVANCE):
                    self.write_advance(plan, made, count)
                with e.when(kind == WRITE):
                    self.write_write(e.load(step, pointer), tensors, made, count)
                with e.when(kind >= -1):
                    self.write_op(e.load(step, pointer), tensors, made, count)
                inputs = e.load(e.load(step, pointer), int64, 1)
                e.store(e.offset(e.load(step, pointer), (inputs * REF + STEP) * WORD), step)
            returned = e.slot(e.const(0, pointer))
            parcel = e.load(plan, pointer, 2)
            with e.if_else(parcel == 0) as (alone, several):
                with alone:
                    e.store(self.retain(e.load(made, pointer, e.load(plan, int64, RETURNED))), returned)
                with several:
                    e.store(e.call("PyTuple_New", pointer, e.load(plan, int64, 1)), returned)
                    with e.loop(e.load(plan, int64, 1)) as n:
                        each = self.retain(e.load(made, pointer, e.load(plan, int64, n + RETURNED)))
                        e.call("PyTuple_SetItem", int32, e.load(returned, pointer), n, each)
                    with e.when(parcel != self.of(tuple)):
                        parts = e.load(returned, pointer)
                        e.store(self.vectorcall(parcel, [parts]), returned)
                        self.release(parts)
            self.end_draws()
            self.let_go(made, count)
            e.ret(e.load(returned, pointer))

    def input_of(self, step: Value, n: Value, tensors: Value, made: Value) -> Value:
        """Write the look for input n of a step."""
        e = self.e
        ref = e.offset(step, (n * REF + STEP) * WORD)
        kind, thing = e.load(ref, int64), e.load(ref, int64, 1)
        found = e.slot(e.select(kind == STATE, e.load(self.state, pointer), e.load(ref, pointer, 1)))
        with e.when((kind != CONSTANT) & (kind != STATE)):
            e.store(e.load(e.select(kind == GIVEN, tensors, made), pointer, thing), found)
        return e.load(found, pointer)

    def write_premise(self, step: Value, tensors: Value, made: Value, count: Value) -> None:
        """Write the look whether truth values are all true; where they are not, `replay` returns 0 and nothing is raised."""
        e, at = self.e, self.layout
        x = self.input_of(step, e.index(0), tensors, made)
        array = field(e, x, self.tensors["value"], pointer)
        size, shape = e.slot(e.index(1)), field(e, array, at.shape, pointer)
        with e.loop(e.cast(field(e, array, at.ndim, int32), int64)) as n:
            e.store(e.load(size, int64) * e.load(shape, int64, n), size)
        wrong = e.slot(e.cast((field(e, array, at.flags, int32) & C_ORDER) == 0, int64))
        data = field(e, array, at.data, pointer)
        with e.loop(e.load(size, int64)) as n, e.when(e.load(data, int8, n) == 0):
            e.store(e.index(1), wrong)
        with e.when(e.load(wrong, int64) != 0):
            self.give_up(made, count)
        e.store(self.retain(x), made, e.load(count, int64))
        e.store(e.load(count, int64) + 1, count)

    def write_op(self, step: Value, tensors: Value, made: Value, count: Value) -> None:
        """Write the run of a step's op, whose results join `made`."""
        e = self.e
        given, many, width = self.reserved(10), e.load(step, int64, 1), e.load(step, int64, 2)
        e.store(e.load(step, pointer), given)
        with e.loop(many) as n:
            e.store(self.input_of(step, n, tensors, made), given, n + 1)
        y = e.call("PyObject_Vectorcall", pointer, self.of(self.apply), given, many + 1, e.const(0, pointer))
        with e.when(y == 0):
            # the function will raise it again
            e.call("PyErr_Clear", None)
            self.give_up(made, count)
        first = e.slot(y)
        with e.if_else(width < 0) as (alone, several):
            with alone:
                e.store(y, made, e.load(count, int64))
                e.store(e.load(count, int64) + 1, count)
            with several:
                with e.loop(width) as n:
                    e.store(self.retain(e.call("PyTuple_GetItem", pointer, y, n)), made, e.load(count, int64) + n)
                e.store(e.load(made, pointer, e.load(count, int64)), first)
                e.store(e.load(count, int64) + width, count)
                self.release(y)
        with e.when(e.load(step, pointer, 3) != 0):
            node = field(e, e.load(first, pointer), self.tensors["node"], pointer)
            with e.when(node != self.of(None)):
                e.call("PyObject_SetAttr", int32, node, self.of("__class__"), e.load(step, pointer, 3))

    def write_write(self, step: Value, tensors: Value, made: Value, count: Value) -> None:
        """Write what `core.write` does to a tensor that has no history and is no view, while nobody refuses writes."""
        e = self.e
        target, source = (self.input_of(step, e.index(n), tensors, made) for n in range(2))
        memory, place = (e.slot(e.const(0, pointer)) for _ in range(2))
        with e.when(self.current(self.house.modes["guard"]) == self.of(None)):
            e.store(self.vectorcall(self.of(self.house.site), [self.of(1)]), place)
        with e.when(e.load(place, pointer) != 0):
            values = [field(e, each, self.tensors["value"], pointer) for each in (target, source)]
            with e.when(e.call("PyArray_CopyInto", int32, *values) != 0):
                self.release(e.load(place, pointer))
                e.store(e.const(0, pointer), place)
        with e.when(e.load(place, pointer) == 0):
            e.call("PyErr_Clear", None)
            self.give_up(made, count)
        with e.when(field(e, target, self.tensors["memory"], pointer) == self.of(None)):
            self.remember_memory(target)
        e.store(field(e, target, self.tensors["memory"], pointer), memory)
        self.touch(e.load(memory, pointer), self.together([e.load(step, pointer), e.load(place, pointer)]))
        self.release(e.load(place, pointer))
        e.store(self.retain(target), made, e.load(count, int64))
        e.store(e.load(count, int64) + 1, count)

    # random numbers

    def begin_draws(self, plan: Value) -> None:
        """Write the taking of the process's generator, if a plan draws and the thread has no generator of its own."""
        e, nothing = self.e, self.e.const(0, pointer)
        self.state, self.lock, self.drawn = e.slot(nothing), e.slot(nothing), e.slot(e.index(0))
        with e.when(e.load(plan, int64, GENERATOR) != 0):
            own = e.call("PyObject_GenericGetDict", pointer, e.load(plan, pointer, GENERATOR), nothing)
            state, lock = (self.retain(self.item(own, name)) for name in ("state", "lock"))
            self.release(own)
            alone = self.current(self.house.modes["thread_generator"]) == self.of(None)
            taken = e.slot(e.index(0))
            with e.when(alone & (field(e, state, self.tensors["memory"], pointer) != self.of(None))):
                e.store(e.cast(self.called("acquire", lock) != 0, int64), taken)
            with e.when(e.load(taken, int64) == 0):
                e.call("PyErr_Clear", None)
                for each in (state, lock):
                    self.release(each)
                e.ret(nothing)
                e.begin(e.label("never"))
            e.store(state, self.state)
            e.store(lock, self.lock)

    def called(self, name: str, thing: Value) -> Value:
        """Write the call of a method without arguments whose result says nothing; 0 where it raised."""
        e = self.e
        found = e.call(
            "PyObject_VectorcallMethod", pointer, self.of(name), self.vector([thing]), e.index(1), e.const(0, pointer)
        )
        with e.when(found != 0):
            self.release(found)
        return found

    def write_advance(self, plan: Value, made: Value, count: Value) -> None:
        """Write that the state goes on by a draw, as `Generator.drawn` and `touch` do it."""
        e, state = self.e, self.e.load(self.state, pointer)
        self.count_draws(1)
        e.store(e.load(self.drawn, int64) + 1, self.drawn)
        memory = field(e, state, self.tensors["memory"], pointer)
        self.touch(memory, self.retain(e.load(plan, pointer, WRITER)))
        e.store(self.retain(state), made, e.load(count, int64))
        e.store(e.load(count, int64) + 1, count)

    def count_draws(self, by: int | Value) -> None:
        """Write that so many draws more were made."""
        e = self.e
        value = field(e, e.load(self.state, pointer), self.tensors["value"], pointer)
        data = field(e, value, self.layout.data, pointer)
        e.store(e.load(data, int64, 1) + by, data, 1)

    def end_draws(self) -> None:
        """Write the giving back of the generator, if it was taken."""
        e = self.e
        with e.when(e.load(self.lock, pointer) != 0):
            self.called("release", e.load(self.lock, pointer))
            for each in (self.lock, self.state):
                self.release(e.load(each, pointer))

    def give_up(self, made: Value, count: Value) -> None:
        """Write that a plan ends before its end: then nothing was drawn, and the function draws anew."""
        e = self.e
        with e.when(e.load(self.drawn, int64) != 0):
            self.count_draws(0 - e.load(self.drawn, int64))
        self.end_draws()
        self.let_go(made, count)
        e.ret(e.const(0, pointer))
        e.begin(e.label("never"))

    def let_go(self, made: Value, count: Value) -> None:
        e = self.e
        with e.loop(e.load(count, int64)) as n:
            self.release(e.load(made, pointer, n))


def worded(plan: Plan) -> np.ndarray:
    """Return a plan in words: how many steps and results it has, the class of the tuple that is returned, 0 for one alone,
    where steps begin, the generator and the writer of its state, and which of what is made is returned.
    """
    parcel, source = 0 if plan.parcel is None else id(plan.parcel), plan.source or ()
    words = [
        len(plan.steps),
        len(plan.returned),
        parcel,
        RETURNED + len(plan.returned),
        *(map(id, source) if source else (0, 0)),
    ]
    words += [each.thing for each in plan.returned]
    made = 0
    for op, given, width in plan.steps:
        kind = plan.classes.get(made)
        if isinstance(op, Write):
            op, results = op.name, WRITE
        else:
            results = ADVANCE if op is None else PREMISE if op.premise else -1 if width is None else width
        words += [id(op), len(given), results, 0 if kind is None else id(kind)]
        for ref in given:
            words += [ref.kind, id(ref.thing) if ref.kind == CONSTANT else ref.thing]
        made += 1 if width is None else width
    return np.array(words, np.int64)
