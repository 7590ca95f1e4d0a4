"""Layer, group and batch normalisation: rows with mean 0 and variance 1, each one op with its adjoint."""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import Any

from lineal.base import dtypes
from lineal.base.dtypes import computing
from lineal.base.layouts import dense, suggested, suggested_unless_dense
from lineal.base.spec import Shape
from lineal.core import AbstractTensor, Op, apply, modes
from lineal.core.opening import settled
from lineal.ops.conversion import cast
from lineal.ops.reductions.rowmoments import Lying, normalised, pulled_back
from lineal.ops.reductions.standardising import centred, inverse_spread
from lineal.ops.reductions.sums import sum
from lineal.ops.structural.reshape import reshape

__all__: list[str] = []


class Normalisation(Op):
    """y = x̂ w + b with x̂ = (x - mean) r, r = 1 / √(variance + ε); w and b are there if `terms` names them.

    With h = ȳ w:  x̄ = r (h - mean h - x̂ mean (h x̂)),  w̄ = Σ ȳ x̂ and b̄ = Σ ȳ over what shares a weight. Beside y come the
    mean and the variance, of which no derivative is taken.
    """

    eps: float
    terms: str
    width = 3
    keeps = "0 1"

    @abstractmethod
    def lying(self, shape: Any) -> Lying:
        """Return how an input of a shape is seen."""

    def eager(self, xp, x, *others):
        lying = seen(self, x.shape)
        y, mean, variance = normalised(xp, lying, x.reshape(lying.shape), self.terms, others, self.eps)
        return y.reshape(x.shape), mean.reshape(lying.statistics), variance.reshape(lying.statistics)

    def vjp(self, needs, g, y, x, *others):
        if g[0] is None:
            return (None,) * (1 + len(others))
        w = others[0] if self.terms.startswith("w") else None
        # one op, which nothing more is derived from; who listens hears of ops that can be
        if not modes.grad_enabled.get() and modes.recorder.get() is None:
            found = apply(adjoint_of(self), g[0], x, *(() if w is None else (w,)))
        else:
            wide = [each if each is None else cast(each, dtypes.of(computing(each.value.dtype))) for each in (g[0], x, w)]
            found = [each if each is None else cast(each, dtypes.of(x.value.dtype)) for each in self.adjoint(*wide)]
        by = dict(zip("xwb", found))
        return (by["x"], *(by[term] for term in self.terms))

    def adjoint(self, g: Any, x: Any, w: Any) -> tuple[Any, Any, Any]:
        """Return the cotangents of x, w and b in terms of ops."""
        lying, shape = self.lying(x.value.shape), x.value.shape
        x, g = reshape(x, lying.shape), reshape(g, lying.shape)
        w = None if w is None else reshape(w, lying.weights)
        over = lambda z, axes: sum(z, axes, True) if axes else z
        rest = centred(x, lying.axes)
        r = inverse_spread(rest, lying.axes, self.eps)
        # rows of no elements share nothing: NaN for their length would reach the derivative of w
        unit, n = rest * r, lying.length or 1
        sums = over(g, lying.shared), over(g * unit, lying.shared)
        level, slope = (over(z if w is None else z * w, lying.weighted) / n for z in sums)
        by_x = r * ((g if w is None else g * w) - level - unit * slope)
        by_b, by_w = (reshape(over(z, lying.repeated), lying.given) for z in sums)
        return reshape(by_x, shape), by_w, by_b


@functools.lru_cache(1024)
def seen(op: Normalisation, shape: Shape) -> Lying:
    """Return how an array of a shape is seen."""
    return op.lying(shape)


class LayerNorm(Normalisation):
    """A row is the last `dims` axes, along which w and b lie.   Ba, Kiros and Hinton (2016), arXiv:1607.06450."""

    dims: int
    layout = dense
    grad_name = "NativeLayerNormBackward0"

    def lying(self, shape):
        ndim, given = len(shape), shape[len(shape) - self.dims :]
        lead = (1,) * (ndim - self.dims)
        axes = tuple(range(ndim - self.dims, ndim))
        return Lying(shape, axes, (*lead, *given), given, (*shape[: ndim - self.dims], *(1,) * self.dims))


class GroupNorm(Normalisation):
    """A row is a group of the C channels of an example; w and b are of channels.   Wu and He (2018), arXiv:1803.08494."""

    groups: int
    layout = suggested
    grad_name = "NativeGroupNormBackward0"

    def lying(self, shape):
        n, channels, *rest = shape
        parts = self.groups, channels // self.groups
        weights = (1, *parts, *(1,) * len(rest))
        return Lying((n, *parts, *rest), tuple(range(2, 3 + len(rest))), weights, (channels,), (n, self.groups))


class BatchNorm(Normalisation):
    """A row is a channel of all examples; w and b are of channels.   Ioffe and Szegedy (2015), arXiv:1502.03167."""

    layout = suggested_unless_dense
    grad_name = "NativeBatchNormBackward0"

    def lying(self, shape):
        channels, ndim = shape[1], len(shape)
        axes = (0, *range(2, ndim))
        return Lying(shape, axes, (1, channels, *(1,) * (ndim - 2)), (channels,), (channels,))


class NormalisationAdjoint(Op):
    """The cotangents of x, w and b of a normalisation, where nothing more is derived from them."""

    op: Normalisation
    width = 3
    differentiable = False
    grad_name = "NativeLayerNormBackwardBackward0"
    no_vjp = "taken where nothing more is derived from it; ops otherwise"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, g, x, *w):
        lying = seen(self.op, x.shape)
        found = pulled_back(xp, lying, g.reshape(lying.shape), x.reshape(lying.shape), w, self.op.eps, not self.op.terms)
        return tuple(
            [y.reshape(shape).astype(x.dtype, copy=False) for y, shape in zip(found, (x.shape, lying.given, lying.given))]
        )

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


_layer_norm, _group_norm, _batch_norm = (settled(kind, 256) for kind in (LayerNorm, GroupNorm, BatchNorm))
adjoint_of = settled(NormalisationAdjoint)


def normalise(make: Any, x: AbstractTensor, w: AbstractTensor | None, b: AbstractTensor | None, eps: float, *rest: int) -> Any:
    """Return what an op made by `make` gives of x and of those of w and b that are there."""
    if w is None or b is None:
        given = {name: each for name, each in (("w", w), ("b", b)) if each is not None}
        return apply(make(float(eps), "".join(given), *rest), x, *given.values())
    return apply(make(float(eps), "wb", *rest), x, w, b)


def layer_norm(x: AbstractTensor, dims: int, w: AbstractTensor | None, b: AbstractTensor | None, eps: float) -> Any:
    """Return x normalised over its last `dims` dimensions, the means and the variances."""
    return normalise(_layer_norm, x, w, b, eps, dims)


def group_norm(x: AbstractTensor, groups: int, w: AbstractTensor | None, b: AbstractTensor | None, eps: float) -> Any:
    """Return x (N, C, …) normalised over groups of channels of each example, the means and the variances, (N, groups)."""
    return normalise(_group_norm, x, w, b, eps, groups)


def batch_norm(x: AbstractTensor, w: AbstractTensor | None, b: AbstractTensor | None, eps: float) -> Any:
    """Return x (N, C, …) normalised over all but the channels, the means and the variances, (C)."""
    return normalise(_batch_norm, x, w, b, eps)
