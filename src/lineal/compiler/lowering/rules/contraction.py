"""Products of matrices, and of stacks of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.choice import LEAST_NARROW
from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering.halves import rounded
from lineal.compiler.lowering.rules.structural import index_along, part
from lineal.compiler.lowering.rules.table import FLOATS, HALVES, lowers
from lineal.compiler.lowering.support import same
from lineal.compiler.nodes.buffers import BufferView, dense
from lineal.ops.contraction.products import Affine, AffineWithBias, BatchMatMul, Dot, MatMul, StackedMatMul
from lineal.ops.contraction.vectors import Cross


def transposed(view: BufferView, yes: bool) -> BufferView:
    """Return the view with its last two axes exchanged, if `yes`."""
    if not yes:
        return view
    swap = lambda each: (*each[:-2], each[-1], each[-2])
    return BufferView(view.buffer, swap(view.shape), swap(view.strides), view.offset)


def multiplies(*views: BufferView) -> bool:
    """Return whether there are products of such numbers."""
    return all(each.buffer.dtype.name in (*FLOATS, *HALVES) and 0 not in each.shape for each in views)


def multiplied(low: Any, a: BufferView, b: BufferView) -> BufferView:
    """Return A B; of half precisions in the dtype they are computed in, in which small factors are multiplied."""
    kind = kind_of(a.buffer.dtype)
    if kind.is_narrow and a.shape[-2] * a.shape[-1] * b.shape[-1] < LEAST_NARROW:
        a, b = (low.map(each.shape, kind.computed.dtype, same, each, label="cast") for each in (a, b))
    return low.product(a, b)


@lowers(MatMul, StackedMatMul, BatchMatMul, narrow=True)
def matmul(low: Any, op: Any, y: Any, a: BufferView, b: BufferView) -> BufferView:
    """Y = A B, either transposed; of whole numbers by adding up, which never overflows into another dtype."""
    a, b = transposed(a, op.left), transposed(b, op.right)
    if multiplies(a, b):
        return rounded(low, multiplied(low, a, b), y.storage)
    if 0 in (*a.shape, *b.shape):
        return low.literal(np.zeros((), y.storage).item(), y.storage, y.shape)
    space = (*a.shape, b.shape[-1])
    a, b = a.with_axis(len(a.shape)), b.with_axis(len(b.shape) - 2)
    both = low.map(space, y.storage, lambda m, a, b: a * b, a, b, label="mul")
    return low.reduce(both, (len(space) - 2,), "add")


@lowers(Affine, AffineWithBias, of=FLOATS, narrow=True)
def affine(low: Any, op: Any, y: Any, x: BufferView, w: BufferView, *bias: BufferView) -> BufferView | None:
    """y = x W (+ b), for every row of x."""
    if not multiplies(x, w):
        return None
    if len(x.shape) != 2:
        if x.buffer.source == "literal" or x.strides != dense(x.shape):
            x = low.copy(x)
        rows = (math.prod(x.shape[:-1]), x.shape[-1])
        x = BufferView(x.buffer, rows, dense(rows), x.offset)
    found = multiplied(low, x, transposed(w, op.transposed))
    shape = tuple(y.shape)
    found = BufferView(found.buffer, shape, dense(shape))
    if bias:
        return low.map(shape, y.storage, lambda m, y, b: y + b, found, bias[0], label="add")
    return rounded(low, found, y.storage)


@lowers(Dot, of=FLOATS)
def dot(low: Any, op: Any, y: Any, a: BufferView, b: BufferView) -> BufferView | None:
    """y = Σ a b."""
    if a.buffer.dtype.kind != "f":
        return None
    both = low.map(a.shape, a.buffer.dtype, lambda m, a, b: a * b, a, b, label="mul")
    return low.reduce(both, (0,), "add")


@lowers(Cross)
def cross(low: Any, op: Any, y: Any, a: BufferView, b: BufferView) -> BufferView:
    """y = a × b, its three parts one behind another."""
    block = low.block(y.shape, y.storage)
    axis = op.axis % len(y.shape)
    shape = tuple(1 if n == axis else size for n, size in enumerate(y.shape))
    at = lambda x, n: part(x, index_along(axis, n, len(y.shape)), shape)
    parts = []
    for n in range(3):
        i, j = (n + 1) % 3, (n + 2) % 3
        formula = lambda m, a, b, c, d: a * b - c * d
        args = (at(a, i), at(b, j), at(a, j), at(b, i))
        parts.append(low.filled(shape, y.storage, formula, *args, label="cross", inside=at(block, n)).buffer)
    return low.join(block, parts)
