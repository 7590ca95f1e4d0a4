"""Kernels for small matrices as functions of NumPy arrays, and how those lie in memory; `choice` says who is to use them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lineal.base import later
from lineal.codegen.choice import ACROSS, planned

# one placeholder for all the code generators: each costs a search at import
makers: Any = later.module("lineal.codegen.batched.makers")


@cache
def kernel(name: str, dtype: np.dtype, *parameters: object) -> Callable[..., None]:
    """Return the kernel `name`, compiled at its first use."""
    return makers.MAKERS[name](makers.kind_of(dtype), *parameters)


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
    if a.ndim < 3 or a.shape[-1] != b.shape[-2] or planned("matmul", a, b) != ACROSS:
        return np.matmul(a, b)
    m, n, p = *a.shape[-2:], b.shape[-1]
    (first, first_turned), (second, second_turned) = laid(a), laid(b)
    y = np.empty((*a.shape[:-1], p), a.dtype)
    kernel("matmul", a.dtype, m, n, p, (first_turned, second_turned))(first, second, y.reshape(-1, m, p))
    return y
