"""Native functions of arrays, called from Python: where arrays begin, and a table of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.cpython.arraycall import RELEASE, arraycall
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import pointer
from lineal.codegen.parallel import WORTH_THREADS
from lineal.codegen.proxies import Proxy
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["UNWRITABLE", "Native", "adapted", "entered"]

UNWRITABLE = (AttributeError, TypeError, NotImplementedError, KeyError, ValueError)
"""What writing code raises if there is no native form."""


class Native:
    """The compiled function `name` of arrays and a table of whole numbers, as `entered` writes it.

    `known` are addresses by the names that its code calls them by, of what is not to go: of what `keep` holds.
    """

    def __init__(self, e: Emitter, name: str, keep: object = None, **known: int):
        self.keep = keep
        # results as large as these come and go: their memory is not to go back to the system each time
        keep_freed_memory()
        symbols = pool().symbols() | known
        self.library = engine().build(e, [name], {each: symbols[each] for each in symbols if each in e.declared})
        self.address, self.call = self.library[name], arraycall()

    def table(self, work: int, *numbers: int) -> np.ndarray:
        """Return the table of numbers that the function reads; `work` is about how many elements there are."""
        return np.array([self.address, work >= WORTH_THREADS, *numbers], np.int64)

    def __call__(self, arrays: Sequence[np.ndarray], table: np.ndarray) -> bool:
        """Run on arrays; return False, having done nothing, if one of them is not aligned."""
        if table[RELEASE]:
            pool().follow()
        return self.call(table, *arrays)

    def filled(self, given: Sequence[Any], made: Sequence[np.ndarray], work: int, *numbers: int) -> Any:
        """Run on given arrays and new ones, which are returned; None if it did nothing. What happens to proxies is noted."""
        table = self.table(work, *numbers)
        if type(given[0]) is Proxy:
            self([*[each.value for each in given], *made], table)
            return given[0].recording.ran(self, [*given, *made], *numbers)
        return made if self([*given, *made], table) else None

    def bound(self, table: np.ndarray) -> Callable[..., bool]:
        """Return what calls it on arrays, one argument each, with a table; the shortest way there is."""
        if table[RELEASE]:
            return lambda *arrays: self(arrays, table)
        run = partial(self.call, table)
        run.native = self  # type: ignore[attr-defined]  # holds the code
        return run


def adapted(routine: Any, arrays: int) -> Native:
    """Return the function of a routine whose parameters are where so many arrays and a table begin."""
    e = Emitter()
    with entered(e, "adapted", arrays) as (given, table):
        e.call("routine", None, *given, table)
    return Native(e, "adapted", routine, routine=routine.address)


@contextmanager
def entered(e: Emitter, name: str, arrays: int) -> Iterator[tuple[list[Value], Value]]:
    """Write the function `name` that `Native` calls; yield where so many arrays begin, and the table of numbers."""
    with e.function(name, [("arrays", pointer), ("table", pointer)]) as (places, table):
        yield [e.load(places, pointer, n) for n in range(arrays)], table
