"""Gamma and Dirichlet numbers move as differences of SciPy's quantiles do, from the ends of the support to its middle."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import special, stats

import lineal
from lineal.ops.random.implicit import beta_derivative, gamma_derivative
from lineal.testing import assert_close

CHANCES = np.array([1e-6, 1e-2, 0.3, 0.5, 0.9, 0.999])
CONCENTRATIONS = [0.05, 0.7, 3.0, 7.9, 8.1, 200.0]


def moved(below, above, a, x):
    """Return dF/da at x by a difference of sixth order, of F or of 1 - F, whichever is smaller."""
    h = 0.004 * np.minimum(a, np.sqrt(a))
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    difference = lambda F: sum(w * (F(a + k * h, x) - F(a - k * h, x)) for k, w in weights.items()) / h
    return np.where(below(a, x) < 0.5, difference(below), -difference(above))


@pytest.mark.parametrize("a", CONCENTRATIONS)
def test_gamma_numbers(a):
    x = special.gammaincinv(a, CHANCES)
    wanted = -moved(special.gammainc, special.gammaincc, a, x) / stats.gamma.pdf(x, a)
    np.testing.assert_allclose(gamma_derivative(np.full(6, a), x), wanted, rtol=1e-8)


@pytest.mark.parametrize(("a", "b"), [*product(CONCENTRATIONS, repeat=2)])
def test_beta_numbers(a, b):
    x = special.betaincinv(a, b, CHANCES)
    x = x[(x > 1e-250) & (x < 1 - 1e-9)]
    below, above = lambda a, x: special.betainc(a, b, x), lambda a, x: special.betainc(b, a, 1 - x)
    wanted = -moved(below, above, a, x) / stats.beta.pdf(x, a, b)
    np.testing.assert_allclose(beta_derivative(x, np.full_like(x, a), np.full_like(x, b)), wanted, rtol=1e-7)


def test_what_is_no_concentration_gives_nan_and_nothing_else_does():
    a = lineal.tensor([-1.0, float("nan"), 0.0, 2.0], requires_grad=True)
    y = lineal._standard_gamma(a)
    (move,) = lineal.autograd.grad(y.sum(), a)
    assert y.isnan().tolist() == [True, True, False, False]
    assert move.isnan().tolist() == [True, True, True, False]
    with pytest.raises(RuntimeError, match=r"_standard_gamma: not implemented for .*int64"):
        lineal._standard_gamma(lineal.tensor([1]))
    with pytest.raises(RuntimeError, match=r"_sample_dirichlet: expected rows of concentrations, got shape \[\]"):
        lineal._sample_dirichlet(lineal.tensor(1.0))


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64, lineal.bfloat16])
def test_tiny_concentrations_give_numbers_whose_logarithms_are_finite(dtype):
    a = lineal.full((3, 4), 1e-3, dtype=dtype)
    for drawn in (lineal._standard_gamma(a), lineal._sample_dirichlet(a)):
        assert drawn.dtype is dtype
        assert bool((drawn > 0).all()) and bool(drawn.log().isfinite().all())
    assert bool((lineal._sample_dirichlet(a) < 1).all())


def test_a_direction_that_keeps_the_sum_of_shares_at_one():
    a = lineal.tensor([[0.5, 2.0, 9.0]], dtype=lineal.float64, requires_grad=True)
    (move,) = lineal.autograd.grad(lineal._sample_dirichlet(a).sum(), a)
    assert_close(move, lineal.zeros_like(move), rtol=0, atol=1e-12)


def test_there_is_no_second_derivative_and_that_is_said():
    a = lineal.tensor([2.0], requires_grad=True)
    (move,) = lineal.autograd.grad(lineal._standard_gamma(a).sum(), a, create_graph=True)
    with pytest.raises(RuntimeError, match="_standard_gamma_grad: the derivative is not implemented"):
        move.sum().backward()
