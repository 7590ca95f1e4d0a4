"""Objects of Python's, read without running code of the user's: no property, `__getattr__` or `__eq__` is evaluated."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from types import CellType, FrameType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from lineal.base.later import Method
from lineal.codegen.cpython.facts import ABSENT
from lineal.codegen.cpython.layout import word

__all__ = ["cell_value", "dict_of", "function_of", "is_heap_type", "is_nest", "lookup", "same", "slot_value"]

SIMPLE = frozenset((bool, int, str, bytes, type(None), type(Ellipsis), range))
bases_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
names_of: Callable[[type], Any] = type.__dict__["__dict__"].__get__
flags_of: Callable[[type], int] = type.__dict__["__flags__"].__get__
HEAP_TYPE = 1 << 9


def is_heap_type(kind: type) -> bool:
    """Return whether a class was made by a class statement or the like, so that its attributes may change."""
    return bool(flags_of(kind) & HEAP_TYPE)


def lookup(kind: type, name: str) -> Any:
    """Return what a class or its bases define as `name`, unbound, or ABSENT."""
    for each in bases_of(kind):
        space = names_of(each)
        if name in space:
            # one of ours that nobody has used so far gives its place to what is to be found
            return space[name].__get__(None, each) if type(space[name]) is Method else space[name]
    return ABSENT


@functools.lru_cache(4096)
def dict_reader(kind: type) -> Callable[[Any], dict] | None:
    """Return the function that gives the `__dict__` of instances of a class, whatever the class itself calls so."""
    for each in bases_of(kind):
        found = names_of(each).get("__dict__")
        if isinstance(found, (GetSetDescriptorType, MemberDescriptorType)):
            return found.__get__
    return None


def dict_of(thing: Any) -> dict | None:
    """Return the dict of an object's own attributes, None if it has none."""
    read = dict_reader(type(thing))
    try:
        found = None if read is None else read(thing)
    except TypeError:
        # the bases of its class were exchanged
        dict_reader.cache_clear()
        return dict_of(thing)
    return found if type(found) is dict else None


def slot_value(descriptor: Any, thing: Any) -> Any:
    """Return what an object has in a slot, or ABSENT."""
    try:
        return descriptor.__get__(thing)
    except AttributeError:
        return ABSENT


def is_nest(thing: Any) -> bool:
    """Return whether a thing is a list, tuple or dict, and has no attributes besides."""
    return issubclass(type(thing), (list, tuple, dict)) and not dict_of(thing)


def cell_value(cell: CellType) -> Any:
    """Return what a variable of an enclosing function is, or ABSENT."""
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT


def same(a: Any, b: Any) -> bool:
    """Return whether a function that reads `b` where it read `a` does the same: the same thing, or an equal simple one."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if issubclass(kind, tuple):
        return tuple.__len__(a) == tuple.__len__(b) and all(map(same, tuple.__iter__(a), tuple.__iter__(b)))
    if kind is float:
        # 0.0 == -0.0, and no NaN equals another
        return a.hex() == b.hex()
    if kind is complex:
        return same((a.real, a.imag), (b.real, b.imag))
    if kind is slice:
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    return kind in SIMPLE and a == b


FRAME = 24
"""Where a frame object of CPython 3.11 to 3.14 refers to the interpreter's own frame."""
WORDS = 9


def function_offset() -> int | None:
    """Return where the interpreter's frame refers to its function, found by looking at this very call."""
    if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info < (3, 15):
        return None
    inner = word(id(sys._getframe()) + FRAME)
    # from 3.14 on the lowest bits of a reference are marks
    found = (8 * n for n in range(WORDS) if word(inner + 8 * n) & ~3 == id(function_offset))
    return next(found, None)


FUNCTION = function_offset()


def function_of(frame: FrameType) -> FunctionType | None:
    """Return the function that runs in a frame, None if that cannot be told."""
    if FUNCTION is None:
        return None
    address = word(word(id(frame) + FRAME) + FUNCTION) & ~3
    found = ctypes.cast(address, ctypes.py_object).value if address else None
    return found if isinstance(found, FunctionType) else None
