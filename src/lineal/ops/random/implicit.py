"""How a random number moves with a parameter while its probability stays: dx/dα = -∂F(x; α)/∂α / p(x; α).

Figurnov, Mohamed and Mnih 2018, "Implicit reparameterization gradients", eq. 5, for the gamma and the beta distribution. The
derivative of F is computed as a sum of terms of one sign, so that no digits cancel: near the end of the support that has few
terms, by the series of F; elsewhere by the integral of p(t) ∂ log p(t)/∂α over the tail where the derivative keeps its sign, by
Gauss and Legendre's rule where the integrand is above e⁻⁴⁰ of its greatest.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import later

__all__ = ["beta_derivative", "gamma_derivative"]

special: Any = later.module("scipy.special")

DEPTH = 40.0
"""What is below e^-DEPTH of the greatest is no part of an integral."""
NODES = 64
SMALL = 8.0
"""Below this parameter the series has few terms, and above it the tail below falls fast enough for the integral."""
MARGIN = 1.5
"""How far beyond its mean a number may be for the series."""
TERMS = 400
BLOCK = 1 << 12


def gamma_derivative(a: Any, x: Any) -> Any:
    """Return dx/da of standard gamma numbers x of concentration a, in the dtype of x."""
    a, x, shape, storage = flattened(a, x)
    y = np.full(x.shape, np.nan)
    good = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    near = good & (a < SMALL) & (x <= a + MARGIN)
    below = good & (a >= SMALL) & (x < a)
    above = good & ~near & ~below
    for chosen, rule in ((near, gamma_series), (below, gamma_below), (above, gamma_above)):
        fill(y, chosen, rule, a, x)
    return y.reshape(shape).astype(storage, copy=False)


def flattened(*xs: Any) -> tuple[Any, ...]:
    """Return float64 vectors of arrays that broadcast, the shape of what they make, and the dtype of the last."""
    wide = np.broadcast_arrays(*[np.asarray(x, np.float64) for x in xs])
    return *[each.ravel() for each in wide], wide[0].shape, xs[-1].dtype


def fill(y: Any, chosen: Any, rule: Any, *xs: Any) -> None:
    """Write what `rule` makes of the chosen numbers into y, a block at a time, since integrals take 64 numbers for each."""
    places = np.flatnonzero(chosen)
    for start in range(0, len(places), BLOCK):
        at = places[start : start + BLOCK]
        y[at] = rule(*[x[at] for x in xs])


@functools.cache
def nodes() -> tuple[Any, Any]:
    """Return Gauss and Legendre's nodes and weights on [0, 1], as columns."""
    points, weights = np.polynomial.legendre.leggauss(NODES)
    return (points[:, None] + 1) / 2, weights[:, None] / 2


def gamma_series(a: Any, x: Any) -> Any:
    """F/p = x/a Σ tₙ, tₙ = xⁿ/(a+1)ₙ; ∂ log tₙ/∂a = -Σ 1/(a+k), k = 1 … n.   DLMF 8.7.1."""
    total, slope, term, turned = np.ones_like(x), np.zeros_like(x), np.ones_like(x), np.zeros_like(x)
    for n in range(1, TERMS):
        term = term * (x / (a + n))
        turned = turned - 1 / (a + n)
        total, slope = total + term, slope + term * turned
        if (term < 1e-18 * total).all():
            break
    return -x / a * (total * (np.log(x) - special.digamma(a + 1)) + slope)


def gamma_below(a: Any, x: Any) -> Any:
    """-∫ p(t)/p(x) (log t - ψ(a)) dt from 0 to x, with t = x e^-v; e^-v - 1 + v ≥ v²/(2 + v) bounds v."""
    half = a - x - DEPTH / 2
    end = (np.sqrt(half * half + 2 * DEPTH * a) - half) / a
    points, weights = nodes()
    v = points * end
    inside = np.exp(-a * v - x * np.expm1(-v)) * (np.log(x) - v - special.digamma(a))
    return -x * end * (weights * inside).sum(0)


def gamma_above(a: Any, x: Any) -> Any:
    """∫ p(t)/p(x) (log t - ψ(a)) dt from x to ∞, with t = x eᵛ; eᵛ - 1 - v ≥ v²/2 bounds v."""
    gap = x - a
    end = 2 * DEPTH / (np.sqrt(np.maximum(gap * gap + 2 * DEPTH * x, 0)) + gap)
    points, weights = nodes()
    v = points * end
    inside = np.exp(a * v - x * np.expm1(v)) * (np.log(x) + v - special.digamma(a))
    return x * end * (weights * inside).sum(0)


def beta_derivative(x: Any, a: Any, b: Any) -> Any:
    """Return dx/da of beta numbers x of concentrations a and b, where b stays, in float64."""
    x, a, b, shape, _ = flattened(x, a, b)
    y = np.full(x.shape, np.nan)
    good = (x > 0) & (x < 1) & (a > 0) & (b > 0) & np.isfinite(a + b)
    mean = a / (a + b)
    left = good & (a < SMALL) & np.where(b < SMALL, x <= 0.5, x * (a + b) <= a + MARGIN)
    right = good & ~left & (b < SMALL) & np.where(a < SMALL, x > 0.5, (1 - x) * (a + b) <= b + MARGIN)
    below = good & ~left & ~right & (x < mean)
    above = good & ~left & ~right & ~below
    for chosen, rule in ((left, beta_from_zero), (right, beta_from_one), (below, beta_below), (above, beta_above)):
        fill(y, chosen, rule, x, a, b)
    return y.reshape(shape)


def beta_from_zero(x: Any, a: Any, b: Any) -> Any:
    """F/p = x (1-x)/a Σ tₙ, tₙ = (a+b)ₙ/(a+1)ₙ xⁿ; the logarithm of tₙ moves by Σ 1/(a+b+k) - 1/(a+1+k).   DLMF 8.17.8."""
    moved = special.digamma(a + b) - special.digamma(a + 1)
    return -beta_series(x, a, a + b, lambda n: 1 / (a + b + n) - 1 / (a + 1 + n), np.log(x) + moved)


def beta_from_one(x: Any, a: Any, b: Any) -> Any:
    """The same of 1-x, of which b is the first concentration and a the second."""
    moved = special.digamma(a + b) - special.digamma(a)
    return beta_series(1 - x, b, a + b, lambda n: 1 / (a + b + n), np.log(x) + moved)


def beta_series(x: Any, a: Any, both: Any, moves: Any, moved: Any) -> Any:
    """Return x (1-x)/a (moved Σ tₙ + Σ tₙ Σ moves(k)), the latter of k < n."""
    total, slope, term, turned = np.ones_like(x), np.zeros_like(x), np.ones_like(x), np.zeros_like(x)
    for n in range(TERMS):
        term = term * ((both + n) / (a + 1 + n) * x)
        turned = turned + moves(n)
        total, slope = total + term, slope + term * turned
        if (term < 1e-18 * total).all():
            break
    return x * (1 - x) / a * (total * moved + slope)


def beta_below(x: Any, a: Any, b: Any) -> Any:
    """-∫ p(t)/p(x) (log t - ψ(a) + ψ(a+b)) dt from 0 to x, over logit t."""
    w = np.log(x) - np.log1p(-x)
    v, measure = tail(w, a, b)
    logs = -np.logaddexp(0, v - w) + special.digamma(a + b) - special.digamma(a)
    return -x * (1 - x) * (measure * logs).sum(0)


def beta_above(x: Any, a: Any, b: Any) -> Any:
    """The same integral from x to 1, with the sign of the tail above."""
    w = np.log(x) - np.log1p(-x)
    v, measure = tail(-w, b, a)
    logs = -np.logaddexp(0, -v - w) + special.digamma(a + b) - special.digamma(a)
    return x * (1 - x) * (measure * logs).sum(0)


def tail(w: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return how far below w the nodes are, and their weights times tᵃ (1-t)ᵇ over its value at w; w = logit t.

    The logarithm of that is concave; Newton's method finds from outside where it is -DEPTH.
    """
    at = np.logaddexp(0, w)
    end = (DEPTH + (a + b) * at) / a
    for _ in range(60):
        rest = np.logaddexp(0, w - end)
        step = (a * end - (a + b) * (at - rest) - DEPTH) / (a - (a + b) * special.expit(w - end))
        end = end - step
        if (np.abs(step) < 0.01 * end).all():
            break
    points, weights = nodes()
    v = points * end
    fall = a * v - (a + b) * (at - np.logaddexp(0, w - v))
    return v, weights * end * np.exp(-fall)
