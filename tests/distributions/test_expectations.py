"""What distributions say of themselves is what sums over all their values are: total, moments, entropy, divergences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from families import FAMILIES, JOINT, made
from quadrature import chances, expectation

import lineal
from lineal import distributions as D
from lineal.testing import assert_close

SINGLE = [name for name in FAMILIES if name not in {*JOINT, "Normal of numbers", "GeneralizedPareto"}]
WITHOUT_MOMENTS = ("Cauchy", "HalfCauchy", "VonMises", "Categorical", "Categorical of logits")
TOLERANCE = {"Laplace": 1e-3}
"""The density of Laplace's has a kink, where the rule converges slowly."""


def said(work):
    """Return what a distribution says, None if it does not."""
    try:
        return work()
    except NotImplementedError:
        return None


@pytest.mark.parametrize("name", SINGLE)
def test_totals_moments_and_entropies_are_sums_over_all_values(name):
    d, tolerance = made(name), TOLERANCE.get(name, 1e-6)
    total = expectation(d, lineal.ones_like)
    assert_close(total, lineal.ones_like(total), rtol=0, atol=tolerance)
    mean, variance, entropy = said(lambda: d.mean), said(lambda: d.variance), said(d.entropy)
    if mean is not None and name not in WITHOUT_MOMENTS:
        assert_close(expectation(d, lambda x: x), mean.broadcast_to(d.batch_shape), rtol=tolerance, atol=tolerance)
        assert_close(expectation(d, lambda x: (x - mean) ** 2), variance, rtol=10 * tolerance, atol=tolerance)
    if entropy is not None:
        assert_close(expectation(d, lambda x: -d.log_prob(x)), entropy, rtol=tolerance, atol=tolerance)


def has_cdf(name):
    d = made(name)
    return said(lambda: d.cdf(d.sample())) is not None


@pytest.mark.parametrize("name", [name for name in SINGLE if has_cdf(name)])
def test_distribution_functions_are_sums_up_to_a_value_and_have_their_inverses(name):
    d, tolerance = made(name), 20 * TOLERANCE.get(name, 1e-4)
    x, chance = chances(d)
    places = np.searchsorted(chance.cumsum(0)[:, 0].numpy(), [0.1, 0.5, 0.8])
    cdf = d.cdf(x)[places][:, 0]
    # to a grid value, of whose own share half is below it
    assert_close(chance.cumsum(0)[places][:, 0] - chance[places][:, 0] / 2, cdf, rtol=tolerance, atol=tolerance)
    u = lineal.linspace(0.05, 0.95, 7, dtype=lineal.float64)[:, None]
    inverse = said(lambda: d.icdf(u))
    if inverse is not None:
        assert_close(d.cdf(inverse), u.expand(inverse.shape), rtol=1e-9, atol=1e-9)


PAIRED = ["Beta", "ContinuousBernoulli", "Exponential", "Gamma", "Gumbel", "Normal", "Pareto", "Uniform"]


def divergences(p, q):
    """Return KL(p ‖ q) and the sum that it is; None where the batches differ, where there is no rule, or where it is ∞."""
    first, second = made(p), made(q)
    if first.batch_shape != second.batch_shape:
        return None
    found = said(lambda: D.kl_divergence(first, second))
    if found is None or bool(found.isinf().any()):
        return None
    second._validate_args = False
    return found, expectation(first, lambda x: first.log_prob(x) - second.log_prob(x))


def test_divergences_are_expectations_of_logarithms_of_quotients():
    pairs = [each for each in (divergences(p, q) for p, q in product(PAIRED, SINGLE)) if each is not None]
    assert len(pairs) > 15
    for found, wanted in pairs:
        assert_close(found, wanted, rtol=1e-3, atol=1e-5)
