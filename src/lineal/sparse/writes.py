"""Writes to tensors by coordinates in place: other entries, at other coordinates, take the place of those there were."""

from __future__ import annotations

from typing import Any

from lineal.core import is_grad_enabled
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made
from lineal.sparse.entries import add, div, mul, sub

__all__: list[str] = []


def rewritten(name: str, x: Any, y: Any) -> SparseTensor:
    """Return x with the entries of y; RuntimeError for a leaf that requires grad, and if y does not fit x."""
    if not isinstance(x, SparseTensor) or not isinstance(y, SparseTensor):
        raise RuntimeError(f"{name}: expected a sparse result for a sparse tensor to be written, got a strided one")
    if x.requires_grad and x.is_leaf and is_grad_enabled():
        raise RuntimeError(f"{name}: a leaf Variable that requires grad is being used in an in-place operation.")
    if y.shape != x.shape:
        raise RuntimeError(f"{name}: expected a result of shape {list(x.shape)}, got {list(y.shape)}")
    if y.dtype.category > x.dtype.category:
        raise RuntimeError(f"{name}: result type {y.dtype} can't be cast to the desired output type {x.dtype}")
    x.coordinates, x.coalesced, x.entries = y.coordinates, y.coalesced, y.entries.to(x.dtype)
    return x


@answers("add_", "__iadd__")
def add_(self: Any, other: Any, *, alpha: Any = 1) -> SparseTensor:
    """Add a sparse tensor of the same shape."""
    return rewritten("add_", self, add(self, other, alpha=alpha))


@answers("sub_", "subtract_", "__isub__")
def sub_(self: Any, other: Any, *, alpha: Any = 1) -> SparseTensor:
    """Subtract a sparse tensor of the same shape."""
    return rewritten("sub_", self, sub(self, other, alpha=alpha))


@answers("mul_", "multiply_", "__imul__")
def mul_(self: Any, other: Any) -> SparseTensor:
    """Multiply by a number or a tensor."""
    return rewritten("mul_", self, mul(self, other))


@answers("div_", "divide_", "true_divide_", "__itruediv__")
def div_(self: Any, other: Any) -> SparseTensor:
    """Divide by a number."""
    return rewritten("div_", self, div(self, other))


@answers("zero_")
def zero_(self: SparseTensor) -> SparseTensor:
    """Take away all entries."""
    return rewritten("zero_", self, made(self.coordinates[:, :0], self.entries.detach()[:0], tuple(self.shape), True))
