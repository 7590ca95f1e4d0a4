"""Large arrays in eager mode: an elementwise expression as one native loop over all threads.

NumPy runs on one core only, and makes a pass over memory for each step of an expression of several. `config.LARGE_ARRAY` says
from where on that matters.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.parallel import parallel
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["mapped"]

SPLIT = 1 << 15
"""From how many elements on a loop is shared by several threads."""
KNOWN = frozenset(("float32", "float64", "bool"))


class Loop:
    """The native loop of one expression for inputs of certain dtypes, some of which may be single numbers."""

    def __init__(self, scalar: Callable[..., Any], kinds: Sequence[Kind], single: Sequence[bool], result: Kind):
        e = Emitter()
        names = [f"x{n}" for n in range(len(kinds))]
        self.lanes = min(e.lanes(kind) for kind in (*kinds, result) if kind.family == "f")
        with e.function("loop", [*[(name, pointer) for name in (*names, "y")], ("n", int64)]) as (*given, count):
            body = lambda start, stop, *places: self.write(e, scalar, kinds, single, result, start, stop, places)
            parallel(e, "loop", count, given, body, least=SPLIT, grain=max(64, self.lanes))
        symbols = pool().symbols()
        self.library = engine().build(e, ["loop"], {name: symbols[name] for name in symbols if name in e.declared})
        arguments = [ctypes.c_void_p] * (len(kinds) + 1)
        self.call = ctypes.CFUNCTYPE(None, *arguments, ctypes.c_int64)(self.library["loop"])

    def write(self, e, scalar, kinds, single, result, start: Value, stop: Value, places: Sequence[Value]) -> None:
        """Write the loop over range(start, stop)."""
        *inputs, out = places
        known = [e.load(place, kind) if alone else None for place, kind, alone in zip(inputs, kinds, single)]
        for block in e.blocks(stop, self.lanes, start, unroll=2):
            xs = [block.load(place, kind) if x is None else x for place, kind, x in zip(inputs, kinds, known)]
            block.store(scalar(e.math, *xs), out, result)


@lru_cache(1024)
def loop(scalar: Callable[..., Any], dtypes: tuple[np.dtype, ...], single: tuple[bool, ...], result: np.dtype) -> Loop | None:
    """Return the loop of an expression, or None if it cannot be written."""
    try:
        return Loop(scalar, [kind_of(each) for each in dtypes], single, kind_of(result))
    except (AttributeError, TypeError, NotImplementedError, KeyError, ValueError):
        return None


def mapped(scalar: Callable[..., Any], arrays: Sequence[np.ndarray], result: np.dtype) -> np.ndarray | None:
    """Return the expression's value for arrays of one shape, or single numbers; None where NumPy has to do it."""
    shape = next((each.shape for each in arrays if each.ndim), ())
    if result.name not in KNOWN or not any(each.dtype.kind == "f" for each in arrays):
        return None
    for each in arrays:
        if each.dtype.name not in KNOWN or (each.ndim and (each.shape != shape or not each.flags.c_contiguous)):
            return None
    found = loop(scalar, tuple(each.dtype for each in arrays), tuple(not each.ndim for each in arrays), result)
    if found is None:
        return None
    y = np.empty(shape, result)
    found.call(*[each.ctypes.data for each in arrays], y.ctypes.data, y.size)
    return y
