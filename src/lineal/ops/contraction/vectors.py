"""Products of vectors along a dimension, and the Kronecker product."""

from __future__ import annotations

import functools
import operator
import warnings
from typing import Any

from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, Shape, axis, broadcast_shapes
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.products import Product, require_same_dtype
from lineal.ops.conversion import dtype_of
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.front import store
from lineal.ops.structural.reshape import reshape

__all__ = ["cross", "kron"]


class Cross(Product):
    """y = a × b of the vectors of three along `axis`; ā = b* × ȳ, b̄ = ȳ × a*."""

    axis: Axis
    grad_name = "LinalgCrossBackward0"

    def eager(self, xp, a, b):
        a, b = xp.moveaxis(a, self.axis, 0), xp.moveaxis(b, self.axis, 0)
        y = xp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
        return xp.moveaxis(y, 0, self.axis)

    def by_first(self, g, b):
        return _cross(self.axis)(b.conj(), g)

    def by_second(self, g, a):
        return _cross(self.axis)(g, a.conj())


_cross = functools.lru_cache(64)(Cross)


@public
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the cross products of the vectors along `dim`, by default the first dimension of size 3."""
    if dim is None:
        shape = broadcast_shapes("cross", input.value.shape, other.value.shape)
        if 3 not in shape:
            raise RuntimeError(
                f"cross: no dimension of size 3 in input, got shapes {input.value.shape} and {other.value.shape}"
            )
        dim = shape.index(3)
        warnings.warn(
            f"cross: expected dim to be given; without it the first dimension of size 3, here {dim}, is taken", stacklevel=3
        )
    return linalg_cross(input, other, dim=dim, out=out)


@public
def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Return the cross products of the vectors along `dim`."""
    require_same_dtype("linalg.cross", input, other)
    a, b = input.value.shape, other.value.shape
    if len(a) != len(b):
        raise RuntimeError(f"linalg.cross: inputs must have the same number of dimensions, got shapes {a} and {b}")
    place = axis("linalg.cross", dim, len(a))
    if not a or a[place] != 3 or b[place] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3, got shapes {a} and {b}")
    shape = broadcast_shapes("linalg.cross", a, b)
    y = _cross(place)(expand(input, shape), expand(other, shape))
    return y if out is None else store(y, out, "linalg.cross")


@public
def vecdot(x: Any, y: Any, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Return Σ x* × y along `dim`; leading sizes broadcast."""
    for each in (x, y):
        if each.value.dtype.kind in "iub":
            raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {dtype_of(each)}")
    require_same_dtype("linalg.vecdot", x, y)
    found = mul(x.conj(), y).sum(dim)
    return found if out is None else store(found, out, "linalg.vecdot")


@functools.lru_cache(1024)
def blockwise(a: Shape, b: Shape) -> tuple[Shape, Shape, Shape]:
    """Return the shapes in which two arrays broadcast to all products, and that of their Kronecker product."""
    ndim = max(len(a), len(b))
    a, b = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    spaced = tuple([size for each in a for size in (each, 1)])
    return spaced, tuple([size for each in b for size in (1, each)]), tuple(map(operator.mul, a, b))


@public
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the Kronecker product: every element of `input` times all of `other`, as blocks."""
    spaced, inner, whole = blockwise(input.value.shape, other.value.shape)
    y = reshape(mul(reshape(input, spaced), reshape(other, inner)), whole)
    return y if out is None else store(y, out, "kron")
