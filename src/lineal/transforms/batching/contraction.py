"""Products of vectors and matrices, and distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import Op, apply
from lineal.ops.contraction.distances import PairDistance, SquaredDistances
from lineal.ops.contraction.products import Affine, AffineWithBias, BatchMatMul, Dot, MatMul, StackedMatMul
from lineal.ops.contraction.vectors import Cross
from lineal.transforms.batching.moving import aligned, axes_moved, on_stacks
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(MatMul, StackedMatMul, BatchMatMul, PairDistance, SquaredDistances)(on_stacks)
batches(Cross)(axes_moved)


@batches(Dot)
def dot(op: Op, size: int, marks: tuple[bool, ...], a: Any, b: Any) -> Any:
    a, b = aligned(size, marks[0], a), aligned(size, marks[1], b)
    return (a.unsqueeze(1) @ b.unsqueeze(2)).reshape((size,))


@batches(Affine, AffineWithBias)
def affine(op: Any, size: int, marks: tuple[bool, ...], x: Any, w: Any, *bias: Any) -> Any:
    if marks[0] and not any(marks[1:]) and x.value.ndim > 1:
        return apply(op, x, w, *bias)
    shape = x.value.shape[marks[0] :]
    rows = aligned(size, marks[0], x).reshape((size, -1 if 0 not in shape else int(np.prod(shape[:-1])), shape[-1]))
    w = aligned(size, marks[1], w)
    y = rows @ (w.mT if op.transposed else w)
    for each in bias:
        y = y + (each.unsqueeze(1) if marks[2] else each)
    return y.reshape((size, *shape[:-1], y.value.shape[-1]))
