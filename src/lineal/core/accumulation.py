"""The end of the backward pass: a cotangent becomes, or is added to, the grad of a leaf."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from lineal.base.layouts import dense_steps, is_packed, steps
from lineal.core import modes
from lineal.core.apply import apply, lift
from lineal.core.inplace import Copy, write
from lineal.core.op import AbstractTensor, Leaf, module_of

IN_ORDER = Copy("C")


def accumulate(leaf: Leaf, g: Any, create: bool) -> None:
    """Add `g` to the grad of the leaf's tensor, or make it the grad: itself if nobody else holds it, else a copy.

    A tensor that has been made a constant since takes none.
    """
    tensor: Any = leaf.reference()
    if tensor is None or tensor.node is None:
        return
    tensor_grad = tensor.derivative
    if g.is_sparse or (tensor_grad is not None and tensor_grad.is_sparse):
        tensor.grad = g if tensor_grad is None else tensor_grad + g
    elif modes.recorder.get() is not None and not create:
        accumulate_heard(tensor, g)
    elif tensor_grad is not None:
        if create:
            tensor.grad = tensor_grad + g
        else:
            module_of(g).add(tensor_grad.value, g.value, out=tensor_grad.value, casting="unsafe")
    elif create:
        tensor.grad = g if fits(tensor.value, g.value) else apply(Copy(grad_steps(tensor.value)), g)
    else:
        grad = lift(g.value if fits(tensor.value, g.value) and owned(g) else copied(tensor.value, g))
        if grad.value.dtype is tensor.value.dtype and grad.value.shape == tensor.value.shape:
            tensor.derivative = grad
        else:
            tensor.grad = grad  # says what is wrong
    if leaf.extra is not None:
        for function in list(leaf.extra.accumulated.values()):
            function(tensor)
        for function in list(leaf.extra.after.values()):
            function((), (g,))


def accumulate_heard(tensor: Any, g: AbstractTensor) -> None:
    """Do what `accumulate` does through the door, so that a recorder hears of it."""
    with modes.Setting((modes.grad_enabled, False)):
        if tensor.grad is None:
            tensor.grad = apply(Copy() if tensor.value.flags.c_contiguous else Copy(grad_steps(tensor.value)), g)
        else:
            write(tensor.grad, tensor.grad + g, "backward")


def fits(value: Any, g: Any) -> bool:
    """Return whether a cotangent lies as the grad of a tensor is to: like the tensor if that has no gaps, else in C order."""
    if value.flags.c_contiguous:
        return g.flags.c_contiguous
    wanted = grad_steps(value)
    return all(size == 1 or step == want for size, step, want in zip(g.shape, steps(g), wanted))


def grad_steps(value: Any) -> tuple[int, ...]:
    """Return the strides of the grad of a tensor with this array."""
    found = steps(value)
    return found if is_packed(value.shape, found) else dense_steps(value.shape)


def copied(value: Any, g: AbstractTensor) -> Any:
    """Return a copy of a cotangent's array that lies as the grad of a tensor with the array `value`."""
    copy = IN_ORDER if value.flags.c_contiguous else Copy(grad_steps(value))
    return copy.eager(module_of(g), g.value)


def owned(g: AbstractTensor) -> bool:
    """Return whether nothing but the caller's variable and the pass holds `g`, so that its memory may become a grad."""
    value = g.value
    base = value.base
    if base is not None and not unshared(base, value.size):
        return False
    return (
        (base is not None or value.flags.owndata) and sys.getrefcount(value) <= _ALONE and sys.getrefcount(g) <= _ALONE_TENSOR
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
