"""The tensor's reductions: each the op it calls."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.later import method
from lineal.base.signatures import Dims, DType, Tensor
from lineal.ops.front import in_place

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """Sums, products, extremes, moments, norms and what accumulates along a dimension."""

    sum = method(lambda: ops.sum)
    nansum = method(lambda: ops.nansum)
    mean = method(lambda: ops.mean)
    nanmean = method(lambda: ops.nanmean)
    prod = method(lambda: ops.prod)
    trace = method(lambda: ops.trace)
    var = method(lambda: ops.var)
    std = method(lambda: ops.std)
    cov = method(lambda: ops.cov)
    corrcoef = method(lambda: ops.corrcoef)
    max = method(lambda: ops.max)
    min = method(lambda: ops.min)
    amax = method(lambda: ops.amax)
    amin = method(lambda: ops.amin)
    aminmax = method(lambda: ops.aminmax)
    argmax = method(lambda: ops.argmax)
    argmin = method(lambda: ops.argmin)
    all = method(lambda: ops.all)
    any = method(lambda: ops.any)
    count_nonzero = method(lambda: ops.count_nonzero)
    equal = method(lambda: ops.equal)
    allclose = method(lambda: ops.allclose)
    logsumexp = method(lambda: ops.logsumexp)
    logcumsumexp = method(lambda: ops.logcumsumexp)
    softmax = method(lambda: ops.softmax)
    log_softmax = method(lambda: ops.log_softmax)
    cumsum, cumsum_ = method(lambda: ops.cumsum), method(lambda: in_place(ops.cumsum))
    cumprod, cumprod_ = method(lambda: ops.cumprod), method(lambda: in_place(ops.cumprod))
    cummax = method(lambda: ops.cummax)
    cummin = method(lambda: ops.cummin)
    diff = method(lambda: ops.diff)
    dist = method(lambda: ops.dist)
    renorm, renorm_ = method(lambda: ops.renorm), method(lambda: in_place(ops.renorm))

    def norm(
        self: Any, p: float | str | None = "fro", dim: Dims | None = None, keepdim: bool = False, dtype: DType | None = None
    ) -> Tensor:
        """Return the p-norm over `dim`."""
        return ops.norm(self, p, dim, keepdim, dtype=dtype)
