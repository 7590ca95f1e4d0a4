"""Norms of vectors, and what is made of them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.dtypes import Category, dtype
from lineal.base.layouts import dense
from lineal.base.signatures import Dims, DType, Tensor
from lineal.base.spec import Axes, axes, axis
from lineal.core import Op, renamed
from lineal.core.calling import public
from lineal.core.precision import widened
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.arithmetic import sub
from lineal.ops.elementwise.masks import drop, keep
from lineal.ops.front import require_tensor, store, zero
from lineal.ops.reductions.front import doors, folded, hashable, reduced, spread, unreduced
from lineal.ops.reductions.moments import real
from lineal.ops.reductions.standardising import squared_sizes
from lineal.ops.reductions.sums import sum
from lineal.ops.structural.axes import movedim, unsqueeze

__all__ = ["norm", "dist", "renorm"]


class VectorNorm(Op):
    """y = (Σ |x|ᵖ)^(1/p) over `axes`;  x̄ = ȳ y^(1-p) |x|^(p-1) x/|x|, zero where y or x is (a subgradient).

    p = ∞ and -∞ give the largest and smallest |x| (equal ones share ȳ), p = 0 how many x are not zero.
    """

    axes: Axes
    keepdim: bool
    p: float
    layout = dense
    grad_name = "LinalgVectorNormBackward0"
    keeps = "0 y"

    def eager(self, xp, x):
        y = self.plain(xp, x)
        if self.p in (0, 1, math.inf, -math.inf) or (self.p == 2 and real(x.dtype) != np.float64):
            return y
        small, large = ranges(x.dtype, self.p)
        inside = small <= y <= large if y.ndim == 0 else ((y >= small) & (y <= large)).all()
        if inside or not x.size:
            return y
        # a power left the range, or all is 0: the elements are taken as parts of the one that counts most
        size = (xp.maximum if self.p > 0 else xp.minimum).reduce(xp.abs(widened(x)), axis=self.axes, keepdims=True)
        scale = xp.where((size == 0) | ~xp.isfinite(size), size.dtype.type(1), size)
        part = self.plain(xp, widened(x) / scale)
        return (part * (scale if self.keepdim else scale.squeeze(self.axes))).astype(real(x.dtype))

    def plain(self, xp, x):
        """Return y by its formula."""
        p, storage = self.p, real(x.dtype)
        if p == 2:
            y = xp.sqrt(squared_sizes(xp, x, self.axes))
            return (y if self.keepdim else y.reshape(left(x.shape, self.axes))).astype(storage)
        if p in SIMPLE and (y := folded(SIMPLE[p], x, self.axes, x.dtype, size)) is not None:
            return y if self.keepdim else y.squeeze(self.axes)
        if p == 0:
            return reduced(xp.add, x != 0, self.axes, self.keepdim, np.dtype(np.int64)).astype(storage)
        sizes = xp.abs(widened(x))
        if math.isinf(p):
            return (xp.maximum if p > 0 else xp.minimum).reduce(sizes, axis=self.axes, keepdims=self.keepdim).astype(storage)
        if p == 1:
            return reduced(xp.add, sizes, self.axes, self.keepdim).astype(storage)
        return (reduced(xp.add, sizes**p, self.axes, self.keepdim) ** (1 / p)).astype(storage)

    def vjp(self, needs, g, y, x):
        p, shape = self.p, x.value.shape
        if p == 0:
            return (zero(x),)
        y, g = (unreduced(each, shape, self.axes, self.keepdim) for each in (y, g))
        if p == 1:
            return (x.sgn() * g,)
        if math.isinf(p):
            mask = x.detach().abs().eq(y.detach())
            return (x.sgn() * keep(spread(g / sum(mask, self.axes, True), shape, self.axes, True), mask),)
        nothing = y.eq(0)
        g, y = drop(g, nothing), y.masked_fill(nothing, 1)
        if p == 2:
            return (x / y * g,)
        size = x.abs()
        if p < 2:
            size = size.masked_fill(x.eq(0), 1)
            y = y.where(~x.eq(0), 1)
        # at most 1 where p ≥ 1, unlike the powers of its parts
        return (x.sgn() * ((size / y).pow(p - 1) * g),)


@functools.lru_cache(64)
def ranges(storage: np.dtype, p: float) -> tuple[float, float]:
    """Return from where to where a norm says that no power of an element that matters left the range."""
    limits = np.finfo(real(dtypes.computing(storage)))
    # roots: of powers below 1 the norm itself is the first to leave the range
    power = max(abs(p), 1.0)
    small, large = (float(limits.tiny) / float(limits.eps)) ** (1 / power), float(limits.max) ** (1 / power)
    return small, large / 2


def left(shape: tuple[int, ...], axes: Axes) -> list[int]:
    """Return the sizes of the axes that are not reduced."""
    return [size for place, size in enumerate(shape) if place not in axes]


def size(m: Any, x: Any) -> Any:
    """Return |x|."""
    return m.abs(x)


SIMPLE = {1: np.add, math.inf: np.maximum, -math.inf: np.minimum}
"""How |x| is folded by the norms that are one pass."""

_norm = doors("vector_norm", VectorNorm)


@public
def vector_norm(
    input: Tensor,
    ord: float = 2,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return (Σ |input|^ord)^(1/ord) over `dim` (all dimensions by default), as a real tensor."""
    x = require_tensor("vector_norm", input)
    if x.dtype.kind in "iub":
        raise RuntimeError(f"vector_norm: expected a floating or complex tensor, got {dtype_of(input)}")
    if dtype is not None:
        input = as_wanted("vector_norm", input, dtypes.as_dtype(dtype))
    p = float(ord)
    if x.size == 0 and (p < 0 or p == math.inf):
        check_nonempty(x, dim, p)
    y = _norm(dim, x.ndim, keepdim, p)(input)
    return y if out is None else store(y, out, "vector_norm")


def as_wanted(name: str, input: Tensor, wanted: dtype) -> Any:
    """Return the input in the dtype `wanted`, which must be of its category and hold it."""
    given = dtype_of(input)
    if wanted.category is not given.category:
        raise RuntimeError(f"{name}: expected dtype to be {'complex' if given.is_complex else 'floating'}, got {wanted}")
    if dtypes.promote_types(given, wanted) is not wanted:
        raise RuntimeError(f"{name}: expected a dtype that holds {given}, got {wanted}")
    return cast(input, wanted)


def check_nonempty(x: np.ndarray, dim: Any, p: float) -> None:
    """Refuse the norms that have no value for no elements."""
    where = axes("vector_norm", None if dim is None else hashable(dim), x.ndim)
    if dim is None or any(x.shape[each] == 0 for each in where):
        raise RuntimeError(
            f"vector_norm: cannot compute the norm of order {p} of no elements, got shape {list(x.shape)}; it has no identity"
        )


@public
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims | None = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Return the p-norm over `dim` (all dimensions by default); "fro" is p = 2, "nuc" the sum of a matrix's singular values."""
    if p == "nuc":
        y = nuclear(input if dtype is None else cast(input, dtypes.as_dtype(dtype)), dim, keepdim)
        return y if out is None else store(y, out, "norm")
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: expected p to be a number, 'fro' or 'nuc', got {p!r}")
    return vector_norm(input, 2 if p is None or p == "fro" else p, dim, keepdim, dtype=dtype, out=out)


def nuclear(input: Tensor, dim: Any, keepdim: bool) -> Any:
    """Return the sum of the singular values of the matrices in the two dimensions `dim`."""
    ndim = require_tensor("norm", input).ndim
    if dim is None and ndim != 2:
        raise RuntimeError(f"norm: expected a matrix for p='nuc' without dim, got shape {list(input.value.shape)}")
    rows, columns = (0, 1) if dim is None else (axis("norm", each, ndim) for each in dim)
    y = sum(movedim(input, (rows, columns), (-2, -1)).svd()[1], -1)
    for place in sorted((rows, columns)) if keepdim else ():
        y = unsqueeze(y, place)
    return y


@public
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of input - other, which are broadcast together."""
    difference = sub(input, other)
    if dtype_of(difference).category < Category.FLOATING:
        raise RuntimeError(f"dist: expected floating or complex tensors, got {dtype_of(input)} and {dtype_of(other)}")
    return renamed(vector_norm(difference, p), "DistBackward0")


@public
def renorm(input: Tensor, p: float, dim: int, maxnorm: float, *, out: Tensor | None = None) -> Tensor:
    """Return input with each slice along `dim` whose p-norm is above `maxnorm` scaled down to it."""
    x = require_tensor("renorm", input)
    if p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: expected p > 0 and maxnorm ≥ 0, got p={p}, maxnorm={maxnorm}")
    if x.ndim < 2:
        raise RuntimeError(f"renorm: expected at least 2 dimensions, got shape {list(x.shape)}")
    kept = axis("renorm", dim, x.ndim)
    sizes = vector_norm(input, p, tuple(each for each in range(x.ndim) if each != kept), True)
    factor = (maxnorm / (sizes + 1e-7)).masked_fill(sizes.le(maxnorm), 1)
    y = input * factor
    return renamed(y if out is None else store(y, out, "renorm"), "RenormBackward0")
