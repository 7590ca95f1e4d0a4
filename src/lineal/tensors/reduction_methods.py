"""The tensor's reductions: each the op it calls."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.signatures import Dims, DType, Tensor
from lineal.ops.front import in_place

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """Sums, products, extremes, moments, norms and what accumulates along a dimension."""

    sum, nansum, mean, nanmean = ops.sum, ops.nansum, ops.mean, ops.nanmean
    prod, trace = ops.prod, ops.trace
    var, std = ops.var, ops.std
    cov, corrcoef = ops.cov, ops.corrcoef
    max, min, amax, amin, aminmax = ops.max, ops.min, ops.amax, ops.amin, ops.aminmax
    argmax, argmin = ops.argmax, ops.argmin
    all, any, count_nonzero = ops.all, ops.any, ops.count_nonzero
    equal, allclose = ops.equal, ops.allclose
    logsumexp, logcumsumexp = ops.logsumexp, ops.logcumsumexp
    softmax, log_softmax = ops.softmax, ops.log_softmax
    cumsum, cumsum_ = ops.cumsum, in_place(ops.cumsum)
    cumprod, cumprod_ = ops.cumprod, in_place(ops.cumprod)
    cummax, cummin = ops.cummax, ops.cummin
    diff, dist = ops.diff, ops.dist
    renorm, renorm_ = ops.renorm, in_place(ops.renorm)

    def norm(
        self: Any, p: float | str | None = "fro", dim: Dims | None = None, keepdim: bool = False, dtype: DType | None = None
    ) -> Tensor:
        """Return the p-norm over `dim`."""
        return ops.norm(self, p, dim, keepdim, dtype=dtype)
