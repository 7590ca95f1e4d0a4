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
from lineal.base.replays import MOST, Plan
from lineal.base.spec import Size
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import METH_FASTCALL, bound
from lineal.codegen.cpython.histories import House, offset_in_tuple
from lineal.codegen.cpython.objects import field
from lineal.codegen.cpython.replaying import WORD, ReplayWriter, worded
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import float64, int32, int64, pointer
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
SEQUENCES = (
    (tuple, "PyTuple_Size", "PyTuple_GetItem"),
    (list, "PyList_Size", "PyList_GetItem"),
    (Size, "PyTuple_Size", "PyTuple_GetItem"),
)
"""What is described by its items: the class, and the functions that count and read them."""


class RecallWriter(ReplayWriter):
    """Writes the builtin and what it calls."""

    def __init__(
        self, e: Emitter, found: layout.ArrayLayout, house: House, way: Any, apply: Any, defaults: Any, singles: set[type]
    ):
        super().__init__(e, found, house, apply)
        self.way, self.defaults, self.singles = way, defaults, singles

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
            function = e.load(self_, pointer, offset_in_tuple() // WORD + FUNCTION)
            e.ret(e.call("PyObject_Vectorcall", pointer, function, args, count, names))

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
