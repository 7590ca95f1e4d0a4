"""Sums, products and extremes so far along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes, results
from lineal.base.layouts import dense
from lineal.base.signatures import DType, Tensor
from lineal.base.spec import Axis, axis
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.core.precision import widened
from lineal.ops.conversion import cast
from lineal.ops.front import require_tensor, store
from lineal.ops.promotion import unsupported
from lineal.ops.reductions.front import along, both
from lineal.ops.reductions.picking import place
from lineal.ops.reductions.recurrences import CumProd, accumulated, natively

__all__ = ["cumsum", "cumprod", "cummax", "cummin"]


class CumSum(Op):
    """y = the sums of x up to each element along `axis` (from it on, if `back`); the adjoint runs the other way."""

    axis: Axis
    back: bool = False
    layout = dense
    grad_name = "CumsumBackward0"

    def eager(self, xp, x):
        if not x.ndim:
            return x.copy()
        return accumulated(xp.add, x, self.axis, self.back)

    def vjp(self, needs, g, y, x):
        return (_cumsum(self.axis, g.value.ndim, not self.back)(g),)


class CumExtreme(Op):
    """y, index = the largest (or smallest) x so far along `axis` and where it was last; x̄ = ȳ added up at index."""

    axis: Axis
    largest: bool
    layout = dense
    width, keeps, outputs_read = 2, "y", (1,)
    no_lowering = "host step: a scan that carries two numbers"

    @property
    def grad_name(self) -> str:
        return "CummaxBackward0" if self.largest else "CumminBackward0"

    def eager(self, xp, x):
        if not x.ndim:
            return x.copy(), xp.zeros((), np.int64)
        found = natively("maximum" if self.largest else "minimum", (x,), self.axis)
        if found is not None:
            return found
        wide = widened(x)
        y = (xp.maximum if self.largest else xp.minimum).accumulate(wide, axis=self.axis)
        counting = xp.arange(x.shape[self.axis]).reshape([-1 if place == self.axis else 1 for place in range(x.ndim)])
        index = xp.maximum.accumulate(xp.where((wide == y) | (wide != wide), counting, 0), axis=self.axis)
        return y.astype(x.dtype, copy=False), index

    def vjp(self, needs, g, y, x):
        return (place(g[0], y[1].detach(), self.axis, x.shape[self.axis]) if x.shape else g[0],)


def summed(op: CumSum, x: np.ndarray) -> np.ndarray:
    """Return the sums of an array."""
    y = natively("add", (x,), op.axis, op.back)
    return op.eager(np, x) if y is None else y


def multiplied(op: CumProd, x: np.ndarray) -> np.ndarray:
    """Return the products of an array."""
    y = natively("multiply", (x,), op.axis, op.back, op.exclusive)
    return op.eager(np, x) if y is None else y


_cumsum = along("cumsum", CumSum, summed)
_cumprod = along("cumprod", CumProd, multiplied)
_cum_extreme = settled(CumExtreme)


def as_sums(name: str, input: AbstractTensor, wanted: DType | None) -> Any:
    """Return the input in the dtype in which it adds up: `wanted`, or int64 for integers and bool."""
    if require_tensor(name, input).dtype.kind in "iub" and wanted is None:
        wanted = dtypes.int64
    return input if wanted is None else cast(input, dtypes.as_dtype(wanted))


@public
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """Return the sums up to each element along `dim`; integers and bool add up to int64."""
    y = _cumsum(dim, require_tensor("cumsum", input).ndim)(as_sums("cumsum", input, dtype))
    return y if out is None else store(y, out, "cumsum", input)


@public
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """Return the products up to each element along `dim`; integers and bool multiply to int64."""
    y = _cumprod(dim, require_tensor("cumprod", input).ndim)(as_sums("cumprod", input, dtype))
    return y if out is None else store(y, out, "cumprod", input)


def cumulative_extreme(name: str, largest: bool, input: AbstractTensor, dim: int) -> tuple:
    """Return the largest or smallest elements so far along `dim` and where they were."""
    x = require_tensor(name, input)
    if x.dtype.kind == "c":
        raise unsupported(name, dtypes.of(x.dtype))
    return apply(_cum_extreme(axis(name, dim, x.ndim), largest), input)


@public
def cummax(input: Tensor, dim: int, *, out: Sequence[Tensor] | None = None) -> results.cummax:
    """Return the largest elements so far along `dim` and where each was last."""
    return results.cummax(both(cumulative_extreme("cummax", True, input, dim), out, "cummax"))


@public
def cummin(input: Tensor, dim: int, *, out: Sequence[Tensor] | None = None) -> results.cummin:
    """Return the smallest elements so far along `dim` and where each was last."""
    return results.cummin(both(cumulative_extreme("cummin", False, input, dim), out, "cummin"))
