"""Native functions of arrays, called from Python: the addresses of arrays, and a table of whole numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.threads import pool

__all__ = ["UNWRITABLE", "WORTH_THREADS", "Native", "whole_numbers"]

WORTH_THREADS = 1 << 15
"""From how many elements on a loop is split over threads."""
UNWRITABLE = (AttributeError, TypeError, NotImplementedError, KeyError, ValueError)
"""What writing code raises if there is no native form."""


class Native:
    """The compiled function `name` of so many arrays and a table of whole numbers."""

    def __init__(self, e: Emitter, name: str, arrays: int):
        # results as large as these come and go: their memory is not to go back to the system each time
        keep_freed_memory()
        symbols = pool().symbols()
        self.library = engine().build(e, [name], {each: symbols[each] for each in symbols if each in e.declared})
        self.function = HOST.launch(self.library[name], [ctypes.c_void_p] * (arrays + 1))

    def __call__(self, arrays: Sequence[np.ndarray], table: ctypes.Array) -> None:
        self.at([each.ctypes.data for each in arrays], table)

    def at(self, places: Sequence[int], table: ctypes.Array) -> None:
        """Run on arrays at these addresses."""
        pool().follow()
        self.function(*places, table)


def whole_numbers(*numbers: int) -> ctypes.Array:
    """Return the table of numbers that a native function reads."""
    return (ctypes.c_int64 * len(numbers))(*numbers)
