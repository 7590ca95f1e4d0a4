"""Cat and split, adjoint to each other, along a dimension that is there."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.layouts import steps, suggested_of_all
from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import AbstractTensor, Op, apply, lift, module_of, renamed
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.conversion import cast, dtype_of, result_type
from lineal.ops.front import store
from lineal.ops.layout import overlapping
from lineal.ops.structural.embedding import embed
from lineal.ops.structural.reshape import reshape
from lineal.ops.structural.slicing import _slice

__all__ = [
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
]


class Cat(Op):
    """y = the xs one after another along axis `dim`; each x̄ = its part of ȳ."""

    dim: Axis
    layout = suggested_of_all
    any_dtype = True

    def eager(self, xp, *xs):
        return xp.concatenate(xs, self.dim)

    def vjp(self, needs, g, y, *xs):
        ends = accumulate([x.shape[self.dim] for x in xs])
        return tuple(
            apply(_slice(self.dim, end - x.shape[self.dim], end, 1), g) if needed else None
            for needed, x, end in zip(needs, xs, ends)
        )

    def check(self, *xs: Tensor) -> None:
        first = xs[0].value.shape
        for place, x in enumerate(xs):
            shape = x.value.shape
            if len(shape) != len(first):
                raise RuntimeError(f"cat: Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
            if any(here != there for axis_, (here, there) in enumerate(zip(first, shape)) if axis_ != self.dim):
                raise RuntimeError(
                    f"cat: Sizes of tensors must match except in dimension {self.dim}. Expected {list(first)} "
                    f"but got {list(shape)} for tensor number {place} in the list."
                )


class Split(Op):
    """ys = the parts of x along axis `dim`, cut at `cuts` (which begin with 0 and end with the size); x̄ = the ȳs joined."""

    dim: Axis
    cuts: tuple[int, ...]
    aliasing = "view"

    def eager(self, xp, x):
        before = (slice(None),) * self.dim
        return tuple([x[(*before, slice(start, stop))] for start, stop in pairwise(self.cuts)])

    def vjp(self, needs, g, y, x):
        given = [place for place, each in enumerate(g) if each is not None]
        if len(given) == 1:
            return (embed(g[given[0]], self.part(given[0]), x.shape),)
        parts = list(g) + [None] * (len(self.cuts) - 1 - len(g))
        for place, (start, stop) in enumerate(pairwise(self.cuts)):
            if parts[place] is None:
                shape = (*x.shape[: self.dim], stop - start, *x.shape[self.dim + 1 :])
                parts[place] = lift(module_of(g[given[0]]).zeros(shape, x.storage))
        return (apply(_cat(self.dim), *parts),)

    def part(self, place: int) -> Op:
        return _slice(self.dim, self.cuts[place], self.cuts[place + 1], 1)


MOST_EMPTY = 1 << 24
"""Into how many parts a dimension of fewer elements may be cut: they take some gigabytes."""

_cat = settled(Cat, 256)
_split = functools.lru_cache(4096)(Split)


def tensors_of(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return a non-empty sequence of tensors as a list; TypeError or RuntimeError if it is something else."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{name}: expected a list or tuple of tensors, got {type(tensors).__name__}")
    for x in tensors:
        if not isinstance(x, AbstractTensor):
            raise TypeError(f"{name}: expected a list of tensors, got {type(x).__name__} in it")
    if not tensors:
        raise RuntimeError(f"{name}: expected a non-empty list of Tensors")
    return list(tensors)


def promoted(xs: list[Tensor]) -> list[Tensor]:
    """Return the tensors in the dtype they promote to together."""
    first = xs[0].value.dtype
    for x in xs:
        if x.value.dtype is not first:
            break
    else:
        return xs
    target = result_type(*xs)
    return [cast(x, target) for x in xs]


@public
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along dimension `dim`; vectors of no elements are left out, whatever the others' shape."""
    if isinstance(tensors, (list, tuple)) and not tensors:
        # the one joining function whose error for an empty list is PyTorch's ValueError
        raise ValueError("cat: expected a non-empty list of Tensors")
    xs = promoted(tensors_of("cat", tensors))
    if out is not None:
        check_out(xs, out)
    shapes = [x.value.shape for x in xs]
    if () in shapes:
        raise RuntimeError("cat: zero-dimensional tensor cannot be concatenated")
    if (0,) in shapes:
        xs, dim = fitted(xs, dim)
    y = apply(_cat(axis("cat", dim, xs[0].value.ndim)), *xs)
    return y if out is None else store(y, out, "cat")


def fitted(xs: list[Tensor], dim: int) -> tuple[list[Tensor], int]:
    """Return tensors without the vectors of no elements, but for those with a history, which get the others' shape."""
    like = next((x.value.shape for x in xs if x.value.shape != (0,)), None)
    if like is None:
        return xs, 0
    place = axis("cat", dim, len(like))
    nothing = (*like[:place], 0, *like[place + 1 :])
    kept = [x for x in xs if x.value.shape != (0,) or x.requires_grad]
    return [x if x.value.shape != (0,) else reshape(x, nothing) for x in kept], place


def check_out(xs: list[Tensor], out: Tensor) -> None:
    """Refuse an `out` that shares memory with an input, or with itself."""
    shared = any(out is x or np.may_share_memory(out.value, x.value) for x in xs)
    if shared or overlapping(out.value.shape, steps(out.value)):
        raise RuntimeError(
            "cat: unsupported operation: some elements of out refer to a single memory location with others, or with an input's"
        )


@public
def concat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along dimension `dim`."""
    return cat(tensors, dim, out=out)


@public
def concatenate(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """Return the tensors joined along dimension `dim` (or `axis`, NumPy's word)."""
    return cat(tensors, dim if axis is None else axis, out=out)


@public
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of consecutive parts of dimension `dim`, of the given sizes, which must add up to its size."""
    shape = input.value.shape
    if not shape:
        raise RuntimeError("split_with_sizes: split expects at least a 1-dimensional tensor")
    place = axis("split_with_sizes", dim, len(shape))
    wanted = [operator.index(size) for size in split_sizes]
    if sum(wanted) != shape[place] or any(size < 0 for size in wanted):
        raise RuntimeError(
            f"split_with_sizes: split_with_sizes expects non-negative split_sizes to sum exactly to {shape[place]} "
            f"(input tensor's size at dimension {place}), but got split_sizes={wanted}"
        )
    return renamed(apply(_split(place, (0, *accumulate(wanted))), input), "SplitWithSizesBackward0")


@public
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of consecutive parts of dimension `dim`: of one size (the last may be smaller), or of a list of sizes."""
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    given: Any = split_size_or_sections
    shape, size = tensor.value.shape, operator.index(given)
    if not shape:
        raise RuntimeError("split: split expects at least a 1-dimensional tensor")
    place = axis("split", dim, len(shape))
    if size < 0 or (size == 0 and shape[place]):
        raise RuntimeError(f"split: split_size can only be 0 if dimension size is 0, and never negative, got {size}")
    cuts = (*range(0, shape[place], size), shape[place]) if shape[place] else (0, 0)
    return apply(_split(place, cuts), tensor)


def check_parts(name: str, parts: int, count: int) -> None:
    """Refuse so many parts of `count` elements, most of them empty, that the memory for the tensors would overflow."""
    if parts > max(count, MOST_EMPTY):
        raise RuntimeError(f"{name}: {parts} parts of a dimension of size {count} would overflow the memory")


@public
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of at most `chunks` consecutive parts of dimension `dim`, of equal size but for the last."""
    if not input.value.ndim:
        raise RuntimeError("chunk: chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunk expects `chunks` to be greater than 0, got: {chunks}")
    count = input.value.shape[axis("chunk", dim, input.value.ndim)]
    if count:
        place, size = axis("chunk", dim, input.value.ndim), -(-count // chunks)
        return apply(_split(place, (*range(0, count, size), count)), input)
    check_parts("chunk", chunks, count)
    return split_with_sizes(input, [0] * chunks, dim)


@public
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of parts of dimension `dim`: so many of nearly equal size, or those between indices."""
    shape = input.value.shape
    if not shape:
        raise RuntimeError("tensor_split: expected at least a 1-dimensional tensor, got a 0-dimensional one")
    place = axis("tensor_split", dim, len(shape))
    given = indices_or_sections
    if isinstance(given, AbstractTensor):
        if given.value.ndim > 1 or dtype_of(given) is not dtypes.int64:
            raise RuntimeError(
                "tensor_split: expected tensor_indices_or_sections to be an int64 tensor of at most one dimension"
            )
        given = given.tolist()  # type: ignore[attr-defined]
    if isinstance(given, (list, tuple)):
        return between(input, [operator.index(each) for each in given], place)
    count, parts = shape[place], operator.index(given)
    if parts <= 0:
        raise RuntimeError(f"tensor_split: number of sections must be larger than 0, got {parts}")
    check_parts("tensor_split", parts, count)
    each, more = divmod(count, parts)
    return between(input, list(accumulate([each + (index < more) for index in range(parts - 1)])), place)


def between(input: Tensor, indices: list[int], dim: int) -> tuple:
    """Return the views from each index to the next, as Python slices: they may overlap or be empty."""
    size = input.value.shape[dim]
    ranges = [slice(*ends).indices(size)[:2] for ends in zip([0, *indices], [*indices, size])]
    return tuple([apply(_slice(dim, start, max(start, stop), 1), input) for start, stop in ranges])


def divided(name: str, input: Tensor, given: Any, dim: int) -> tuple:
    """Return `tensor_split`, which must come out even if `given` is a number."""
    if not isinstance(given, (list, tuple, AbstractTensor)):
        size = input.value.shape[dim]
        if given <= 0 or size % given:
            raise RuntimeError(f"{name}: attempted to split along dimension {dim}, but {size} is not divisible by {given}")
    return tensor_split(input, given, dim)


@public
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views of parts of dimension 1 (0 of a vector): so many of equal size, or those between indices."""
    if input.value.ndim < 1:
        raise RuntimeError(
            "hsplit: torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!"
        )
    return divided("hsplit", input, indices_or_sections, 0 if input.value.ndim == 1 else 1)


@public
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views of parts of dimension 0: so many of equal size, or those between indices."""
    if input.value.ndim < 2:
        raise RuntimeError(f"vsplit: torch.vsplit requires a tensor with at least 2 dimensions, got {input.value.ndim}")
    return divided("vsplit", input, indices_or_sections, 0)


@public
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return views of parts of dimension 2: so many of equal size, or those between indices."""
    if input.value.ndim < 3:
        raise RuntimeError(f"dsplit: torch.dsplit requires a tensor with at least 3 dimensions, got {input.value.ndim}")
    return divided("dsplit", input, indices_or_sections, 2)


@public
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `chunk`; PyTorch's is unsafe because it hides from autograd that the parts share memory, this one is not."""
    return chunk(input, chunks, dim)


@public
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return `split`; PyTorch's is unsafe because it hides from autograd that the parts share memory, this one is not."""
    return split(tensor, split_size, dim)


@public
def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return `split_with_sizes`; PyTorch's hides from autograd that the parts share memory, this one does not."""
    return split_with_sizes(input, split_sizes, dim)
