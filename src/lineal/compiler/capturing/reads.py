"""Reads of Python's state: a place, and what was there; a guard compares them again at each call, without the user's code.

`now` returns what is at a place, ABSENT if nothing is: that too is a finding. `fact` is the comparison in native code, None if
there is none; what it finds changed is no refusal yet, since an equal number may have taken the place of a number.
"""

from __future__ import annotations

import ctypes
import sys
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextvars import ContextVar
from types import CellType, FunctionType
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.facts import ABSENT, Cell, Current, Fact, Held, Item, Kind, Own, OwnDict, SameNumber, Slot
from lineal.compiler.capturing.raw import cell_value, dict_of, lookup, same, slot_value

__all__ = [
    "ArrayRead",
    "AttributeRead",
    "CacheRead",
    "CellRead",
    "ClassRead",
    "ContentsRead",
    "ContextRead",
    "DictRead",
    "EntryRead",
    "FunctionRead",
    "KindRead",
    "PlaceRead",
    "Read",
    "SlotRead",
    "State",
    "snapshot",
]


class Read:
    """What was found at a place that belongs to `owner`; `word` is how the place is called."""

    __slots__ = ("key", "owner", "word")

    def __init__(self, owner: Any, key: Any = None, word: str = ""):
        self.owner = owner
        self.key = key
        self.word = word

    def now(self) -> Any:
        """Return what is there."""
        raise NotImplementedError

    def fact(self, value: Any) -> Fact | None:
        """Return the comparison in native code."""
        return None


class EntryRead(Read):
    """The entry of a dict: a global, an item with a key that compares without the user's code."""

    __slots__ = ()

    def now(self) -> Any:
        return dict.get(self.owner, self.key, ABSENT)

    def fact(self, value: Any) -> Fact | None:
        return Item(self.owner, self.key, value)


class PlaceRead(Read):
    """The entry of a list."""

    __slots__ = ()

    def now(self) -> Any:
        try:
            return list.__getitem__(self.owner, self.key)
        except IndexError:
            return ABSENT


class AttributeRead(Read):
    """An attribute of an object's own."""

    __slots__ = ()

    def now(self) -> Any:
        own = dict_of(self.owner)
        return ABSENT if own is None else own.get(self.key, ABSENT)


class DictRead(Read):
    """The dict of an object's own attributes."""

    __slots__ = ()

    def now(self) -> Any:
        return dict_of(self.owner)

    def fact(self, value: Any) -> Fact | None:
        return OwnDict(self.owner, value)


class KindRead(Read):
    """The class of an object."""

    __slots__ = ()

    def now(self) -> Any:
        return type(self.owner)

    def fact(self, value: Any) -> Fact | None:
        return Kind(self.owner, value)


class ClassRead(Read):
    """What a class or its bases define as a name."""

    __slots__ = ()

    def now(self) -> Any:
        return lookup(self.owner, self.key)


class SlotRead(Read):
    """A slot of an object, or a member of one of C's; the key is its descriptor."""

    __slots__ = ()

    def now(self) -> Any:
        return slot_value(self.key, self.owner)

    def fact(self, value: Any) -> Fact | None:
        if value is ABSENT:
            return None
        try:
            return Slot(self.owner, layout.slot(self.owner, value), value)
        except LookupError:
            return None


class CellRead(Read):
    """A variable of an enclosing function."""

    __slots__ = ()

    owner: CellType

    def now(self) -> Any:
        return cell_value(self.owner)

    def fact(self, value: Any) -> Fact | None:
        return Cell(self.owner, value)


class FunctionRead(Read):
    """The code and the defaults of a function; the key is which."""

    __slots__ = ()

    owner: FunctionType

    def now(self) -> Any:
        return getattr(self.owner, self.key)

    def fact(self, value: Any) -> Fact | None:
        return Slot(self.owner, layout.offsets_in_function()[self.key], ABSENT if value is None else value)


class ContentsRead(Read):
    """All that a list, dict, deque or set holds, in order."""

    __slots__ = ()

    def now(self) -> Any:
        return snapshot(self.owner)

    def fact(self, value: Any) -> Fact | None:
        plain = isinstance(self.owner, (list, dict)) and not isinstance(self.owner, OrderedDict)
        return Held(self.owner, value) if plain else None


def snapshot(container: Any) -> tuple:
    """Return what a container holds; of a dict, keys and values in turn."""
    if isinstance(container, OrderedDict):
        return tuple(each for pair in OrderedDict.items(container) for each in pair)
    if isinstance(container, dict):
        return tuple(each for pair in dict.items(container) for each in pair)
    kind = next(each for each in (list, deque, set) if isinstance(container, each))
    return tuple(kind.__iter__(container))  # type: ignore[arg-type]


class ArrayRead(Read):
    """The numbers of an array of NumPy's."""

    __slots__ = ()

    owner: np.ndarray

    def now(self) -> Any:
        return self.owner.shape, self.owner.dtype.str, self.owner.tobytes()


class ContextRead(Read):
    """The value of a context variable."""

    __slots__ = ()

    owner: ContextVar

    def now(self) -> Any:
        try:
            return self.owner.get()
        except LookupError:
            return ABSENT

    def fact(self, value: Any) -> Fact | None:
        return Current(self.owner, value)


class CacheRead(Read):
    """How often a function with a cache ran, and how much the cache holds."""

    __slots__ = ()

    def now(self) -> Any:
        return tuple(self.owner.cache_info())[1:]


class State:
    """A guard: at all places there is what there was."""

    def __init__(self, reads: Iterable[tuple[Read, Any]]):
        reads = list(reads)
        self.entries = [(read.owner, read.key, value) for read, value in reads if type(read) is EntryRead]
        self.classes = [(read, value) for read, value in reads if type(read) is ClassRead]
        self.others = [(read, value) for read, value in reads if type(read) not in (EntryRead, ClassRead)]
        self.versions = versions(read.owner for read, _ in self.classes)

    def __call__(self) -> bool:
        get = dict.get
        for owner, key, value in self.entries:
            now = get(owner, key, ABSENT)
            if now is not value and not same(now, value):
                return False
        for read, value in self.others:
            now = read.now()
            if now is not value and not same(now, value):
                return False
        if self.versions is not None and all(layout.class_version(kind) == seen[0] for kind, seen in self.versions):
            return True
        return self.look_at_classes()

    def look_at_classes(self) -> bool:
        """Compare what classes define, and note their versions if it is all the same."""
        if not all(same(read.now(), value) for read, value in self.classes):
            return False
        for kind, seen in self.versions or ():
            seen[0] = layout.class_version(kind)
        return True

    def facts(self) -> list[Fact] | None:
        if self.versions is None:
            return None
        found: list[Fact | None] = [SameNumber(kind, layout.VERSION, seen) for kind, seen in self.versions]
        found += [EntryRead(owner, key).fact(value) for owner, key, value in self.entries]
        if not all(is_plain_dict(read.owner) for read, _ in self.others if type(read) in (AttributeRead, DictRead)):
            return None
        own: dict[int, tuple[Any, list]] = {}
        for read, value in self.others:
            if type(read) is AttributeRead:
                own.setdefault(id(read.owner), (read.owner, []))[1].append((sys.intern(read.key), value))
            else:
                found.append(read.fact(value))
        # what is not of the class it was may have no dict
        found += [Own(owner, tuple(values)) for owner, values in own.values()]
        return None if any(each is None for each in found) else [each for each in found if each is not None]


def is_plain_dict(thing: Any) -> bool:
    """Return whether native code finds the dict of an object's own attributes where Python does."""
    read = ctypes.pythonapi.PyObject_GenericGetDict
    read.restype, read.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
    try:
        return read(thing, None) is dict_of(thing)
    except AttributeError:
        return False


def versions(kinds: Iterable[type]) -> list[tuple[type, np.ndarray]] | None:
    """Return each of some classes once, with its version in memory that native code reads; None if it has none."""
    if not layout.versions_are_readable():
        return None
    found = [(kind, np.array([layout.class_version(kind)], np.uint32)) for kind in {id(each): each for each in kinds}.values()]
    return None if any(seen[0] == 0 for _, seen in found) else found
