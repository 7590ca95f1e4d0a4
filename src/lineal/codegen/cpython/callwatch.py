"""A profile function that passes on the calls of some code alone, and its returns: what a profiler wants to hear of.

What nobody asked for is hardly slower than without a profiler.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType

from lineal.codegen.cpython.callfilter import CALLED, RETURNED, CallFilter

__all__ = ["CALLED", "RETURNED", "CallWatch"]


class CallWatch(CallFilter):
    """The profile function at `address`, which passes calls of some code, and returns from it, on to the one at `heard`."""

    events = (CALLED, RETURNED)
    passes_known = True

    def hear(self, codes: Iterable[CodeType]) -> None:
        """Pass on calls of these codes, and of no others; what finds no place in the table is not heard."""
        self.table[:] = 0
        self.codes = []
        for code in codes:
            self.enter(code)
