"""Grids, products and combinations of vectors; matrices along a diagonal."""

from __future__ import annotations

import math
from itertools import accumulate, combinations_with_replacement
from itertools import combinations as choose
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.base.spec import check_count
from lineal.core import Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.creation import zeros
from lineal.ops.structural.expanding import expand
from lineal.ops.structural.joining import promoted, tensors_of
from lineal.ops.structural.padding import crop
from lineal.ops.structural.reshape import flatten, reshape
from lineal.ops.structural.stacking import matrix, stack

__all__ = ["block_diag", "cartesian_prod", "combinations", "meshgrid"]


@public
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return for each vector the grid of all of them on which it varies along its own dimension; "xy" swaps the first two."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    xs = tensors_of("meshgrid", list(given))
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if any(x.value.ndim > 1 for x in xs):
        raise RuntimeError(f"meshgrid: expected scalar or 1D tensors, got shapes {[list(x.value.shape) for x in xs]}")
    if any(dtype_of(x) is not dtype_of(xs[0]) for x in xs):
        raise RuntimeError("meshgrid: expects all tensors to have the same dtype")
    swapped = indexing == "xy" and len(xs) > 1
    if swapped:
        xs[:2] = xs[1::-1]
    shape = tuple([x.value.size for x in xs])
    grids = [
        expand(reshape(x, [x.value.size if here == place else 1 for here in range(len(xs))]), shape)
        for place, x in enumerate(xs)
    ]
    if swapped:
        grids[:2] = grids[1::-1]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all combinations of one element of each vector, one a row; of a single vector, itself."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    xs = tensors_of("cartesian_prod", list(given))
    for x in xs:
        if x.value.ndim != 1:
            raise RuntimeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(x.value.shape)}")
    return xs[0] if len(xs) == 1 else stack([flatten(grid) for grid in meshgrid(*xs)], 1)


@public
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all ways to choose `r` elements of a vector, in order, one a row."""
    if input.value.ndim != 1:
        raise RuntimeError(f"combinations: Expect a 1D vector, but got shape {list(input.value.shape)}")
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got {r}")
    if r == 0:
        return input[:0].clone()
    size = input.value.size
    check_count("combinations", r * (math.comb(size + r - 1, size - 1) if with_replacement and size else math.comb(size, r)), 8)
    if r > size and not (with_replacement and size):
        return reshape(input[:0].clone(), (0, r))
    chosen = (combinations_with_replacement if with_replacement else choose)(range(input.value.size), r)
    rows = np.array(list(chosen), np.int64).reshape(-1, r)
    return reshape(input.index_select(0, lift(module_of(input).asarray(rows.reshape(-1)))), rows.shape)


class BlockDiag(Op):
    """Y = zeros with the matrices Xs one after another on the diagonal; each X̄ = its block of Ȳ."""

    no_batch = "looped: the matrices of one example stand on one diagonal"
    any_dtype = True

    def eager(self, xp, *xs):
        ends = list(zip(*[accumulate(sizes) for sizes in zip(*[x.shape for x in xs])]))
        y = xp.zeros(ends[-1], xs[0].dtype)
        for x, (bottom, right) in zip(xs, ends):
            y[bottom - x.shape[0] : bottom, right - x.shape[1] : right] = x
        return y

    def vjp(self, needs, g, y, *xs):
        ends = zip(*[accumulate(sizes) for sizes in zip(*[x.shape for x in xs])])
        return tuple(
            crop(g, tuple(zip((bottom - x.shape[0], right - x.shape[1]), (bottom, right)))) if needed else None
            for needed, x, (bottom, right) in zip(needs, xs, ends)
        )


def block_diag(*tensors: Tensor) -> Tensor:
    """Return the matrices one after another on the diagonal of zeros; numbers and vectors are rows."""
    if not tensors:
        return zeros(1, 0)
    xs = promoted(tensors_of("block_diag", list(tensors)))
    for place, x in enumerate(xs):
        if x.value.ndim > 2:
            raise RuntimeError(
                f"block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {x.value.ndim} dimensions"
            )
    return apply(BlockDiag(), *[matrix(x) for x in xs])
