"""Samples of the indexing family."""

import numpy as np

from lineal.testing import Sample
from samples.arrays import distinct, integers, normal, truths

ROWS = integers(2, high=3)
MANY = integers(2, 4, high=3)

SAMPLES = {
    "gather": [Sample(normal(3, 4), 0, MANY, reference=lambda x, d, i: np.take_along_axis(x, i, d))],
    "take": [Sample(normal(3, 4), integers(5, high=12), reference=np.take)],
    "take_along_dim": [Sample(normal(3, 4), MANY, 0, reference=np.take_along_axis)],
    "index_select": [Sample(normal(3, 4), 0, ROWS, reference=lambda x, d, i: np.take(x, i, d))],
    "masked_select": [Sample(normal(3, 4), truths(3, 4), batch=False, reference=lambda x, m: x[m])],
    "scatter": [Sample(normal(3, 4), 0, np.array([[0, 1, 2, 0], [1, 2, 0, 1]]), normal(2, 4))],
    "scatter_add": [Sample(normal(3, 4), 0, MANY, normal(2, 4))],
    "scatter_reduce": [
        *[Sample(normal(3, 4), 0, MANY, normal(2, 4), reduce=each) for each in ("sum", "mean", "prod")],
        Sample(distinct(3, 4), 0, MANY, normal(2, 4), reduce="amax"),
    ],
    "index_add": [Sample(normal(3, 4), 0, ROWS, normal(2, 4), alpha=2.0)],
    "index_copy": [Sample(normal(3, 4), 0, np.array([2, 0]), normal(2, 4))],
    "index_fill": [Sample(normal(3, 4), 0, ROWS, 0.5)],
    "index_put": [
        Sample(normal(3, 4), (np.array([2, 0]),), normal(2, 4)),
        Sample(normal(3), (ROWS,), normal(2), accumulate=True),
    ],
    "index_reduce": [Sample(normal(3, 4), 0, ROWS, normal(2, 4), each) for each in ("mean", "prod")],
    "masked_fill": [Sample(normal(3, 4), truths(3, 4), 0.5, reference=lambda x, m, v: np.where(m, v, x))],
    "masked_scatter": [Sample(normal(3, 4), truths(3, 4), normal(12))],
    "put": [Sample(normal(3, 4), np.array([5, 1]), normal(2))],
    "fill": [Sample(normal(3), 0.5), Sample(normal(3), np.array(0.5))],
    "nonzero": [Sample(truths(3, 4), derivative=0, batch=False, reference=np.argwhere)],
    "argwhere": [Sample(truths(3, 4), derivative=0, batch=False, reference=np.argwhere)],
    "unravel_index": [Sample(integers(3), (2, 3), derivative=0, reference=np.unravel_index)],
}
