"""A reader of pickles that knows as few instructions as `torch.save` writes, and calls nothing but what a table of names has.

The instructions are those of the standard library's `pickletools`, of protocol 2. What an instruction makes is never larger
than the bytes that it takes from the file.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from lineal.serialization.sources import Source

__all__ = ["Cursor", "Names", "Unpickler", "full_name", "plain"]

WINDOW = 1 << 16
LONGEST_NAME = 1000
MOST_MARKS = 1000
"""How deep lists, tuples and dicts that are being filled may stand in each other."""
MOST_PARTS = 1000
"""Of how many values a key may consist: hashing takes as long as that, and goes as deep."""
OLDER_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class Names(Protocol):
    """What the names in a pickle stand for, and what may be done with it."""

    def find(self, name: str) -> Any:
        """Return what a full name stands for; ValueError if it is not allowed."""

    def call(self, function: Any, arguments: Any) -> Any:
        """Return what a found function makes of arguments; ValueError if it may not be called."""

    def create(self, cls: Any, arguments: Any) -> Any:
        """Return a new object of a found class; ValueError if it may not be made."""

    def fill(self, thing: Any, state: Any) -> None:
        """Give an object its state; ValueError if it may not have one."""


class Cursor:
    """A place in a file, from which bytes are taken one after another."""

    def __init__(self, source: Source, place: int = 0):
        self.source, self.place = source, place
        self.window, self.first = b"", place

    def take(self, count: int) -> bytes:
        """Return the next bytes; ValueError if there are fewer."""
        start = self.place - self.first
        found = self.window[start : start + count]
        if len(found) < count:
            self.source.require(self.place, count)
            self.first = self.place
            self.window = self.source.read(self.place, min(max(count, WINDOW), self.source.size - self.place))
            found = self.window[:count]
        self.place += count
        return found

    def number(self, code: str) -> Any:
        """Return the next number, of one of `struct`'s codes."""
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def line(self) -> str:
        """Return the next line, without its end."""
        found = bytearray()
        while (byte := self.take(1)) != b"\n":
            found += byte
            if len(found) > LONGEST_NAME:
                raise ValueError(f"a name of more than {LONGEST_NAME} letters")
        return found.decode()


class Unpickler:
    """Reads one pickle from where the cursor stands; `stored` returns what stands for a storage outside of the pickle."""

    def __init__(self, cursor: Cursor, names: Names, stored: Callable[[Any], Any], encoding: str = "utf-8"):
        self.cursor, self.names, self.stored, self.encoding = cursor, names, stored, encoding
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Return the value; ValueError, IndexError or KeyError if the instructions make no sense."""
        while (code := self.cursor.take(1)) != pickle.STOP:
            if code not in STEPS:
                raise ValueError(f"the instruction {code!r}, which torch.save does not write")
            STEPS[code](self)
        if self.marked or len(self.stack) != 1:
            raise ValueError("it ends before its value is complete")
        return self.stack[0]

    def push(self, value: Any) -> None:
        """Put a value onto the stack."""
        self.stack.append(value)

    def mark(self) -> None:
        """Begin a new stack, which `popped` gives back whole."""
        if len(self.marked) >= MOST_MARKS:
            raise ValueError(f"more than {MOST_MARKS} values in each other")
        self.marked.append(self.stack)
        self.stack = []

    def popped(self) -> list[Any]:
        """Return all that stands above the last mark."""
        found, self.stack = self.stack, self.marked.pop()
        return found

    def gather(self, count: int) -> None:
        """Replace the last values by a tuple of them."""
        if len(self.stack) < count:
            raise IndexError("the stack has too few values")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def extend(self, items: list[Any]) -> None:
        """Append items to the list on the stack."""
        target = self.stack[-1]
        if type(target) is not list:
            raise ValueError(f"items for what is no list but {type(target).__name__}")
        target.extend(items)

    def enter(self, items: list[Any]) -> None:
        """Put keys and values, in turns, into the dict on the stack."""
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict, Counter) or len(items) % 2:
            raise ValueError(f"entries for what is no dict but {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2]):
            target[plain(key)] = value

    def name(self) -> None:
        """Push what a full name stands for."""
        self.push(self.names.find(full_name(self.cursor.line(), self.cursor.line())))

    def call(self) -> None:
        """Replace a function and its arguments by what it returns."""
        arguments = self.stack.pop()
        self.stack[-1] = self.names.call(self.stack[-1], arguments)

    def create(self) -> None:
        """Replace a class and arguments by an object of the class."""
        arguments = self.stack.pop()
        self.stack[-1] = self.names.create(self.stack[-1], arguments)

    def fill(self) -> None:
        """Give the object on the stack its state."""
        state = self.stack.pop()
        self.names.fill(self.stack[-1], state)

    def text(self) -> None:
        """Push a string as Python 2 wrote it."""
        found = self.cursor.take(self.cursor.number("<B"))
        self.push(found if self.encoding == "bytes" else found.decode(self.encoding))


def full_name(module: str, name: str) -> str:
    """Return the full name of what a module has; Python 2 had other names for some modules."""
    return f"{OLDER_MODULES.get(module, module)}.{name}"


def plain(key: Any) -> Any:
    """Return a key if it is plain, or a tuple of plain ones: ValueError for what may take long to hash, or cannot be."""
    parts = [key]
    for count, each in enumerate(parts):
        if count >= MOST_PARTS:
            raise ValueError(f"a key of more than {MOST_PARTS} values")
        if isinstance(each, tuple):
            parts.extend(each[:MOST_PARTS])
        elif type(each).__hash__ is None:
            raise ValueError(f"a key that is {type(each).__name__}")
    return key


STEPS: dict[bytes, Callable[[Unpickler], Any]] = {
    pickle.PROTO: lambda u: u.cursor.take(1),
    pickle.NONE: lambda u: u.push(None),
    pickle.NEWTRUE: lambda u: u.push(True),
    pickle.NEWFALSE: lambda u: u.push(False),
    pickle.BININT: lambda u: u.push(u.cursor.number("<i")),
    pickle.BININT1: lambda u: u.push(u.cursor.number("<B")),
    pickle.BININT2: lambda u: u.push(u.cursor.number("<H")),
    pickle.LONG1: lambda u: u.push(pickle.decode_long(u.cursor.take(u.cursor.number("<B")))),
    pickle.BINFLOAT: lambda u: u.push(u.cursor.number(">d")),
    pickle.BINUNICODE: lambda u: u.push(u.cursor.take(u.cursor.number("<I")).decode("utf-8", "surrogatepass")),
    pickle.SHORT_BINSTRING: Unpickler.text,
    pickle.EMPTY_TUPLE: lambda u: u.push(()),
    pickle.EMPTY_LIST: lambda u: u.push([]),
    pickle.EMPTY_DICT: lambda u: u.push({}),
    pickle.EMPTY_SET: lambda u: u.push(set()),
    pickle.MARK: Unpickler.mark,
    pickle.TUPLE: lambda u: u.push(tuple(u.popped())),
    pickle.TUPLE1: lambda u: u.gather(1),
    pickle.TUPLE2: lambda u: u.gather(2),
    pickle.TUPLE3: lambda u: u.gather(3),
    pickle.APPEND: lambda u: u.extend([u.stack.pop()]),
    pickle.APPENDS: lambda u: u.extend(u.popped()),
    pickle.SETITEM: lambda u: u.enter([u.stack.pop(-2), u.stack.pop()]),
    pickle.SETITEMS: lambda u: u.enter(u.popped()),
    pickle.BINPUT: lambda u: u.memo.__setitem__(u.cursor.number("<B"), u.stack[-1]),
    pickle.LONG_BINPUT: lambda u: u.memo.__setitem__(u.cursor.number("<I"), u.stack[-1]),
    pickle.BINGET: lambda u: u.push(u.memo[u.cursor.number("<B")]),
    pickle.LONG_BINGET: lambda u: u.push(u.memo[u.cursor.number("<I")]),
    pickle.GLOBAL: Unpickler.name,
    pickle.REDUCE: Unpickler.call,
    pickle.NEWOBJ: Unpickler.create,
    pickle.BUILD: Unpickler.fill,
    pickle.BINPERSID: lambda u: u.push(u.stored(u.stack.pop())),
}
"""What each instruction does."""
