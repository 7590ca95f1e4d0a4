"""LAPACK routines as functions of Python, for what SciPy has no functions of its own; many calls are split over the threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base.threads import openblas
from lineal.codegen import blas
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, pointer
from lineal.codegen.native import Native
from lineal.codegen.parallel import WORTH_THREADS, tasks
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["Routine", "routine", "serial"]


@lru_cache(32)
def calls_of(arguments: int) -> Native:
    """Return calls(…) with so many arrays for each call of a routine; the table has the number of calls, and its address."""
    e = Emitter(host())

    def call(number: Value | int, places: Value, target: Value) -> None:
        e.call_pointer(target, *(e.load(places, pointer, number * arguments + n) for n in range(arguments)))

    with e.function("calls", [("places", pointer), ("table", pointer)]) as (places, table):
        count, target = e.load(table, int64), e.load(table, pointer, 1)
        with e.if_else(count == 1) as (one, more):
            with one:
                call(0, places, target)
            with more:
                tasks(e, "calls", count, [places, target], call)
    return Native(e, "calls")


class Routine:
    """A LAPACK routine of letters, whole numbers and arrays, which takes info last and returns it."""

    def __init__(self, name: str, dtype: np.dtype):
        self.address = blas.address(blas.LETTER[dtype.name] + name)

    def __call__(self, *given: Any) -> int:
        return self.together([given])

    def together(self, calls: Sequence[Sequence[Any]]) -> int:
        """Make some calls, in any order, and return the largest info."""
        plain = [x if isinstance(x, int) else ord(x) for given in calls for x in (*given, 0) if not isinstance(x, np.ndarray)]
        # LAPACK takes everything by its address
        numbers = np.array(plain, np.int32)
        each = iter(numbers[:, None])
        arrays = [x if isinstance(x, np.ndarray) else next(each) for given in calls for x in (*given, 0)]
        run = calls_of(len(arrays) // len(calls))
        with serial(len(calls) > 1):
            run(arrays, run.table(WORTH_THREADS, len(calls), self.address))
        return int(numbers.reshape(len(calls), -1)[:, -1].max())


class Limited:
    """How many callers want SciPy's OpenBLAS to take one thread, and how many it took before the first of them."""

    lock = threading.Lock()
    callers = before = 0


@contextmanager
def serial(wanted: bool) -> Iterator[None]:
    """Let each call of SciPy's OpenBLAS take one thread, if that is wanted and it can be told."""
    limit = openblas("scipy", blas.LIMIT) if wanted else None
    if limit is None:
        yield
        return
    with Limited.lock:
        Limited.before = Limited.before if Limited.callers else limit(1)
        Limited.callers += 1
    try:
        yield
    finally:
        with Limited.lock:
            Limited.callers -= 1
            if not Limited.callers:
                limit(Limited.before)


@lru_cache(32)
def routine(name: str, dtype: np.dtype) -> Routine:
    """Return the routine for float32 or float64."""
    return Routine(name, dtype)
