"""Sums, products, extremes, moments and truth along axes, in the array API standard.

No axes, `axis=()`, means that nothing is reduced; in PyTorch it means all.
"""

from __future__ import annotations

from lineal import ops
from lineal.array_api.datatypes import UNSIGNED, astype
from lineal.base.dtypes import bool_, uint64
from lineal.base.signatures import Dims, DType, Tensor
from lineal.base.spec import axis as place_of
from lineal.ops.conversion import dtype_of

__all__ = ["all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod", "std", "sum", "var"]


def over(x: Tensor, axis: Dims | None, keepdims: bool) -> tuple[Tensor, tuple[int, ...], bool]:
    """Return the tensor and the dimensions that PyTorch's reductions take for an axis, and whether they are kept.

    Where nothing is to be reduced, that is one more dimension, of size 1.
    """
    dims = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return (x, dims, keepdims) if dims else (x.unsqueeze(-1), (-1,), False)


def summed(x: Tensor, dtype: DType | None) -> Tensor:
    """Return what is added up or multiplied: unsigned numbers as uint64, unless a dtype is asked for."""
    target = uint64 if dtype is None and dtype_of(x) in UNSIGNED else dtype
    return x if target is None else astype(x, target, copy=False)


def sum(x: Tensor, /, *, axis: Dims | None = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Return sums along axes; those of integers are int64, of unsigned ones uint64."""
    x = summed(x, dtype)
    return ops.sum(*over(x, axis, keepdims), dtype=dtype_of(x) if dtype or dtype_of(x) is uint64 else None)


def prod(x: Tensor, /, *, axis: Dims | None = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Return products along axes; those of integers are int64, of unsigned ones uint64."""
    x = summed(x, dtype)
    target = dtype_of(x) if dtype or dtype_of(x) is uint64 else None
    y, dims, keep = over(x, axis, keepdims)
    for dim in sorted((place_of("prod", each, y.ndim) for each in dims), reverse=True):
        y = ops.prod(y, dim, keep, dtype=target)
    return y


def max(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return the largest elements along axes; NaN if there is one."""
    return ops.amax(*over(x, axis, keepdims))


def min(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return the smallest elements along axes; NaN if there is one."""
    return ops.amin(*over(x, axis, keepdims))


def mean(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return means along axes."""
    return ops.mean(*over(x, axis, keepdims))


def var(x: Tensor, /, *, axis: Dims | None = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Return variances along axes: squared distances to the mean over their number less `correction`."""
    x, dims, keep = over(x, axis, keepdims)
    return ops.var(x, dims, correction=correction, keepdim=keep)


def std(x: Tensor, /, *, axis: Dims | None = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Return standard deviations along axes, roots of `var`."""
    x, dims, keep = over(x, axis, keepdims)
    return ops.std(x, dims, correction=correction, keepdim=keep)


def all(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return whether all elements along axes are true."""
    return ops.all(*over(x if x.dtype is bool_ else x != 0, axis, keepdims))


def any(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return whether any element along axes is true."""
    return ops.any(*over(x if x.dtype is bool_ else x != 0, axis, keepdims))


def along(name: str, x: Tensor, axis: int | None) -> int:
    """Return the axis of a running result, which may be left out where there is but one."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"{name}: expected an axis for a tensor of {x.ndim} dimensions")
    return place_of(name, axis or 0, x.ndim)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Return the running sums along an axis, after a 0 if `include_initial`."""
    dim, x = along("cumulative_sum", x, axis), summed(x, dtype)
    y = ops.cumsum(x, dim, dtype=dtype_of(x) if dtype or dtype_of(x) is uint64 else None)
    return started(y, dim, 0) if include_initial else y


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Return the running products along an axis, after a 1 if `include_initial`."""
    dim, x = along("cumulative_prod", x, axis), summed(x, dtype)
    y = ops.cumprod(x, dim, dtype=dtype_of(x) if dtype or dtype_of(x) is uint64 else None)
    return started(y, dim, 1) if include_initial else y


def started(y: Tensor, dim: int, number: int) -> Tensor:
    """Return running results after what they started from."""
    shape = [1 if place == dim else size for place, size in enumerate(y.shape)]
    return ops.cat((y.new_full(shape, number), y), dim)


def diff(x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
    """Return the n-th differences along an axis, of `x` between what is prepended and appended."""
    return ops.diff(x, n, axis, prepend, append)
