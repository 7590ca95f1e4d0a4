"""Variance, standard deviation, covariance, correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.config import defaults
from lineal.base.layouts import dense
from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import Axes
from lineal.core import Op, renamed
from lineal.core.calling import public
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.extremes import clamp_min
from lineal.ops.elementwise.masks import drop
from lineal.ops.front import require_tensor, store
from lineal.ops.premise import rely
from lineal.ops.reductions.front import count, doors, unreduced
from lineal.ops.reductions.standardising import centred, squared_distances
from lineal.ops.reductions.sums import mean, sum
from lineal.ops.structural.axes import squeeze, t, unsqueeze
from lineal.ops.structural.diagonals import diagonal
from lineal.ops.structural.reshape import reshape

__all__ = ["var", "std", "var_mean", "std_mean", "cov", "corrcoef"]


class Var(Op):
    """y = Σ |x - x̂|² / (n - correction) over `axes`, x̂ the mean;  x̄ = 2 ȳ (x - x̂) / (n - correction)."""

    axes: Axes
    keepdim: bool
    correction: float
    layout = dense
    keeps = "0"

    def eager(self, xp, x):
        return variance(xp, x, self.axes, self.keepdim, self.correction).astype(real(x.dtype))

    def vjp(self, needs, g, y, x):
        return (pulled(g, x, self, 2.0),)


class Std(Op):
    """y = the root of the variance;  x̄ = ȳ (x - x̂) / (y (n - correction)), zero where y is."""

    axes: Axes
    keepdim: bool
    correction: float
    layout = dense
    keeps = "0 y"

    def eager(self, xp, x):
        return xp.sqrt(variance(xp, x, self.axes, self.keepdim, self.correction)).astype(real(x.dtype))

    def vjp(self, needs, g, y, x):
        return (pulled(drop(g / y, y.eq(0)), x, self, 1.0),)


def real(storage: np.dtype) -> np.dtype:
    """Return the dtype of the parts of a complex dtype; any other dtype is its own."""
    return np.dtype(f"f{storage.itemsize // 2}") if storage.kind == "c" else storage


def variance(xp: Any, x: np.ndarray, axes: Axes, keepdim: bool, correction: float) -> Any:
    """Return the sum of squared distances from the mean, divided by their number less `correction`, in float64."""
    y = squared_distances(xp, x, axes)
    y = y if keepdim else y.reshape([size for place, size in enumerate(x.shape) if place not in axes])
    return y / np.float64(freedom(count(x.shape, axes), correction))


def freedom(n: int, correction: float) -> float:
    """Return the divisor of a variance, zero where there are no degrees of freedom."""
    return n - correction if n > correction else 0.0


def pulled(g: Any, x: Tensor, op: Var | Std, factor: float) -> Any:
    """Return factor × g (x - x̂) / (n - correction).

    The divisor is shared out between both: by the whole of it, numbers of half precision become too small for their digits.
    """
    free = freedom(count(x.value.shape, op.axes), op.correction)
    share = 2.0 ** -(math.frexp(free)[1] // 2)
    rest = centred(x, op.axes)
    part, rest = (g * (factor / (free * share)), rest * share) if free else (g, rest / 0)
    return unreduced(part, x.value.shape, op.axes, op.keepdim) * rest


_var = doors("var", Var)
_std = doors("std", Std)


def deviation(name: str, door: Any, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Any:
    """Return a variance or deviation for any of the ways to say over what and with which correction."""
    if require_tensor(name, input).dtype.kind in "iub":
        raise RuntimeError(f"{name}: expected a floating or complex dtype, got {dtype_of(input)}")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(f"{name}: expected unbiased or correction, got both")
        correction = int(unbiased)
    return door(dim, input.value.ndim, keepdim, 1 if correction is None else correction)(input)


@public
def var(
    input: Tensor,
    dim: Dims | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the variance over `dim` (all dimensions by default); the divisor is n - correction, by default n - 1."""
    y = deviation("var", _var, input, dim, unbiased, keepdim, correction)
    return y if out is None else store(y, out, "var")


@public
def std(
    input: Tensor,
    dim: Dims | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the standard deviation over `dim` (all dimensions by default); the divisor is n - correction, by default n - 1."""
    y = deviation("std", _std, input, dim, unbiased, keepdim, correction)
    return y if out is None else store(y, out, "std")


@public
def var_mean(
    input: Tensor,
    dim: Dims | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean over `dim`."""
    y = renamed(deviation("var_mean", _var, input, dim, unbiased, keepdim, correction), "VarMeanBackward0")
    found = y, mean(input, None if isinstance(dim, bool) else dim, keepdim)
    return found if out is None else tuple(store(each, target, "var_mean") for each, target in zip(found, out))


@public
def std_mean(
    input: Tensor,
    dim: Dims | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and the mean over `dim`."""
    y = renamed(deviation("std_mean", _std, input, dim, unbiased, keepdim, correction), "StdMeanBackward0")
    found = y, mean(input, None if isinstance(dim, bool) else dim, keepdim)
    return found if out is None else tuple(store(each, target, "std_mean") for each, target in zip(found, out))


def weights_of(name: str, input: Tensor, given: Tensor | None, whole: bool) -> Any:
    """Check the weights of observations: one number for each, not negative, whole for frequencies."""
    if given is None:
        return None
    if given.value.ndim > 1 or given.value.size != input.value.shape[-1]:
        raise RuntimeError(f"cov: expected {name} of shape [{input.value.shape[-1]}], got {list(given.value.shape)}")
    if (given.value.dtype.kind in "iu") is not whole:
        raise RuntimeError(f"cov: expected {name} to be {'integers' if whole else 'floating'}, got {dtype_of(given)}")
    if given.value.size and given.value.min() < 0:
        raise RuntimeError(f"cov: expected {name} of at least 0, got {given.value.min()}")
    rely(lambda: ~(given < 0))
    return given


@public
def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """Return the covariances of the rows of `input`, whose columns are observations.

    `fweights` says how often each was made, `aweights` how much it counts.
    """
    if require_tensor("cov", input).ndim > 2 or input.value.dtype.kind == "b":
        raise RuntimeError(f"cov: expected a matrix of numbers, got {dtype_of(input)} of shape {list(input.value.shape)}")
    x = reshape(input, 1, -1) if input.value.ndim < 2 else input
    x = cast(x, defaults.dtype) if x.value.dtype.kind in "iu" else x
    often, weights = weights_of("fweights", x, fweights, True), weights_of("aweights", x, aweights, False)
    w = often if weights is None else weights if often is None else often * weights
    total = x.value.shape[1] if w is None else sum(w)
    if w is None or weights is None:
        free = total - correction
    else:
        free = total - correction * sum(w * weights) / total
    free = max(free, 0) if isinstance(free, (int, float)) else clamp_min(free, 0)
    rest = weighted_rest(x, w, total)
    y = rest.matmul(t(rest if w is None else rest * w).conj()) / free
    return squeeze(y)


def weighted_rest(x: Tensor, w: Any, total: Any) -> Any:
    """Return the rows of x less their means, which count each number as often as w says."""
    rest = centred(x, (1,))
    # from there, the mean is small, and so is the digit where it is rounded
    return rest if w is None else rest - sum(rest * w, 1, True) / total


def levelled(x: Any) -> Any:
    """Return the rows of x less their means, divided by their largest size, so that no square leaves the range."""
    rest = centred(x, (x.value.ndim - 1,)) if x.value.ndim and x.value.size and x.value.dtype.kind in "fc" else x
    if rest is x:
        return x
    top = rest.detach().abs().amax(-1, keepdim=True)
    return rest / top.masked_fill(top.eq(0) | top.isinf(), 1)


def corrcoef(input: Tensor) -> Tensor:
    """Return the correlation coefficients of the rows of `input`, whose columns are observations."""
    if require_tensor("corrcoef", input).ndim > 2:
        raise RuntimeError(f"corrcoef: expected a matrix, got shape {list(input.value.shape)}")
    c = cov(levelled(input))
    if not c.value.ndim:
        return c / c
    spread = diagonal(c)
    scale = (spread.real if spread.value.dtype.kind == "c" else spread).sqrt()
    y = c / unsqueeze(scale, 1) / unsqueeze(scale, 0)
    if y.value.dtype.kind == "c":
        return y
    return y.clamp(-1, 1)
