"""Premises: what the author of an op saw in numbers, and decided by, before the next op ran.

Eager code looks at an array and goes on (a factorisation worked, so no error is raised). A trace would hold only what it went
on with. So whoever looks also says so, in an op: a program looks again at each call, and where the premise is false, gives the
call back to eager code.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from lineal.core import AbstractTensor, Op, apply, lift, modes

__all__ = ["Expectation", "Premise", "expect", "rely", "rely_on"]


class Premise(Op):
    """y = x, truth values: what follows was decided on seeing them all true."""

    differentiable = False
    premise = True
    no_vjp = "truth values"

    def eager(self, xp, x):
        return x.copy()

    def vjp(self, needs, g, y, x):
        return (None,)


class Expectation(Premise):
    """A premise where eager code gives the same numbers if it is false, but warns; a program does without it in the end."""


def rely(holds: Callable[[], AbstractTensor]) -> None:
    """Let a recorder, if one listens, hear that what follows is so only as long as everything in `holds()` is true."""
    if modes.recorder.get() is not None:
        with modes.Setting((modes.grad_enabled, False)):
            apply(Premise(), holds())


def rely_on(*xs: AbstractTensor) -> None:
    """Let a recorder hear that what follows is so only for the very numbers that are in `xs`: they were read outside of ops."""
    if modes.recorder.get() is not None:
        for x in xs:
            seen: Any = lift(x.value.copy())
            rely(functools.partial(operator.eq, x, seen))


def expect(holds: Callable[[], AbstractTensor], setting: ContextVar, lasting: bool) -> None:
    """Let a recorder that makes programs hear that `holds()` was to be true, as `setting` asks.

    Where it is false, eager code warns, or raises if the expectation is `lasting`.
    """
    listener = modes.recorder.get()
    if listener is not None and listener.heeds(setting):
        with modes.Setting((modes.grad_enabled, False)):
            apply(Premise() if lasting else Expectation(), holds())
