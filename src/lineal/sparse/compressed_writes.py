"""Writes to compressed tensors in place: to their entries; none comes or goes, but with `zero_` all go."""

from __future__ import annotations

import functools
from typing import Any

from lineal import ops
from lineal.sparse.answering import COMPRESSED, answers, enter
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed
from lineal.sparse.compressed_entries import matches
from lineal.sparse.entries import ZERO_KEEPING, is_number
from lineal.tensors import Tensor

__all__: list[str] = []


def written(name: str, x: CompressedTensor, *given: Any, **options: Any) -> CompressedTensor:
    """Let a method write to the entries; RuntimeError if several share a place, whose sum it would be done to."""
    if not x.pattern.is_canonical():
        raise RuntimeError(f"{name}: expected indices that grow along each line of a tensor of the layout {x.layout}")
    getattr(x.entries, name)(*given, **options)
    return x


for _name in ZERO_KEEPING:
    if hasattr(Tensor, f"{_name}_"):
        enter(functools.partial(written, f"{_name}_"), (f"{_name}_",), (COMPRESSED,))
enter(functools.partial(written, "neg_"), ("neg_", "negative_"), (COMPRESSED,))


@answers("mul_", "multiply_", "__imul__", of=(COMPRESSED,))
def mul_(self: CompressedTensor, other: Any) -> CompressedTensor:
    """Multiply the entries by a number, or by those of a tensor with the same pattern."""
    return combined("mul_", self, other)


@answers("div_", "divide_", "true_divide_", "__itruediv__", of=(COMPRESSED,))
def div_(self: CompressedTensor, other: Any) -> CompressedTensor:
    """Divide the entries by a number."""
    if not is_number(other):
        raise RuntimeError("div_: a sparse tensor can be divided by a number only")
    self.entries.div_(other)
    return self


@answers("add_", "__iadd__", of=(COMPRESSED,))
def add_(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Add a tensor to one with the same pattern, or a compressed one to a strided one."""
    if not isinstance(self, CompressedTensor):
        return self.add_(other.to_dense(), alpha=alpha)
    return combined("add_", self, other, alpha=alpha)


@answers("sub_", "subtract_", "__isub__", of=(COMPRESSED,))
def sub_(self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Subtract a tensor from one with the same pattern, or a compressed one from a strided one."""
    return add_(self, other, alpha=-alpha)


@answers("copy_", of=(COMPRESSED,))
def copy_(self: CompressedTensor, src: Any, non_blocking: bool = False) -> CompressedTensor:
    """Write the entries of a tensor with the same pattern."""
    return combined("copy_", self, src)


def combined(name: str, x: CompressedTensor, other: Any, **options: Any) -> CompressedTensor:
    """Let a method write to the entries what it makes of those of another tensor at the same places, or of a number."""
    if is_number(other) and name == "mul_":
        x.entries.mul_(other)
        return x
    if not isinstance(other, CompressedTensor) or x.shape != other.shape or not matches(x, other):
        shape = list(other.shape) if isinstance(other, Tensor) else other
        raise RuntimeError(f"{name}: expected sparse tensors of one shape and pattern, got {list(x.shape)} and {shape}")
    getattr(x.entries, name)(other.entries, **options)
    return x


@answers("fill_", of=(COMPRESSED,))
def fill_(self: CompressedTensor, value: Any) -> CompressedTensor:
    """Write a number to all entries, not to what has none."""
    self.entries.fill_(value)
    return self


@answers("zero_", of=(COMPRESSED,))
def zero_(self: CompressedTensor) -> CompressedTensor:
    """Take away all entries."""
    empty = zeros_like(self)
    self.pattern, self.entries = empty.pattern, empty.entries
    return self


@answers("zeros_like", of=(COMPRESSED,))
def zeros_like(x: CompressedTensor, *, dtype: Any = None, **options: Any) -> CompressedTensor:
    """Return a tensor of this shape and layout without entries."""
    pointers, indices = ops.zeros_like(x.pattern.pointers), x.pattern.indices[..., :0]
    shape = (*x.shape[: x.batch], 0, *x.entries.shape[x.batch + 1 :])
    entries = ops.zeros(shape, dtype=x.dtype if dtype is None else dtype)
    return compressed(x.layout, Pattern(pointers, indices, {}), entries, x.shape)


@answers("ones_like", of=(COMPRESSED,))
def ones_like(x: CompressedTensor, *, dtype: Any = None, **options: Any) -> CompressedTensor:
    """Return a tensor of this pattern whose entries are ones."""
    return x.with_entries(ops.ones_like(x.entries, dtype=dtype))


@answers("empty_like", of=(COMPRESSED,))
def empty_like(x: CompressedTensor, *, dtype: Any = None, **options: Any) -> CompressedTensor:
    """Return a tensor of this pattern whose entries are anything."""
    return x.with_entries(ops.empty_like(x.entries, dtype=dtype))
