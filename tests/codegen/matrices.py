"""Batches of random matrices that the tests of kernels share."""

import numpy as np
import pytest

from lineal.codegen.choice import LEAST_BATCH

# a batch that no number of lanes divides
BATCH = LEAST_BATCH + 13
SIZES = [1, 2, 3, 4, 6, 7, 8, 9, 13, 17, 32]
DTYPES = ["float32", "float64"]

dtypes = pytest.mark.parametrize("dtype", DTYPES)
sizes_and_dtypes = pytest.mark.parametrize(
    ("n", "dtype"),
    [
        # a kernel compiles for a second: by default each size comes in one of the two precisions
        pytest.param(n, dtype, marks=[pytest.mark.slow] if (place + number) % 2 else [])
        for place, n in enumerate(SIZES)
        for number, dtype in enumerate(DTYPES)
    ],
)


def eps(dtype):
    return np.finfo(dtype).eps


def stack(n, dtype, m=None, batch=BATCH):
    rng = np.random.default_rng([n, m or n])
    return rng.normal(size=(batch, m or n, n)).astype(dtype)


def regular(n, dtype):
    """Return matrices of small condition that need row exchanges."""
    Q = np.linalg.qr(stack(n, "float64"))[0]
    rng = np.random.default_rng(n)
    return (Q * rng.uniform(1, 2, (BATCH, 1, n)) @ np.roll(Q, 1, 0)).astype(dtype)


def positive(n, dtype):
    A = regular(n, "float64")
    return (A @ A.mT).astype(dtype)


def close(x, y, dtype, factor=50.0):
    scale = np.abs(y).max() or 1.0
    assert x.shape == y.shape and x.dtype == np.dtype(dtype)
    np.testing.assert_allclose(x, y, rtol=0, atol=factor * eps(dtype) * scale * max(1, x.shape[-1]))


def layouts(A):
    """Return the same matrices row-major, column-major, and as every other column of wider ones."""
    wide = np.repeat(A, 2, -1)
    return [A, np.ascontiguousarray(A.mT).mT, wide[..., ::2]]
