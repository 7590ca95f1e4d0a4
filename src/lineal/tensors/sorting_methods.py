"""The tensor's sorting, ranking, counting and searching: each method the op it calls."""

from __future__ import annotations

from lineal import ops
from lineal.base.later import method

__all__ = ["SortingMethods"]


class SortingMethods:
    """Order, ranks, distinct elements, counts."""

    sort = method(lambda: ops.sort)
    argsort = method(lambda: ops.argsort)
    msort = method(lambda: ops.msort)
    topk = method(lambda: ops.topk)
    kthvalue = method(lambda: ops.kthvalue)
    median = method(lambda: ops.median)
    nanmedian = method(lambda: ops.nanmedian)
    mode = method(lambda: ops.mode)
    quantile = method(lambda: ops.quantile)
    nanquantile = method(lambda: ops.nanquantile)
    unique = method(lambda: ops.unique)
    unique_consecutive = method(lambda: ops.unique_consecutive)
    bincount = method(lambda: ops.bincount)
    histc = method(lambda: ops.histc)
    histogram = method(lambda: ops.histogram)
    bucketize = method(lambda: ops.bucketize)
    isin = method(lambda: ops.isin)
