"""One index, or a range of indices, of one dimension: views; and the copies of a tensor in which such a part is replaced."""

from __future__ import annotations

import functools
import operator
from typing import Any

from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.structural.embedding import embed, scatter_view

__all__ = ["narrow", "select", "select_scatter", "slice_inverse", "slice_scatter"]

_ALL = slice(None)


class Select(Op):
    """y = x at position `place` of axis `dim`, without that axis; x̄ = ȳ there, zero elsewhere."""

    dim: Axis
    place: int
    aliasing = "view"

    @functools.cached_property
    def where(self) -> tuple:
        return (*(_ALL,) * self.dim, self.place, ...)

    def eager(self, xp, x):
        return x[self.where]

    def vjp(self, needs, g, y, x):
        return (embed(g, self, x.shape),)


class Slice(Op):
    """y = x at start, start + step, … < stop along axis `dim`; x̄ = ȳ there, zero elsewhere."""

    dim: Axis
    start: int
    stop: int
    step: int
    aliasing = "view"

    @functools.cached_property
    def where(self) -> tuple:
        return (*(_ALL,) * self.dim, slice(self.start, self.stop, self.step))

    def eager(self, xp, x):
        return x[self.where]

    def vjp(self, needs, g, y, x):
        return (embed(g, self, x.shape),)


_select = functools.lru_cache(4096)(Select)
_slice = functools.lru_cache(4096)(Slice)


def select_op(name: str, shape: tuple[int, ...], dim: int, index: int) -> Op:
    """Return the view op of one index of dimension `dim`; IndexError if there is none."""
    if not shape:
        raise IndexError(f"{name}: select() cannot be applied to a 0-dim tensor")
    dim, found = axis(name, dim, len(shape)), operator.index(index)
    if not -shape[dim] <= found < shape[dim]:
        raise IndexError(f"{name}: index {found} out of range for tensor of size {list(shape)} at dimension {dim}")
    return _select(dim, found + shape[dim] if found < 0 else found)


def slice_op(name: str, shape: tuple[int, ...], dim: int, start: int | None, end: int | None, step: int) -> Op:
    """Return the view op of a range of dimension `dim`, cut to what there is."""
    if not shape:
        raise RuntimeError(f"{name}: slice() cannot be applied to a 0-dim tensor")
    if step <= 0:
        raise RuntimeError(f"{name}: slice step must be positive, got {step}")
    dim = axis(name, dim, len(shape))
    first, last, _ = slice(start, end).indices(shape[dim])
    return _slice(dim, first, max(first, last), step)


@public
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the view of input at one index of dimension `dim`."""
    return apply(select_op("select", input.value.shape, dim, index), input)


@public
def slice_view(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """Return the view of input at start, start + step, … < end along dimension `dim`."""
    return apply(slice_op("slice", input.value.shape, dim, start, end, step), input)


@public
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return the view of `length` indices of dimension `dim`, from `start` (an int, or a tensor of one) on."""
    shape = input.value.shape
    if not shape:
        raise RuntimeError("narrow: narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, AbstractTensor) and (start.value.ndim or start.value.dtype.kind not in "iu"):
        raise RuntimeError(f"narrow: start must be an 0-dim integral Tensor, got {dtype_of(start)}{list(start.value.shape)}")
    place, first = axis("narrow", dim, len(shape)), operator.index(start)  # type: ignore[arg-type]
    size = shape[place]
    if length < 0:
        raise RuntimeError(f"narrow: length must be non-negative, got {length}")
    if not -size <= first <= size:
        raise IndexError(f"narrow: start out of range (expected to be in range of [{-size}, {size}], but got {first})")
    first = first + size if first < 0 else first
    if first + length > size:
        raise RuntimeError(f"narrow: start ({first}) + length ({length}) exceeds dimension size ({size})")
    return apply(_slice(place, first, first + length, 1), input)


@public
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """Return a copy of input with `src` at one index of dimension `dim`."""
    return scatter_view("select_scatter", input, src, select_op("select_scatter", input.value.shape, dim, index), out)


@public
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of input with `src` at start, start + step, … < end along dimension `dim`."""
    return scatter_view("slice_scatter", input, src, slice_op("slice_scatter", input.value.shape, dim, start, end, step), out)


@public
def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """Return the tensor of the shape of `src` whose slice is `input`, over the same memory."""
    x, like = input.value, src.value
    view = slice_op("slice_inverse", like.shape, dim, start, end, step)
    if view.run((src,)).shape != x.shape:
        raise RuntimeError(f"slice_inverse: expected a slice of shape {list(like.shape)}, got {list(x.shape)}")
    return input.as_strided(like.shape, src.stride(), src.storage_offset())
