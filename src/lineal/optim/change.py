"""How an update happens: a formula over numbers, as ops on tensors, or, for large ones, as one native loop in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.config import LONG_UPDATE
from lineal.core import modes
from lineal.core.inplace import touch
from lineal.ops.front import assign

programs: Any = later.module("lineal.compiler.single.expressions")


def counted(step: Any) -> Any:
    """Return a step's count as what is computed with: a float, or, if somebody listens, a float64 tensor, alive in a trace."""
    if modes.recorder.get() is not None or modes.grad_enabled.get():
        return step.to(dtypes.float64)
    return float(step.value)


def change(name: str, formula: Callable[..., tuple], tensors: Sequence[Any], numbers: Sequence[Any], count: int) -> None:
    """Let the first `count` tensors take the values of formula(m, *tensors, *numbers), m having NumPy's functions.

    The formula is a function of a module's, or kept, so that its loop is written once; it is the same for all elements. It
    sees real numbers: the parts of a complex one are two parameters.
    """
    first = tensors[0].value
    if first.dtype.kind == "c":
        change(name, formula, [ops.view_as_real(each) for each in tensors], numbers, count)
        return
    if first.size >= LONG_UPDATE and in_one_loop(formula, [each.value for each in tensors], numbers, count):
        for each in tensors[:count]:
            touch(each, name)
        return
    for each, y in zip(tensors, formula(ops, *tensors, *numbers)):
        assign(each, y, name)


def in_one_loop(formula: Callable[..., tuple], arrays: Sequence[Any], numbers: Sequence[Any], count: int) -> bool:
    """Do an update in place where nobody needs to hear of its ops; return whether it is done."""
    if modes.grad_enabled.get() or modes.recorder.get() is not None:
        return False
    if any(each.__class__ is not np.ndarray for each in arrays):
        return False
    return programs.updated(formula, arrays, [float(each) for each in numbers], count)
