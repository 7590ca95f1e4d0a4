"""Products of vectors and matrices, and distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import Op, apply
from lineal.ops.contraction.attention import Attention, AttentionAdjoint
from lineal.ops.contraction.convolution import Convolution, ConvolutionByImage, ConvolutionByKernel
from lineal.ops.contraction.distances import PairDistance, SquaredDistances
from lineal.ops.contraction.patches import Patches, PatchesAdded
from lineal.ops.contraction.products import Affine, AffineWithBias, BatchMatMul, Dot, MatMul, StackedMatMul
from lineal.ops.contraction.vectors import Cross
from lineal.transforms.batching.moving import aligned, axes_moved, on_stacks
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(MatMul, StackedMatMul, BatchMatMul, PairDistance, SquaredDistances)(on_stacks)
batches(Cross)(axes_moved)


@batches(Attention, AttentionAdjoint)
def attention(op: Any, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    posed = op.op if isinstance(op, AttentionAdjoint) else op
    # the state that says which weights are dropped is no stack
    return NotImplemented if posed.dropped else on_stacks(op, size, marks, *xs)


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


@batches(Convolution, ConvolutionByImage)
def convolution(op: Any, size: int, marks: tuple[bool, ...], x: Any, w: Any, *bias: Any) -> Any:
    if not any(marks[1:]):
        return apart(apply(op, merged(x), w, *bias), size)
    y = apply(grouped(op, size), beside(aligned(size, marks[0], x)), merged(aligned(size, marks[1], w)))
    images, channels, *places = y.value.shape
    y = y.reshape((images, size, channels // size, *places)).transpose(0, 1)
    for each in bias:
        y = y + each.reshape((size if marks[2] else 1, 1, -1, *(1,) * len(places)))
    return y


@batches(Patches, PatchesAdded)
def patches(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apart(apply(op, merged(x)), size)


@batches(ConvolutionByKernel)
def convolution_by_kernel(op: Any, size: int, marks: tuple[bool, ...], g: Any, x: Any) -> Any:
    return apart(apply(grouped(op, size), *[beside(aligned(size, mark, each)) for mark, each in zip(marks, (g, x))]), size)


def grouped(op: Any, size: int) -> Op:
    """Return the op whose groups are those of all examples."""
    return type(op)(op.geometry._replace(groups=size * op.geometry.groups))


def merged(x: Any) -> Any:
    """Return (batch, n, …) as (batch · n, …)."""
    size, n, *rest = x.value.shape
    return x.reshape((size * n, *rest))


def apart(x: Any, size: int) -> Any:
    """Return (batch · n, …) as (batch, n, …)."""
    n, *rest = x.value.shape
    return x.reshape((size, n // size, *rest))


def beside(x: Any) -> Any:
    """Return (batch, images, channels, …) as (images, batch · channels, …)."""
    size, images, channels, *rest = x.value.shape
    return x.transpose(0, 1).reshape((images, size * channels, *rest))
