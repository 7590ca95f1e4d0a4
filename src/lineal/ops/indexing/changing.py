"""Ops that change a few elements of their first input: one kernel serves the copying and the in-place form."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from lineal.base.dtypes import STORED_ONLY
from lineal.core import AbstractTensor, Op, apply, modes, synchronize
from lineal.core.inplace import check_write, touch
from lineal.core.precision import require_computable
from lineal.ops.conversion import dtype_of
from lineal.ops.front import assign, store

__all__: list[str] = []


class Change(Op):
    """y = x, then some of its elements changed by `change`."""

    strided: ClassVar[bool] = False
    """Whether `change` takes an array of any strides; otherwise it must be C-contiguous."""

    @abstractmethod
    def change(self, y: Any, *others: Any) -> None:
        """Change the array `y` in place, as the other inputs say."""

    def eager(self, xp, x, *others):
        y = x.copy()
        self.change(y, *others)
        return y


def change(target: AbstractTensor, op: Change, *others: AbstractTensor, name: str) -> Any:
    """Let `target` become op(target, *others) in place; only the changed elements are touched where nobody watches."""
    if STORED_ONLY:
        require_computable(op, target, *others)
    for each in (target, *others):
        if each.origin is not None:
            synchronize(each)
    watched = modes.recorder.get() is not None or (
        modes.grad_enabled.get() and (target.node is not None or any(each.node is not None for each in others))
    )
    contiguous = op.strided or target.value.flags.c_contiguous
    if watched or not contiguous or any(shares(target, each) for each in others):
        return assign(target, apply(op, target, *others), name)
    check_write(target, target, name)
    token = modes.silence(modes.silent)
    try:
        op.change(target.value, *[each.value for each in others])
    finally:
        modes.restore(token)
    touch(target, name)
    return target


def shares(target: AbstractTensor, other: AbstractTensor) -> bool:
    """Return whether `other` may look into the memory of `target`, so that changing one would change what is read."""
    return other is target or (other.memory is not None and other.memory is target.memory)


def deliver(y: Any, out: AbstractTensor | None, name: str, *inputs: AbstractTensor) -> Any:
    """Return `y`, or put it into `out`, which must have its dtype and no memory of the inputs."""
    if out is None:
        return y
    if isinstance(out, AbstractTensor):
        if out.value.dtype != y.value.dtype:
            raise RuntimeError(f"{name}: Expected out tensor to have dtype {dtype_of(y)}, but got {dtype_of(out)} instead")
        repeats = any(step == 0 and size > 1 for step, size in zip(out.value.strides, out.value.shape))
        if repeats or any(np.may_share_memory(out.value, each.value) for each in inputs):
            raise RuntimeError(
                f"{name}: unsupported operation: out shares memory with an input or repeats its own; clone() it first"
            )
    return store(y, out, name)
