"""Kernels for small matrices as functions of NumPy arrays: which arrays they take, and how those lie in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lineal.base import later

# one placeholder for all the code generators: each costs a search at import
makers: Any = later.module("lineal.codegen.batched.makers")

# matrices of more rows or columns go to LAPACK
LARGEST = 32
# but what takes columns one by one also takes long ones, as long as a group of matrices stays in the second cache (measured)
LONGEST, MOST_NUMBERS = 1024, 4096
# and to LAPACK's tridiagonal and bidiagonal methods from here on, which Jacobi's sweeps no longer beat (measured)
LARGEST_JACOBI = 24
# NumPy does a smaller batch in the time that calling a kernel takes (measured)
LEAST_BATCH = 128
# products are cheap, so only larger batches of still smaller matrices gain, or outer products and narrow factors (measured)
LEAST_PRODUCTS = 512
SQUARE, NARROW, NARROW_LENGTH = {4: 8, 8: 7}, 2, 16

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


@cache
def kernel(name: str, dtype: np.dtype, *parameters: object) -> Callable[..., None]:
    """Return the kernel `name`, compiled at its first use."""
    return makers.MAKERS[name](makers.kind_of(dtype), *parameters)


def fit(*arrays: np.ndarray, largest: int = LARGEST, least: int = LEAST_BATCH, tall: bool = False) -> bool:
    """Return whether there are kernels for these stacks of matrices (`tall`: of long columns too), and enough matrices."""
    first = arrays[0]
    if first.ndim < 3 or first.dtype not in DTYPES:
        return False
    shape = first.shape
    if math.prod(shape[:-2]) < least:
        return False
    for each in arrays:
        m, n = each.shape[-2:]
        if each.dtype != first.dtype or each.shape[:-2] != shape[:-2] or not (0 < m and 0 < n <= largest):
            return False
        if m > largest and not (tall and m <= LONGEST and m * n <= MOST_NUMBERS):
            return False
    return True


def laid(a: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the matrices of a stack in one dense array with one leading dimension, and whether they lie there transposed."""
    m, n = a.shape[-2:]
    if not a.flags.c_contiguous and a.mT.flags.c_contiguous and a.flags.aligned:
        return a.mT.reshape(-1, n, m), True
    return np.require(a, requirements=["C", "A"]).reshape(-1, m, n), False


def dense(a: np.ndarray) -> np.ndarray:
    """Return the matrices of a stack, row by row, in one dense array with one leading dimension."""
    return np.require(a, requirements=["C", "A"]).reshape(-1, *a.shape[-2:])


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the products of two stacks of matrices."""
    if a.ndim < 3 or a.shape[-1] != b.shape[-2] or not fit(a, b, least=LEAST_PRODUCTS):
        return np.matmul(a, b)
    m, n, p = *a.shape[-2:], b.shape[-1]
    largest = max(m, n, p)
    if not (largest <= SQUARE[a.itemsize] or n == 1 or (min(m, p) <= NARROW and largest <= NARROW_LENGTH)):
        return np.matmul(a, b)
    (first, first_turned), (second, second_turned) = laid(a), laid(b)
    y = np.empty((*a.shape[:-1], p), a.dtype)
    kernel("matmul", a.dtype, m, n, p, (first_turned, second_turned))(first, second, y.reshape(-1, m, p))
    return y
