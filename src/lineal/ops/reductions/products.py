"""Products."""

from __future__ import annotations

import numpy as np

from lineal.base import dtypes
from lineal.base.layouts import dense
from lineal.base.signatures import DType, Tensor
from lineal.base.spec import Axes
from lineal.core import Op
from lineal.core.calling import public
from lineal.ops.conversion import cast
from lineal.ops.front import require_tensor, store
from lineal.ops.reductions.front import doors, reduced, unreduced
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
    keeps = "0"

    @property
    def grad_name(self) -> str:
        return "ProdBackward0" if self.whole else "ProdBackward1"

    def eager(self, xp, x):
        return reduced(xp.multiply, x, self.axes, self.keepdim, self.storage)

    def vjp(self, needs, g, y, x):
        shape = x.value.shape
        g = unreduced(g, shape, self.axes, self.keepdim)
        if len(self.axes) == 1:
            return (g * others(x, self.axes[0]).conj(),)
        return (g * reshape(others(reshape(x, (-1,)), 0), shape).conj() if x.value.size else reshape(x, shape),)


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
