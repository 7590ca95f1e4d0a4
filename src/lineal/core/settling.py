"""Ops that are kept and applied again and again: once that was often, their kernels are builtins, as those of doors are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lineal.base import later
from lineal.core.op import Op
from lineal.core.opening import calls, opening

stepkernels: Any = later.module("lineal.codegen.stepkernels")

A = TypeVar("A", bound=Op)


def settled(make: type[A], most: int = 1024) -> Callable[..., A]:
    """Return what makes ops of a class and keeps them, by their attributes; kernels of those applied often are builtins."""

    @functools.lru_cache(most)
    def kept(*given: Any) -> A:
        op = make(*given)
        settle(op, op.eager)
        return op

    return kept


def settle(op: Op, kernel: Callable[..., Any]) -> None:
    """Let `kernel(xp, *arrays)` be what an op computes with, and a builtin of it once that was often."""
    count = calls()

    def eager(xp: Any, *xs: Any) -> Any:
        nonlocal count
        try:
            count()
        except StopIteration:
            count = calls()
            opening.ask()
            if opening.house is not None:
                op.__dict__["eager"] = stepkernels.stepwise(kernel, np)
        return kernel(xp, *xs)

    op.__dict__.update(eager=eager, settles=True)
