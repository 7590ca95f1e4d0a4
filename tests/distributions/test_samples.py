"""Samples are of the distribution, and move with its parameters as its quantiles do."""

from __future__ import annotations

import numpy as np
import pytest
from families import FAMILIES, JOINT, made
from quadrature import chances

import lineal
from lineal import distributions as D
from lineal.distributions import constraints
from lineal.testing import assert_close

COUNT = 4000
CRITICAL = 2.2
"""Of √n times Kolmogorov and Smirnov's distance: passed once in 8,000 times."""
SINGLE = [name for name in FAMILIES if name not in {*JOINT, "Normal of numbers", "GeneralizedPareto"}]


@pytest.fixture(autouse=True)
def one_seed():
    lineal.manual_seed(1)


@pytest.mark.parametrize("name", SINGLE)
def test_numbers_are_distributed_as_their_probabilities_say(name):
    d = made(name)
    x, chance = (each.numpy()[:, 0] for each in chances(d))
    drawn = np.sort(d.sample((COUNT,)).double().numpy()[:, 0])
    total = chance.cumsum()
    if d.has_enumerate_support or not np.diff(drawn).all():
        wanted, found = total, np.searchsorted(drawn, x, side="right") / COUNT
    else:
        wanted, found = np.interp(drawn, x, total - chance / 2), (np.arange(COUNT) + 0.5) / COUNT
    assert np.abs(found - wanted).max() < CRITICAL / np.sqrt(COUNT)


@pytest.mark.parametrize("name", sorted(JOINT - {"LogisticNormal", "LKJCholesky", "RelaxedOneHotCategorical"}))
def test_means_and_variances_of_vectors_and_matrices_are_the_samples(name):
    d = made(name)
    x = d.sample((COUNT,)).double()
    assert bool(d.support.check(x).all())
    spread = (d.variance / COUNT).sqrt()
    assert bool(((x.mean(0) - d.mean).abs() <= 5 * spread + 1e-12).all())
    assert_close(x.var(0), d.variance.expand(x.shape[1:]), rtol=0.3, atol=0.02)


def test_correlations_of_lkj_samples_have_the_marginal_that_the_article_says():
    """Each is 2 b - 1 for b beta of η + (n-2)/2 twice: its variance is 1/(2η + n - 1)."""
    d = D.LKJCholesky(3, lineal.tensor([0.7, 2.0]))
    L = d.sample((COUNT,))
    assert bool(constraints.corr_cholesky.check(L).all())
    correlations = (L @ L.mT)[..., 2, 0]
    assert_close(correlations.var(0), 1 / (2 * d.concentration + 2), rtol=0.1, atol=0)


ASIDE = {
    "FisherSnedecor": "two random numbers make one",
    "StudentT": "two random numbers make one",
    "Laplace": "a density with a kink, of which sums converge slowly",
    "Normal of numbers": "no parameters",
}
PATHWISE = [name for name in FAMILIES if name not in {*JOINT, *ASIDE} and made(name).has_rsample]


@pytest.mark.parametrize("name", PATHWISE)
def test_samples_move_as_quantiles_do(name):
    """dx/dθ = -∂F/∂θ / p, where ∂F/∂θ is a difference of sums over the values up to x."""
    parameters = []

    def numbers(given):
        parameters.append(lineal.tensor(given, dtype=lineal.float64, requires_grad=True))
        return parameters[-1]

    d = FAMILIES[name](D, numbers)
    x = d.rsample()
    moves = lineal.autograd.grad(x.sum(), parameters)
    density = d.log_prob(x.detach()).exp().detach()
    for place, move in enumerate(moves):
        h = 1e-5
        above, below = (below_chance(name, parameters, place, step, x.detach()) for step in (h, -h))
        wanted = (below - above) / (2 * h) / density
        if move.shape == wanted.shape:
            assert_close(move, wanted, rtol=1e-3, atol=1e-4)


def below_chance(name, parameters, place, step, x):
    """Return P(X ≤ x) with one parameter moved, by a sum over a grid that ends at x."""
    others = iter([each.detach() + (step if i == place else 0.0) for i, each in enumerate(parameters)])
    d = FAMILIES[name](D, lambda _: next(others))
    d._validate_args = False
    return smooth_cdf(d, x)


def smooth_cdf(d, x):
    """Return the integral of the density up to x, over numbers that get to x exponentially."""
    z = lineal.linspace(-36.0, 36.0, 4001, dtype=lineal.float64)[:, None]
    support = d.support
    low = getattr(support, "lower_bound", None)
    share = lineal.sigmoid(z)
    if low is None:
        values, slope = x - lineal.exp(z), lineal.exp(z)
    else:
        values, slope = low + (x - low) * share, (x - low) * share * (1 - share)
    inside = d.log_prob(values).exp() * slope
    return inside.nan_to_num(0.0).sum(0) * (z[1] - z[0])
