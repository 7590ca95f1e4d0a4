"""Calls of public functions that are recalled, as a Python builtin: describes the arguments, looks, and runs the ops.

The description is words on the stack: addresses, types, shapes, numbers. What it has no words for, and whatever is unusual,
goes to the function.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lineal.base.devices import CPU, Chosen
from lineal.base.replays import CONSTANT, GIVEN, MOST, MOST_RESULTS, STATE, Plan, Write
from lineal.base.spec import Size
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import METH_FASTCALL, bound
from lineal.codegen.cpython.histories import HistoryWriter, House, offset_in_tuple
from lineal.codegen.cpython.objects import field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import float64, int8, int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.values import Value

__all__ = ["recalled"]

METH_KEYWORDS = 0x2
TABLE, FUNCTION, MISSED = range(3)
"""What the builtin's self holds."""
NUMBER, ENTRIES, ENTRY = 0, 1, 4
"""In the table: how many calls are known, where they begin, and how many words each has: hash, length, key, plan."""
MOST_WORDS, MOST_TENSORS, ROOM = 96, 16, 40
"""How many words and tensors a description has at most, and room for what is written between two looks at that."""
TENSOR, OBJECT, INT, FLOAT, SEQUENCE = range(1, 6)
PRIME, START = 1099511628211, 1469598103934665603 - (1 << 63)
"""Of the FNV hash, by words.   http://www.isthe.com/chongo/tech/comp/fnv/"""
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
SEQUENCES = (
    (tuple, "PyTuple_Size", "PyTuple_GetItem"),
    (list, "PyList_Size", "PyList_GetItem"),
    (Size, "PyTuple_Size", "PyTuple_GetItem"),
)
"""What is described by its items: the class, and the functions that count and read them."""


class RecallWriter(HistoryWriter):
    """Writes the builtin and what it calls."""

    def __init__(
        self, e: Emitter, found: layout.ArrayLayout, house: House, way: Any, apply: Any, defaults: Any, singles: set[type]
    ):
        super().__init__(e, found, house)
        self.way, self.apply, self.defaults, self.singles = way, apply, defaults, singles

    def write(self) -> None:
        """Write `recall(self, args, count, names)`."""
        e = self.e
        self.write_describe()
        self.write_play()
        given = [("self", pointer), ("args", pointer), ("count", int64), ("names", pointer)]
        with e.function("recall", given, pointer) as (self_, args, count, names):
            own = [e.load(self_, pointer, offset_in_tuple() // WORD + n) for n in range(MISSED + 1)]
            self.modes()
            self.expect(self.attribute(self.of(self.way), "taken") == self.of(self.apply))
            self.expect(self.current(self.house.modes["autocast"]) == self.of(None))
            self.expect(self.attribute(self.of(Chosen), "device") == self.of(CPU))
            words, tensors, state = (self.reserved(size) for size in (MOST_WORDS + ROOM, MOST_TENSORS, 2))
            self.describe_call(args, count, names, words, tensors, state)
            plan = self.looked(field(e, own[TABLE], self.layout.data, pointer), words, e.load(state, int64))
            with e.when((plan != 0) & (plan != 1)):
                many = e.load(state, int64, 1)
                # the caller's lists may lose them meanwhile
                with e.loop(many) as n:
                    self.retain(e.load(tensors, pointer, n))
                found = e.call("replay", pointer, e.new(f"inttoptr {plan.typed} to ptr", pointer), tensors)
                with e.loop(many) as n:
                    self.release(e.load(tensors, pointer, n))
                with e.when(found != 0):
                    e.ret(found)
                    e.begin(e.label("never"))
                # the function knows what a premise that is false, or an error, means
                e.call("PyErr_Clear", None)
            self.expect(plan == 0)
            self.expect(e.load(field(e, own[TABLE], self.layout.data, pointer), int64, NUMBER) < MOST)
            self.miss(own[MISSED], words, e.load(state, int64), args, count, names)
            e.begin("slow")
            e.ret(
                e.call(
                    "PyObject_Vectorcall",
                    pointer,
                    e.load(self_, pointer, offset_in_tuple() // WORD + FUNCTION),
                    args,
                    count,
                    names,
                )
            )

    def describe_call(self, args: Value, count: Value, names: Value, words: Value, tensors: Value, state: Value) -> None:
        """Write the words of a call: its arguments with their names, and what holds."""
        e = self.e
        for n in range(2):
            e.store(e.index(0), state, n)
        more = e.slot(e.index(0))
        with e.when(names != 0):
            e.store(e.call("PyTuple_Size", int64, names), more)
        with e.loop(count + e.load(more, int64)) as n:
            with e.when(n >= count):
                self.word(words, state, self.address(e.call("PyTuple_GetItem", pointer, names, n - count)))
            self.expect(e.call("describe", int64, e.load(args, pointer, n), words, tensors, state) != 0)
        enabled = self.current(self.house.grad_enabled)
        for each in (enabled, self.attribute(self.of(self.defaults), "dtype")):
            self.word(words, state, self.address(each))
        self.word(words, state, count)

    def reserved(self, words: int) -> Value:
        """Return the address of so many words of this call."""
        place = Value(self.e, self.e.name(), pointer)
        self.e.frame.slots.append(f"  {place.text} = alloca [{words} x i64]")
        return place

    def address(self, thing: Value) -> Value:
        """Write an address as a number."""
        return self.e.new(f"ptrtoint {thing.typed} to i64", int64)

    def word(self, words: Value, state: Value, number: Value) -> None:
        """Write one more word."""
        e = self.e
        at = e.load(state, int64)
        e.store(number, words, at)
        e.store(at + 1, state)

    # the description

    def write_describe(self) -> None:
        """Write `describe(thing, words, tensors, state)`: 1, or 0 for what there are no words for."""
        e = self.e
        given = [("thing", pointer), ("words", pointer), ("tensors", pointer), ("state", pointer)]
        with e.function("describe", given, int64) as (thing, words, tensors, state):
            self.expect(e.load(state, int64) < MOST_WORDS)
            kind = field(e, thing, self.layout.type, pointer)
            self.describe_number(thing, kind, words, state)
            with self.described(e.call("PySet_Contains", int32, self.of(self.singles), kind) == 1):
                for each in (e.index(OBJECT), self.address(thing)):
                    self.word(words, state, each)
            for sequence, size, item in SEQUENCES:
                with self.described(kind == self.of(sequence)):
                    length = e.call(size, int64, thing)
                    for each in (e.index(SEQUENCE), self.address(kind), length):
                        self.word(words, state, each)
                    with e.loop(length) as n:
                        inner = e.call(item, pointer, thing, n)
                        self.expect(e.call("describe", int64, inner, words, tensors, state) != 0)
            self.describe_tensor(thing, kind, words, tensors, state)
            e.ret(e.const(1, int64))
            e.begin("slow")
            e.ret(e.const(0, int64))

    @contextmanager
    def described(self, condition: Value) -> Iterator[None]:
        """Write what is done if a condition holds; then there is nothing more to say."""
        e = self.e
        with e.when(condition):
            yield
            e.ret(e.const(1, int64))
            e.begin(e.label("never"))

    def describe_number(self, thing: Value, kind: Value, words: Value, state: Value) -> None:
        """Write the words of a number of Python's."""
        e = self.e
        with self.described(kind == self.of(int)):
            number = e.call("PyLong_AsSsize_t", int64, thing)
            with e.when(number == -1):
                large = e.call("PyErr_Occurred", pointer) != 0
                e.call("PyErr_Clear", None)
                self.expect(~large)
            for each in (e.index(INT), number):
                self.word(words, state, each)
        with self.described(kind == self.of(float)):
            self.word(words, state, e.index(FLOAT))
            self.word(words, state, e.bitcast(field(e, thing, layout.offset_in_float(), float64), int64))

    def describe_tensor(self, thing: Value, kind: Value, words: Value, tensors: Value, state: Value) -> None:
        """Write the words of a tensor: its class, whether it has a history or is a view, and how its array lies."""
        e, at, none = self.e, self.layout, self.of(None)
        array = self.array(thing)
        with e.when(self.attribute(self.of(self.house.modes["Inference"]), "used") == self.of(True)):
            memory = field(e, thing, self.tensors["memory"], pointer)
            with e.if_else(memory == none) as (alone, shared):
                with alone:
                    self.expect(e.call("PyObject_HasAttr", int32, thing, self.of("inference")) == 0)
                with shared:
                    self.expect(field(e, memory, self.memories["inference"], pointer) == self.of(False))
        origin, memory = (field(e, thing, self.tensors[name], pointer) for name in ("origin", "memory"))
        with e.when((origin != none) & (memory != none)):
            # a view whose base was written may have another history than it says
            seen = field(e, origin, self.views["seen"], pointer)
            self.expect(seen == field(e, memory, self.memories["rebased"], pointer))
        many = e.load(state, int64, 1)
        self.expect(many < MOST_TENSORS)
        e.store(thing, tensors, many)
        e.store(many + 1, state, 1)
        ndim = e.cast(field(e, array, at.ndim, int32), int64)
        self.expect(ndim <= 8)
        history = e.cast(field(e, thing, self.tensors["node"], pointer) != none, int64)
        view = e.cast(field(e, thing, self.tensors["origin"], pointer) != none, int64)
        descr = self.address(field(e, array, at.dtype, pointer))
        flags = e.cast(field(e, array, at.flags, int32), int64)
        for each in (e.index(TENSOR), self.address(kind), history + view * 2, descr, flags, ndim):
            self.word(words, state, each)
        shape, strides = field(e, array, at.shape, pointer), field(e, array, at.strides, pointer)
        with e.loop(ndim) as n:
            self.word(words, state, e.load(shape, int64, n))
            self.word(words, state, e.load(strides, int64, n))
        # the same tensor twice is another call than two that are alike
        with e.loop(many) as n, e.when(e.load(tensors, pointer, n) == thing):
            self.word(words, state, n)

    # the look

    def looked(self, table: Value, words: Value, count: Value) -> Value:
        """Write the look for a description; return its plan, 0 if there is none."""
        e = self.e
        code, found = e.slot(e.const(START, int64)), e.slot(e.index(0))
        with e.loop(count) as n:
            e.store(e.bits("xor", e.load(code, int64), e.load(words, int64, n)) * PRIME, code)
        with e.loop(e.load(table, int64, NUMBER)) as n:
            entry = e.offset(table, (n * ENTRY + ENTRIES) * WORD)
            with e.when((e.load(entry, int64) == e.load(code, int64)) & (e.load(entry, int64, 1) == count)):
                key, same = e.load(entry, pointer, 2), e.slot(e.index(1))
                with e.loop(count) as m, e.when(e.load(key, int64, m) != e.load(words, int64, m)):
                    e.store(e.index(0), same)
                with e.when(e.load(same, int64) != 0):
                    e.store(e.load(entry, int64, 3), found)
        return e.load(found, int64)

    def miss(self, missed: Value, words: Value, count: Value, args: Value, number: Value, names: Value) -> None:
        """Write the call of what takes a call that is not known: the key, then the arguments."""
        e = self.e
        more = e.slot(number)
        with e.when(names != 0):
            e.store(number + e.call("PyTuple_Size", int64, names), more)
        self.expect(e.load(more, int64) < MOST_WORDS)
        given = self.reserved(MOST_WORDS + 1)
        key = e.call("PyBytes_FromStringAndSize", pointer, words, count * WORD)
        self.or_raise(key)
        e.store(key, given)
        with e.loop(e.load(more, int64)) as n:
            e.store(e.load(args, pointer, n), given, n + 1)
        found = e.call("PyObject_Vectorcall", pointer, missed, given, number + 1, names)
        self.release(key)
        e.ret(found)

    # the ops

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


class Known:
    """The calls of one function that are known, as words that the builtin reads."""

    def __init__(self) -> None:
        self.table = np.zeros(ENTRIES + ENTRY * MOST, np.int64)
        self.kept: list[Any] = []

    def enter(self, key: bytes, plan: Plan | None, described: Sequence[Any]) -> None:
        """Enter a plan for a description; None for a call that always goes to the function.

        `described` are the objects whose addresses stand in it: others must not come to lie there.
        """
        number = int(self.table[NUMBER])
        if number == MOST:
            return
        words = np.frombuffer(key, np.int64)
        made = None if plan is None else worded(plan)
        self.kept += [words, made, plan, described]
        place = ENTRIES + ENTRY * number
        self.table[place : place + ENTRY] = [
            hashed(words),
            len(words),
            words.ctypes.data,
            1 if made is None else made.ctypes.data,
        ]
        self.table[NUMBER] = number + 1


def hashed(words: np.ndarray) -> int:
    """Return the hash of a description, as a signed number."""
    code = START
    for each in words.tolist():
        code = ((code ^ each) * PRIME + (1 << 63)) % (1 << 64) - (1 << 63)
    return code


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


@once
def library(house: House, way: Any, apply: Any, defaults: Any) -> tuple[Library, list[object]] | None:
    """Return the code of the builtin, and what it refers to; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = RecallWriter(e, found, house, way, apply, defaults, {type(None), bool, str, type(defaults.dtype), type(...)})
        writer.write()
    except LookupError:
        return None
    more = {each: ctypes.cast(getattr(ctypes.pythonapi, each), ctypes.c_void_p).value or 0 for each in FURTHER}
    more["PyArray_CopyInto"] = layout.numpy_function(layout.COPY_INTO)
    symbols = {name: at for name, at in {**writer.symbols, **more}.items() if name in e.declared}
    return engine().build(e, ["recall"], symbols), [*writer.kept, writer.singles]


FURTHER = ("PyBytes_FromStringAndSize", "PyObject_HasAttr", "PyObject_SetAttr")


def recalled(
    house: House, way: Any, apply: Any, defaults: Any, recall: Any, function: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return the builtin that stands for a function while `apply` is the way that is taken; None if there can be none."""
    made = library(house, way, apply, defaults)
    if made is None:
        return None
    known = Known()
    self = (known.table, function, recall(function, known.enter).missed, known, made)
    return bound(made[0]["recall"], self, function.__name__, METH_FASTCALL | METH_KEYWORDS)
