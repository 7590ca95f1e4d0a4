"""Elementwise ops written right over their first input: of large arrays without a history, in one pass and no other memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.config import LARGE_ARRAY
from lineal.base.dtypes import NARROW
from lineal.base.platforms import UNUSUAL
from lineal.core import AbstractTensor, modes
from lineal.core.inplace import check_write, touch
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import as_scalar

__all__: list[str] = []

programs: Any = later.module("lineal.compiler.single.expressions")


def overwritten(op: Elementwise, target: AbstractTensor, others: tuple[Any, ...], name: str) -> bool:
    """Let `target` be op(target, *others), in place, where that is all there is to it; return False, having done nothing, else.

    `name` is the method's. The other inputs are numbers, or arrays that are the target or share no memory with it.
    """
    x = target.value
    if x.size < LARGE_ARRAY or x.__class__ is not np.ndarray or not x.flags.c_contiguous or op.result != "same":
        return False
    if UNUSUAL or target.node is not None or target.origin is not None or modes.recorder.get() is not None:
        return False
    arrays = [operand(x, each) for each in others]
    if len(others) != len(op.rules) - 1 or any(each is None for each in arrays):
        return False
    check_write(target, target, name)
    if not programs.written(op.scalar, op.label, x, *arrays):
        return False
    touch(target, name)
    return True


def operand(x: np.ndarray, given: Any) -> np.ndarray | None:
    """Return the array of a number or a tensor beside x; None if its dtype, shape, history or place is in the way."""
    floating = x.dtype.kind == "f" or x.dtype in NARROW
    if given.__class__ is int or (given.__class__ is float and floating):
        return as_scalar(given, x.dtype).value
    if not isinstance(given, AbstractTensor) or given.node is not None or given.origin is not None:
        return None
    y = given.value
    if y.__class__ is not np.ndarray or y.dtype != x.dtype or y.shape not in ((), x.shape):
        return None
    same = y.strides == x.strides and y.ctypes.data == x.ctypes.data
    return y if same or not np.may_share_memory(x, y) else None
