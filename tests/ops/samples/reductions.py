"""Samples of the reductions."""

import numpy as np
import scipy.special as special

from lineal.testing import Sample
from samples.arrays import compound, distinct, normal, positive, truths


def r(reference, x=None, **options):
    """Return the samples of a reduction: over everything, over one axis, keeping it."""
    x = normal(2, 3) if x is None else x
    return [
        Sample(x, reference=reference, **options),
        Sample(x, 1, reference=reference, **options),
        Sample(x, 0, True, reference=lambda x, d, k: reference(x, d, keepdims=k), **options),
    ]


def along(reference, x=None, **options):
    """Return the samples of an op along one axis."""
    return [Sample(normal(2, 3) if x is None else x, dim, reference=reference, **options) for dim in (0, 1)]


def softmax(x, dim):
    return special.softmax(x, axis=dim)


SAMPLES = {
    "sum": [*r(np.sum), Sample(compound(2, 3), 1, reference=np.sum), Sample(normal(0, 3), 0, reference=np.sum)],
    "nansum": r(np.nansum),
    "mean": [*r(np.mean), Sample(compound(2, 3), 1, reference=np.mean)],
    "nanmean": r(np.nanmean),
    "prod": [Sample(normal(2, 3), reference=np.prod), Sample(np.array([[0.0, 2.0], [3.0, 0.5]]), 1, reference=np.prod)],
    "var": [
        Sample(normal(2, 3), reference=lambda x: np.var(x, ddof=1)),
        Sample(normal(2, 3), 1),
        Sample(compound(3), single=False),
    ],
    "std": [Sample(normal(2, 3), reference=lambda x: np.std(x, ddof=1)), Sample(normal(2, 3), 1, correction=0)],
    "var_mean": [Sample(normal(2, 3), 1)],
    "std_mean": [Sample(normal(2, 3), 1)],
    "norm": [Sample(normal(2, 3), reference=np.linalg.norm), Sample(normal(2, 3), 1, 1), Sample(normal(3), 3.0, 0)],
    "renorm": [Sample(normal(3, 4), 2, 0, 1.0)],
    "dist": [Sample(normal(3), normal(3), reference=lambda a, b: np.linalg.norm(a - b)), Sample(normal(3), normal(3), 3.0)],
    "logsumexp": [Sample(normal(2, 3), 1, reference=lambda x, d: special.logsumexp(x, axis=d))],
    "softmax": along(softmax),
    "log_softmax": along(lambda x, d: special.log_softmax(x, axis=d)),
    "cumsum": [*along(np.cumsum), Sample(compound(2, 3), 1, reference=np.cumsum)],
    "cumprod": [*along(np.cumprod), Sample(np.array([1.5, 0.0, 2.0, 0.5]), 0, reference=np.cumprod)],
    "logcumsumexp": along(np.logaddexp.accumulate),
    "cummax": along(None, distinct(3, 4)),
    "cummin": along(None, distinct(3, 4)),
    "trapezoid": [Sample(normal(2, 3)), Sample(normal(3), positive(3))],
    "cumulative_trapezoid": [Sample(normal(2, 3))],
    "diff": [Sample(normal(2, 4), reference=np.diff), Sample(normal(2, 4), 2, 0 - 1, reference=np.diff)],
    "gradient": [Sample(normal(5))],
    # Extremes.
    "amax": [Sample(distinct(3, 4), 1, reference=np.amax), Sample(distinct(3, 4), (0, 1), True)],
    "amin": [Sample(distinct(3, 4), 1, reference=np.amin)],
    "max": [Sample(distinct(3, 4), reference=np.max), Sample(distinct(3, 4), 1)],
    "min": [Sample(distinct(3, 4), reference=np.min), Sample(distinct(3, 4), 1)],
    "aminmax": [Sample(distinct(3, 4), dim=1)],
    "argmax": along(np.argmax, distinct(3, 4), derivative=0),
    "argmin": along(np.argmin, distinct(3, 4), derivative=0),
    # Truth.
    "all": along(np.all, truths(2, 3), derivative=0),
    "any": along(np.any, truths(2, 3), derivative=0),
    "count_nonzero": along(np.count_nonzero, truths(2, 3), derivative=0),
    "allclose": [Sample(normal(3), normal(3), derivative=0, batch=False)],
    "equal": [Sample(normal(3), normal(3), derivative=0, batch=False)],
    # Statistics.
    "cov": [Sample(normal(3, 4), reference=np.cov)],
    "corrcoef": [Sample(normal(3, 4), reference=np.corrcoef)],
}
