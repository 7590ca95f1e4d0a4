"""The end of the way back: a cotangent becomes, or is added to, the grad of a leaf."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from lineal.core import modes
from lineal.core.apply import apply, lift
from lineal.core.inplace import Copy, write
from lineal.core.op import AbstractTensor, Leaf, module_of


def accumulate(leaf: Leaf, g: Any, create: bool) -> None:
    """Add `g` to the grad of the leaf's tensor, or make it the grad: itself if nobody else holds it, else a copy.

    A tensor that has been made a constant since takes none.
    """
    tensor: Any = leaf.reference()
    if tensor is None or tensor.node is None:
        return
    tensor_grad = tensor.derivative
    if modes.recorder.get() is not None and not create:
        accumulate_heard(tensor, g)
    elif tensor_grad is not None:
        if create:
            tensor.grad = tensor_grad + g
        else:
            module_of(g).add(tensor_grad.value, g.value, out=tensor_grad.value, casting="unsafe")
    elif create:
        tensor.grad = g
    else:
        tensor.grad = lift(g.value if owned(g) else module_of(g).array(g.value, order="C"))
    if leaf.extra is not None:
        for function in list(leaf.extra.accumulated.values()):
            function(tensor)
        for function in list(leaf.extra.after.values()):
            function((), (g,))


def accumulate_heard(tensor: Any, g: AbstractTensor) -> None:
    """Do what `accumulate` does through the door, so that a recorder hears of it."""
    with modes.Setting((modes.grad_enabled, False)):
        if tensor.grad is None:
            tensor.grad = apply(Copy(), g)
        else:
            write(tensor.grad, tensor.grad + g, "backward")


def owned(g: AbstractTensor) -> bool:
    """Return whether nothing but the caller's variable and the pass holds `g`, so that its memory may become a grad."""
    value = g.value
    base = value.base
    if base is not None and not unshared(base, value.size):
        return False
    return (
        value.flags.c_contiguous
        and (base is not None or value.flags.owndata)
        and sys.getrefcount(value) <= _ALONE
        and sys.getrefcount(g) <= _ALONE_TENSOR
    )


def unshared(base: Any, size: int) -> bool:
    """Return whether an array of `size` elements, reshaped from `base`, is all that holds it."""
    whole = isinstance(base, np.ndarray) and base.base is None and base.flags.owndata and base.size == size
    return whole and sys.getrefcount(base) <= _ALONE_BASE


def _alone() -> tuple[int, int]:
    """Measure what `getrefcount` says inside `owned` about a tensor that only `accumulate` and a dict hold."""
    counts = []

    def count(g: AbstractTensor) -> None:
        value = g.value
        counts.extend((sys.getrefcount(value), sys.getrefcount(g)))

    def receive(g: AbstractTensor) -> None:
        count(g)

    class Lone:
        value: Any

    table = {}
    table[0] = Lone()
    table[0].value = np.zeros(1)
    for _, g in table.items():
        receive(g)  # type: ignore[arg-type]
    return counts[0], counts[1]


def _alone_base() -> int:
    """Measure what `getrefcount` says inside `unshared` about an array that only its view and `owned` hold."""

    def count(base: np.ndarray, size: int) -> int:
        return sys.getrefcount(base)

    value = np.zeros(2).reshape(2, 1)
    base = value.base
    assert base is not None
    return count(base, value.size)


_ALONE, _ALONE_TENSOR = _alone()
_ALONE_BASE = _alone_base()
