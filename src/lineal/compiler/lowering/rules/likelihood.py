"""The negative log likelihood of classes: an element chosen per target, and its adjoint."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.rules.indexing import still
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Chosen, Pick, Place
from lineal.ops.reductions.likelihood import Likelihood, LikelihoodAdjoint


def class_axis(ndim: int) -> int:
    """Return the axis that counts the classes."""
    return min(ndim - 1, 1)


def counted(low: Any, op: Any, t: BufferView, dtype: Any) -> tuple[BufferView, BufferView | None]:
    """Return which targets count, and, for a mean, their number."""
    kept = low.map(t.shape, bool, lambda m, t: t != op.ignored, t, label="kept")
    if op.reduction != "mean":
        return kept, None
    ones = low.map(t.shape, dtype, lambda m, kept: kept, kept, label="cast")
    return kept, low.reduce(ones, tuple(range(len(t.shape))), "add") if t.shape else ones


@lowers(Likelihood, of=FLOATS)
def likelihood(low: Any, op: Any, y: Any, x: BufferView, t: BufferView) -> BufferView:
    """ℓ = -x at the classes t, 0 where t is ignored; then ℓ, its sum, or its mean."""
    axis, dtype = class_axis(len(x.shape)), x.buffer.dtype
    kept, count = counted(low, op, t, dtype)
    index = low.map(t.shape, t.buffer.dtype, lambda m, t, kept: m.where(kept, t, 0), t, kept, label="class")
    x = still(low, x)
    lying = BufferView(x.buffer, t.shape, tuple(step for n, step in enumerate(x.strides) if n != axis), x.offset)
    chosen = Chosen(lying, (Pick(index, x.shape[axis], x.strides[axis], False),))
    found = low.filled(t.shape, dtype, same, chosen, label="gather")
    losses = low.map(t.shape, dtype, lambda m, x, kept: m.where(kept, -x, 0), found, kept, label="nll_loss")
    # a sum of one, too, begins at 0: it has no negative zero
    total = losses if op.reduction == "none" else low.reduce(losses, tuple(range(len(t.shape))), "add")
    return total if count is None else low.map((), dtype, lambda m, total, n: total / n, total, count, label="mean")


@lowers(LikelihoodAdjoint, of=FLOATS)
def likelihood_adjoint(low: Any, op: Any, y: Any, g: BufferView, t: BufferView) -> BufferView:
    """x̄ = -g at the classes t, divided by the number of targets that count for a mean."""
    axis, dtype = class_axis(len(op.shape)), g.buffer.dtype
    kept, count = counted(low, op, t, dtype)
    share = g if count is None else low.map((), dtype, lambda m, g, n: g / n, g, count, label="mean")
    if share.shape:
        share = share.with_axis(axis)
    formula = lambda m, g, t, kept, place: m.where(kept & (t == place), -g, 0)
    args = (share, t.with_axis(axis), kept.with_axis(axis), Place(axis))
    return low.map(op.shape, dtype, formula, *args, label="nll_loss_backward")
