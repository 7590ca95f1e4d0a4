"""Reductions and running results along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import apply
from lineal.ops.reductions.cumulative import CumExtreme, CumSum
from lineal.ops.reductions.exponentials import (
    LogCumSumExp,
    LogSoftmax,
    LogSoftmaxBackward,
    LogSumExp,
    SafeSoftmax,
    Softmax,
    SoftmaxBackward,
)
from lineal.ops.reductions.extremes import ArgExtreme, Extreme, ExtremeAt
from lineal.ops.reductions.moments import Std, Var
from lineal.ops.reductions.normalisation import BatchNorm, GroupNorm, LayerNorm
from lineal.ops.reductions.norms import VectorNorm
from lineal.ops.reductions.picking import Pick, Place
from lineal.ops.reductions.products import Prod
from lineal.ops.reductions.recurrences import CumProd, Powers, Recurrence, Shift
from lineal.ops.reductions.standardising import Centred, InverseSpread
from lineal.ops.reductions.sums import Mean, Sum
from lineal.ops.reductions.truth import Truth
from lineal.transforms.batching.moving import aligned, axes_moved, shifted
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Sum, Mean, Std, Var, Centred, InverseSpread, VectorNorm, Truth)(axes_moved)
batches(Extreme, ExtremeAt, ArgExtreme, Pick, Place)(axes_moved)
batches(LogSumExp, Softmax, SafeSoftmax, SoftmaxBackward, LogSoftmax, LogSoftmaxBackward)(axes_moved)
batches(CumSum, CumProd, CumExtreme, LogCumSumExp, Recurrence, Shift)(axes_moved)


@batches(Prod)
def prod(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    """A product over all axes of a slice, of which the op knows only one or all of the batch."""
    if len(op.axes) < 2:
        return axes_moved(op, size, marks, x)
    shape = x.value.shape
    y = apply(type(op)((1,), False, op.whole, op.storage), x.reshape((size, int(np.prod(shape[1:])))))
    return y.reshape((size, *(1,) * (len(shape) - 1))) if op.keepdim else y


@batches(Powers)
def powers(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apply(type(op)(shifted(op.products, size)), x)


@batches(LayerNorm)
def layer_norm(op: Any, size: int, marks: tuple[bool, ...], x: Any, *others: Any) -> Any:
    """The batch is one more leading dimension, if all examples share the weights."""
    return NotImplemented if any(marks[1:]) else apply(op, x, *others)


@batches(GroupNorm, BatchNorm)
def norm_of_channels(op: Any, size: int, marks: tuple[bool, ...], x: Any, *others: Any) -> Any:
    """The channels of all examples are as many channels more, and so are groups and weights."""
    x = aligned(size, marks[0], x).movedim(0, 1)
    n, _, channels, *rest = x.value.shape
    beside = [aligned(size, mark, each).reshape((size * channels,)) for mark, each in zip(marks[1:], others)]
    wide = GroupNorm(op.eps, op.terms, size * op.groups) if isinstance(op, GroupNorm) else op
    y, mean, variance = apply(wide, x.reshape((n, size * channels, *rest)), *beside)
    apart = lambda each: each.reshape((*each.value.shape[:-1], size, each.value.shape[-1] // size)).movedim(-2, 0)
    return y.reshape((n, size, channels, *rest)).movedim(1, 0), apart(mean), apart(variance)
