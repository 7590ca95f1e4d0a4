"""Samples of sorting, order statistics and counting."""

import numpy as np

from lineal.testing import Sample
from samples.arrays import distinct, integers, normal, positive

SAMPLES = {
    "sort": [Sample(distinct(3, 4), 1), Sample(distinct(3, 4), 0, True)],
    "msort": [Sample(distinct(3, 4), reference=lambda x: np.sort(x, 0))],
    "argsort": [Sample(distinct(3, 4), 1, derivative=0, reference=np.argsort)],
    "topk": [Sample(distinct(3, 4), 2), Sample(distinct(3, 4), 2, 0, False)],
    "kthvalue": [Sample(distinct(3, 4), 2)],
    "median": [Sample(distinct(3, 5), reference=np.median), Sample(distinct(3, 5), 1)],
    "nanmedian": [Sample(distinct(3, 5), reference=np.nanmedian), Sample(distinct(3, 5), 1)],
    "mode": [Sample(distinct(3, 4), 1)],
    "quantile": [Sample(distinct(3, 4), 0.3, reference=np.quantile), Sample(distinct(3, 4), 0.6, 1)],
    "nanquantile": [Sample(distinct(3, 4), 0.3, reference=np.nanquantile)],
    "unique": [Sample(integers(6), derivative=0, batch=False, reference=np.unique)],
    "unique_consecutive": [Sample(integers(6), derivative=0, batch=False)],
    "searchsorted": [Sample(np.sort(distinct(5)), normal(3), derivative=0, reference=np.searchsorted)],
    "bucketize": [Sample(normal(3), np.sort(distinct(5)), derivative=0)],
    "bincount": [Sample(integers(6), derivative=0, batch=False, reference=np.bincount)],
    "histc": [Sample(normal(8), 4, -2, 2, derivative=0)],
    "histogram": [Sample(normal(8), 4, range=(-2.0, 2.0), derivative=0)],
    "histogramdd": [Sample(positive(6, 2), [2, 2], derivative=0, batch=False)],
    "isin": [Sample(integers(3, 2), integers(2), derivative=0, reference=np.isin)],
}
