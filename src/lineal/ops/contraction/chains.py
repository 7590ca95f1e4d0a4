"""Products of many matrices."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import lift, module_of
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.matmul import matmul
from lineal.ops.contraction.products import mismatch, require_ndim, require_same_dtype
from lineal.ops.front import store
from lineal.ops.structural.reshape import clone, reshape

__all__ = ["chain_matmul", "matrix_power"]


@functools.lru_cache(256)
def cuts(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Return after which matrix to cut each stretch of a chain, where matrix i is sizes[i] × sizes[i + 1]."""
    count = len(sizes) - 1
    cost = {(place, place): 0 for place in range(count)}
    best: dict[tuple[int, int], int] = {}
    for length in range(2, count + 1):
        for first in range(count - length + 1):
            last = first + length - 1
            cost[first, last], best[first, last] = min(
                (cost[first, cut] + cost[cut + 1, last] + sizes[first] * sizes[cut + 1] * sizes[last + 1], cut)
                for cut in range(first, last)
            )
    return best


def _multiply(matrices: Sequence[Any], best: dict[tuple[int, int], int], first: int, last: int) -> Any:
    if first == last:
        return matrices[first]
    cut = best[first, last]
    return matmul(_multiply(matrices, best, first, cut), _multiply(matrices, best, cut + 1, last))


def chain(name: str, matrices: Sequence[Any]) -> Any:
    """Return the product of matrices, multiplied in the cheapest order."""
    for a, b in itertools.pairwise(matrices):
        if a.value.shape[1] != b.value.shape[0]:
            raise mismatch(name, a.value.shape, b.value.shape)
    sizes = (matrices[0].value.shape[0], *[each.value.shape[1] for each in matrices])
    return _multiply(matrices, cuts(sizes), 0, len(matrices) - 1)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices, multiplied in the order of the fewest operations."""
    if not matrices:
        raise RuntimeError("chain_matmul: expected at least one matrix, got none")
    require_same_dtype("chain_matmul", *matrices)
    require_ndim("chain_matmul", 2, *matrices)
    # a product of one matrix is no view of it
    y = chain("chain_matmul", matrices) if len(matrices) > 1 else clone(*matrices)
    return y if out is None else store(y, out, "chain_matmul")


@public
def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Return the product of matrices in the cheapest order; the first and the last may be vectors (a row, a column)."""
    if len(tensors) < 2:
        raise RuntimeError(f"linalg.multi_dot: expected at least 2 tensors but got {len(tensors)}")
    require_same_dtype("linalg.multi_dot", *tensors)
    matrices = list(tensors)
    row, column = matrices[0].value.ndim == 1, matrices[-1].value.ndim == 1
    if row:
        matrices[0] = reshape(matrices[0], 1, matrices[0].value.size)
    if column:
        matrices[-1] = reshape(matrices[-1], matrices[-1].value.size, 1)
    require_ndim("linalg.multi_dot", 2, *matrices)
    y = chain("linalg.multi_dot", matrices)
    if row or column:
        rows, columns = y.value.shape
        y = reshape(y, (() if row else (rows,)) + (() if column else (columns,)))
    return y if out is None else store(y, out, "linalg.multi_dot")


@public
def matrix_power(input: Any, n: int, *, out: Tensor | None = None) -> Tensor:
    """Return square matrices to the integer power `n`, by repeated squaring; a negative power inverts first."""
    shape = input.value.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise RuntimeError(f"linalg.matrix_power: A must be batches of square matrices, but they are of shape {tuple(shape)}")
    if not isinstance(n, int):
        raise TypeError(f"linalg.matrix_power: expected n to be an int, got {n!r}")
    y = _power(input.inverse() if n < 0 else input, abs(n))
    return y if out is None else store(y, out, "linalg.matrix_power")


def _power(a: Any, n: int) -> Any:
    if n == 0:
        unit = expand(lift(module_of(a).eye(a.value.shape[-1], dtype=a.value.dtype)), a.value.shape)
        return a.where(lift(module_of(a).zeros((), bool)), unit)
    if n == 1:
        return a.clone()
    half = a if n < 4 else _power(a, n // 2)
    square = matmul(half, half)
    return matmul(square, a) if n % 2 else square
