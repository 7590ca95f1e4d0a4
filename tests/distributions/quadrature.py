"""Sums over all values of a distribution: of whole numbers one by one, of others by the trapezoidal rule.

Numbers are made of an even grid by the transform that `biject_to` has for the support, under which densities fall so fast that
the rule converges exponentially (Trefethen and Weideman 2014); lines get a hyperbolic sine before, for tails like 1/x².
"""

from __future__ import annotations

from typing import Any

import lineal
from lineal import distributions as D

STEPS = 4001
MOST = 400
"""How many whole numbers are summed, of distributions that have no last one."""


def grid(distribution: Any) -> tuple[Any, Any]:
    """Return values along the first dimension and the logarithms of their weights, for every distribution of the batch."""
    shape = (-1, *(1,) * len(distribution.batch_shape))
    if distribution.has_enumerate_support:
        values = distribution.enumerate_support().double()
        return values, lineal.zeros_like(values)
    support = distribution.support
    support = support.base_constraint if isinstance(support, D.constraints.MixtureSameFamilyConstraint) else support
    if support.is_discrete:
        values = lineal.arange(MOST, dtype=lineal.float64).reshape(shape)
        return values, lineal.zeros_like(values)
    if isinstance(distribution, D.VonMises):
        angles = lineal.linspace(-lineal.pi, lineal.pi, STEPS, dtype=lineal.float64)[1:].reshape(shape)
        return angles, lineal.full_like(angles, (angles[1] - angles[0]).log().item())
    on_line = support is D.constraints.real
    ends = 40.0 if on_line else 120.0
    z = lineal.linspace(-ends, ends, STEPS, dtype=lineal.float64).reshape(shape)
    step = (z[1] - z[0]).log()
    if on_line:
        return lineal.sinh(z), lineal.cosh(z).log() + step
    transform = D.biject_to(support)
    x = transform(z)
    return x, transform.log_abs_det_jacobian(z, x) + step


def chances(distribution: Any) -> tuple[Any, Any]:
    """Return values along the first dimension and their probabilities."""
    x, weight = grid(distribution)
    return x, (distribution.log_prob(x) + weight).exp()


def expectation(distribution: Any, function: Any) -> Any:
    """Return E f(x)."""
    x, chance = chances(distribution)
    return lineal.where(chance > 0, chance * function(x), 0.0).sum(0)
