"""Purity: whether what functions reach of Python's state is, after a loop, what it was before.

A loop of as many turns as it takes is run once by the program for all its turns, so its functions must leave nothing behind but
what they return: a list that they append to, or a count, would be that of the call that was traced.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from lineal.base.ownership import is_ours
from lineal.core import AbstractTensor

__all__ = ["Reach"]

MOST = 10_000
"""How many objects are looked at."""
CONTAINERS = (list, tuple, set, frozenset)
LEAVES = (AbstractTensor, np.ndarray, np.generic, int, float, complex, str, bytes, type(None), type, types.ModuleType)
LEAVES += (types.BuiltinFunctionType, types.MethodDescriptorType, np.ufunc, np.dtype, slice, range)  # type: ignore[assignment]
LIBRARIES = frozenset(("numpy", "scipy", "math", "builtins"))


class Reach:
    """All that functions reach, object by object, and what each of them held."""

    def __init__(self, functions: tuple[Any, ...]):
        self.functions = functions
        self.held = held(functions)

    def unchanged(self) -> bool:
        """Return whether everything holds what it held; not if there was anything that cannot be looked into."""
        now = held(self.functions)
        if self.held is None or now is None or len(now) != len(self.held):
            return False
        return all(
            a is b and len(xs) == len(ys) and all(x is y for x, y in zip(xs, ys)) for (a, xs), (b, ys) in zip(self.held, now)
        )


def held(things: Iterable[Any]) -> list[tuple[Any, list[Any]]] | None:
    """Return every object that is reached, with what it holds; None if one cannot be looked into, or they are too many."""
    seen: set[int] = set()
    found: list[tuple[Any, list[Any]]] = []
    waiting = list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, LEAVES):
            continue
        seen.add(id(thing))
        inner = inside(thing)
        if inner is None or len(found) >= MOST:
            return None
        found.append((thing, inner))
        waiting += inner
    return found


def inside(thing: Any) -> list[Any] | None:
    """Return what an object holds, None if that cannot be known."""
    if isinstance(thing, types.FunctionType):
        return of_function(thing)
    if isinstance(thing, types.MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, dict):
        return [*thing, *thing.values()]
    if type(thing) in CONTAINERS:
        return list(thing)
    if is_ours(type(thing).__module__) or hasattr(thing, "__dict__"):
        slots = [each for cls in type(thing).__mro__ for each in cls.__dict__.get("__slots__", ()) if each != "__weakref__"]
        own = [getattr(thing, each) for each in slots if each != "__dict__" and hasattr(thing, each)]
        return [*getattr(thing, "__dict__", {}).values(), *own]
    return None


def of_function(function: types.FunctionType) -> list[Any]:
    """Return what a function finds in its closure, its defaults and under the global names that its code has."""
    if is_ours(function.__module__) or str(function.__module__).split(".")[0] in LIBRARIES:
        return []
    found = [cell.cell_contents for cell in function.__closure__ or () if cell != types.CellType()]
    found += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [each for each in code.co_consts if isinstance(each, types.CodeType)]
        found += [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    return found
