"""Diagonals: looked at, put into zeros, replaced."""

from __future__ import annotations

import functools

import numpy as np

from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import Op, apply, renamed
from lineal.core.calling import public
from lineal.ops.front import store
from lineal.ops.structural.embedding import embed, scatter_view
from lineal.ops.structural.reshape import clone

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "diagonal_scatter"]


class Diagonal(Op):
    """y = the `offset`-th diagonal of the axes `first` and `second`, as the last axis; x̄ = ȳ there, zero elsewhere."""

    offset: int
    first: Axis
    second: Axis
    aliasing = "view"

    def eager(self, xp, x):
        y = x.diagonal(self.offset, self.first, self.second)
        if xp is np and x.flags.writeable:
            # NumPy hands out a view, but one that refuses writing
            y.flags.writeable = True
        return y

    def vjp(self, needs, g, y, x):
        return (embed(g, self, x.shape),)


_diagonal = functools.lru_cache(4096)(Diagonal)


@functools.lru_cache(4096, typed=True)
def diagonal_op(name: str, ndim: int, offset: int, dim1: int, dim2: int) -> Diagonal:
    """Return the view op of a diagonal; RuntimeError if both dims are one."""
    if ndim == 0:
        axis(name, dim1, 0)
        raise IndexError(f"{name}: expected at least two dimensions, got a 0-dim tensor")
    first, second = axis(name, dim1, ndim), axis(name, dim2, ndim)
    if first == second:
        raise RuntimeError(f"{name}: diagonal dimensions cannot be identical {dim1}, {dim2}")
    return _diagonal(offset, first, second)


@public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the view of the diagonals of dimensions `dim1` and `dim2`, as the last dimension; `offset` > 0 is above."""
    return apply(diagonal_op("diagonal", input.value.ndim, offset, dim1, dim2), input)


@public
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return zeros with the last dimension of input on the diagonals of dimensions `dim1` and `dim2`."""
    shape = input.value.shape
    if not shape:
        raise IndexError("diag_embed: expected at least one dimension, got a 0-dim tensor")
    view = diagonal_op("diag_embed", len(shape) + 1, offset, dim1, dim2)
    size = shape[-1] + abs(offset)
    others = iter(shape[:-1])
    target = [size if place in (view.first, view.second) else next(others) for place in range(len(shape) + 1)]
    return renamed(embed(input, view, tuple(target)), "DiagEmbedBackward0")


@public
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None
) -> Tensor:
    """Return a copy of input with `src` on the diagonals of dimensions `dim1` and `dim2`."""
    return scatter_view(
        "diagonal_scatter", input, src, diagonal_op("diagonal_scatter", input.value.ndim, offset, dim1, dim2), out
    )


@public
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return a square matrix with the vector input on a diagonal, or a copy of that diagonal of the matrix input."""
    ndim = input.value.ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag: expected a 1D or 2D tensor, got shape {list(input.value.shape)}")
    y = diag_embed(input, diagonal) if ndim == 1 else clone(apply(diagonal_op("diag", 2, diagonal, 0, 1), input))
    return y if out is None else store(y, out, "diag")


@public
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return a square matrix with all elements of input on a diagonal."""
    return diag_embed(input.reshape(-1), offset)
