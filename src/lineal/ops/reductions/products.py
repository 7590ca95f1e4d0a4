"""Products."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.layouts import dense
from lineal.base.limits import finfo
from lineal.base.signatures import DType, Tensor
from lineal.base.spec import Axes
from lineal.core import Op, modes
from lineal.core.calling import public
from lineal.core.precision import widened
from lineal.ops.blocks import is_large
from lineal.ops.conversion import cast
from lineal.ops.front import require_tensor, store
from lineal.ops.reductions.front import count, doors, folded, reduced, unreduced
from lineal.ops.reductions.recurrences import others
from lineal.ops.structural.reshape import reshape

__all__ = ["prod"]


class Prod(Op):
    """y = Π x over `axes` (one, or all of them); x̄ = ȳ times the product of the others (no division: zeros are right)."""

    axes: Axes
    keepdim: bool
    whole: bool = False
    storage: np.dtype | None = None
    layout = dense
    keeps = "0 y"

    @property
    def grad_name(self) -> str:
        return "ProdBackward0" if self.whole else "ProdBackward1"

    def eager(self, xp, x):
        return reduced(xp.multiply, x, self.axes, self.keepdim, self.storage)

    def vjp(self, needs, g, y, x):
        shape = x.value.shape
        if divides(self.axes, g.value, y.value, x.value):
            return (unreduced(g * y.conj(), shape, self.axes, self.keepdim) / x.conj(),)
        g = unreduced(g, shape, self.axes, self.keepdim)
        if len(self.axes) == 1:
            return (g * others(x, self.axes[0]).conj(),)
        return (g * reshape(others(reshape(x, (-1,)), 0), shape).conj() if x.value.size else reshape(x, shape),)


def divides(axes: Axes, g: np.ndarray, y: np.ndarray, x: np.ndarray) -> bool:
    """Return whether g y / x is x̄: nobody differentiates it, no factor is 0, and nothing has left the range of normal numbers.

    Products that are infinite or 0 will do if they are so without any one of their factors.
    """
    if modes.grad_enabled.get() or modes.recorder.get() is not None or not is_large(x):
        return False
    least = finfo(dtypes.of(y.dtype)).tiny
    with np.errstate(all="ignore"):
        size, pulled = np.abs(widened(y)), np.abs(widened(g * y))
    normal = (size >= least) & (size < np.inf) & (pulled < np.inf) & ((pulled >= least) | (g == 0))
    return bool(normal.all()) or (y.dtype.kind == "f" and bool((normal | outside(axes, y, x)).all()))


def outside(axes: Axes, y: np.ndarray, x: np.ndarray) -> Any:
    """Return where products of finite numbers other than 0 leave the range, up or down, even without one of them."""
    end, n = np.finfo(y.dtype), count(x.shape, axes)
    with np.errstate(all="ignore"):
        bits = folded(np.add, x, axes, np.dtype(np.float64), bits_of)
        ends = [folded(each, x, axes, x.dtype, size_of) for each in (np.maximum, np.minimum)]
        if bits is None or ends[0] is None or ends[1] is None:
            return False
        most, fewest = (np.log2(each.astype(np.float64)) for each in ends)
        # what n logarithms in x's precision are wrong by
        slack = 2 + n * end.eps * 8 * np.maximum(np.abs(most), np.abs(fewest))
        found = (bits - most > end.maxexp + slack) | (bits - fewest < end.minexp - end.nmant - slack)
    return found.reshape(y.shape)


def bits_of(m: Any, x: Any) -> Any:
    """Return log₂ |x|."""
    return m.log2(m.abs(x))


def size_of(m: Any, x: Any) -> Any:
    """Return |x|."""
    return m.abs(x)


_prod = doors("prod", Prod)
_INT64 = np.dtype(np.int64)


@public
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Return the product along `dim` (of all elements by default); integers and bool multiply to int64."""
    x = require_tensor("prod", input)
    if dim is not None and not hasattr(dim, "__index__"):
        raise TypeError(f"prod: expected dim to be an int, got {dim!r}")
    if dtype is None and x.dtype.kind in "iub":
        y = _prod(dim, x.ndim, keepdim, dim is None, _INT64)(input)
    else:
        y = _prod(dim, x.ndim, keepdim, dim is None)(input if dtype is None else cast(input, dtypes.as_dtype(dtype)))
    return y if out is None else store(y, out, "prod")
