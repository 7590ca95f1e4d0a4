"""The models compiled, mapped over a batch, and in single precision: the same numbers."""

import numpy as np
import pytest

import lineal as torch
from lineal import func, models


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


A, b = drawn(4, 7, 3), drawn(4, 7, seed=1)
COVARIANCE = A.mT @ A
LINEAR = [COVARIANCE[0] / 20, A[0, :2], COVARIANCE[1], COVARIANCE[2, :2, :2], b[0, :3], COVARIANCE[3]]
CASES = {
    "pca": (lambda x: models.pca(x, 2), [A]),
    "low_rank": (lambda x: models.low_rank(x, 2), [A]),
    "whiten_pca": (models.whiten, [A]),
    "whiten_zca": (lambda x: models.whiten(x, "zca"), [A]),
    "whiten_cholesky": (lambda x: models.whiten(x, "cholesky"), [A]),
    "ridge": (models.ridge, [A, b, drawn(4, seed=2).abs()]),
    "total_least_squares": (models.total_least_squares, [A, b]),
    "polyfit": (lambda x, y: models.polyfit(x, y, 2), [A[..., 0], b]),
    "polyval": (models.polyval, [A[:, 0], b]),
    "gaussian_log_prob": (models.gaussian_log_prob, [A[:, 0], A[:, 1], COVARIANCE]),
    "gp": (lambda x, y: models.gp_posterior(x, y, x, models.matern, 0.1), [A, b]),
    "kalman_filter": (lambda y: models.kalman_filter(y, *LINEAR), [A[..., :2]]),
}
EACH = pytest.mark.parametrize("name", CASES)


def same(found, expected, tolerance=1e-9):
    for x, y in zip(*((each if isinstance(each, tuple) else (each,)) for each in (found, expected)), strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=tolerance, atol=tolerance)


@EACH
def test_mapped_over_a_batch(name):
    function, inputs = CASES[name]
    same(func.vmap(function)(*inputs), function(*inputs))


@EACH
def test_compiled(name):
    function, inputs = CASES[name]
    compiled = torch.compile(function)
    for _ in range(2):
        found = compiled(*inputs)
    same(found, function(*inputs))
    assert type(found) is type(function(*inputs))


@pytest.mark.parametrize("name", [name for name in CASES if name != "kalman_filter"])
def test_single_precision(name):
    function, inputs = CASES[name]
    found = function(*(each.float() for each in inputs))
    assert {each.dtype for each in (found if isinstance(found, tuple) else [found])} == {torch.float32}
    same(found, function(*inputs), 1e-2)
