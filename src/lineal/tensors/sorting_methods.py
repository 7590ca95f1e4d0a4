"""The tensor's sorting, ranking, counting and searching: each method the op it calls."""

from __future__ import annotations

from lineal import ops

__all__ = ["SortingMethods"]


class SortingMethods:
    """Order, ranks, distinct elements, counts."""

    sort, argsort, msort, topk, kthvalue = ops.sort, ops.argsort, ops.msort, ops.topk, ops.kthvalue
    median, nanmedian, mode = ops.median, ops.nanmedian, ops.mode
    quantile, nanquantile = ops.quantile, ops.nanquantile
    unique, unique_consecutive = ops.unique, ops.unique_consecutive
    bincount, histc, histogram = ops.bincount, ops.histc, ops.histogram
    bucketize, isin = ops.bucketize, ops.isin
