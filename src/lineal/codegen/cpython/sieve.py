"""A profile function that keeps to itself what need not be heard: most calls while something is traced are lineal's own."""

from __future__ import annotations

from types import CodeType

from lineal.codegen.cpython.callfilter import CALLED, CALLED_C, SIZE, CallFilter

__all__ = ["CALLED", "CALLED_C", "Sieve"]

MOST = SIZE // 4


class Sieve(CallFilter):
    """The profile function at `address`, which passes calls on to another one unless they are of code that was left out."""

    events = (CALLED, CALLED_C)
    passes_known = False

    def leave_out(self, code: CodeType) -> None:
        """Let calls of some code, and those that it makes, no longer be passed on."""
        if len(self.codes) < MOST:
            self.enter(code)
