"""The negative log likelihood of classes, without weights: one op and its adjoint."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base.spec import Shape
from lineal.core import AbstractTensor, Op, apply
from lineal.core.opening import settled
from lineal.ops.reductions.front import reduced

__all__: list[str] = []


class Likelihood(Op):
    """ℓ = -x at the classes t along axis 1 (of a vector: 0), 0 where t is `ignored`; then ℓ, its sum, or its mean.

    The mean is over the classes not ignored. x̄ = -ȳ at the same places (for the mean, divided by their number).
    """

    ignored: int
    reduction: str
    grad_name = "NllLossBackward0"
    keeps = "1"
    no_batch = "looped: the axis of the classes and the mean are those of one example"

    def eager(self, xp, x, t):
        classes = x.shape[min(x.ndim - 1, 1)]
        index, kept = places(xp, t, classes, self.ignored)
        losses = -by_class(xp, x)[xp.arange(index.size), index]
        if kept is not None:
            losses[~kept] = 0
        if self.reduction == "none":
            return losses.reshape(t.shape)
        total = reduced(xp.add, losses, (0,), False)
        return total / total.dtype.type(losses.size if kept is None else kept.sum()) if self.reduction == "mean" else total

    def vjp(self, needs, g, y, x, t):
        return apply(_likelihood_adjoint(self.ignored, self.reduction, tuple(x.shape)), g, t), None


class LikelihoodAdjoint(Op):
    """y = zeros of `shape` with -g at the classes t (for a mean, divided by the number of them not ignored)."""

    ignored: int
    reduction: str
    shape: Shape
    grad_name = "NllLossBackwardBackward0"
    keeps = "1"
    no_batch = "looped: the axis of the classes and the mean are those of one example"

    def eager(self, xp, g, t):
        classes = self.shape[min(len(self.shape) - 1, 1)]
        index, kept = places(xp, t, classes, self.ignored)
        y = xp.zeros((index.size, classes), g.dtype)
        put = -g.reshape(-1) if self.reduction == "none" else -g
        if self.reduction == "mean":
            put = put / g.dtype.type(index.size if kept is None else kept.sum())
        y[xp.arange(index.size), index] = put if kept is None else xp.where(kept, put, g.dtype.type(0))
        if len(self.shape) <= 2:
            return y.reshape(self.shape)
        return xp.ascontiguousarray(xp.moveaxis(y.reshape(self.shape[0], *self.shape[2:], classes), -1, 1))

    def vjp(self, needs, g, y, x, t):
        return likelihood(g, t, self.ignored, self.reduction), None


_likelihood = settled(Likelihood)
_likelihood_adjoint = functools.lru_cache(1024)(LikelihoodAdjoint)


def by_class(xp: Any, x: np.ndarray) -> np.ndarray:
    """Return scores (N, C, d1, …) as rows of C, one per target."""
    if x.ndim > 2:
        x = xp.moveaxis(x, 1, -1)
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def places(xp: Any, t: np.ndarray, classes: int, ignored: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the targets in a row, 0 where they are ignored, and where they are not (None: nowhere); IndexError outside."""
    t = t.reshape(-1)
    # as unsigned numbers the negative ones are the largest: one look finds what is not a class
    if not 0 <= ignored < classes and (t.size == 0 or t.view(np.uint64).max() < classes):
        return t, None
    kept = t != ignored
    index = xp.where(kept, t, 0)
    if index.size and index.view(np.uint64).max() >= classes:
        wrong = index[index.view(np.uint64) >= classes][0]
        raise IndexError(f"nll_loss: Target {wrong} is out of bounds: expected one of {classes} classes")
    return index, kept


def likelihood(x: AbstractTensor, t: AbstractTensor, ignored: int, reduction: str) -> Any:
    """Return the negative log likelihood of the int64 classes `t` under the log probabilities `x`."""
    return apply(_likelihood(ignored, reduction), x, t)
