"""Transforms: inverses, slopes, shapes, caches; constraints hold of what they make."""

from __future__ import annotations

import math

import pytest

import lineal
from lineal import distributions as D
from lineal.testing import assert_close


def tensor(*numbers):
    return lineal.tensor(numbers, dtype=lineal.float64)


LINE = tensor(-1.3, -0.2, 0.4, 2.1)
POSITIVE = tensor(0.3, 1.0, 1.7, 2.4)
SCALAR = {
    "exp": (D.ExpTransform(), LINE),
    "power": (D.PowerTransform(tensor(2.5)), POSITIVE),
    "sigmoid": (D.SigmoidTransform(), LINE),
    "softplus": (D.SoftplusTransform(), LINE),
    "tanh": (D.TanhTransform(), LINE),
    "affine": (D.AffineTransform(1.0, tensor(-2.0)), LINE),
    "chained": (D.ComposeTransform([D.AffineTransform(0.5, 2.0), D.TanhTransform(), D.ExpTransform()]), LINE),
    "inverse": (D.ExpTransform().inv, POSITIVE),
    "cdf": (D.CumulativeDistributionTransform(D.Normal(tensor(0.5), tensor(1.5))), LINE),
}


@pytest.mark.parametrize("name", SCALAR)
def test_numbers_come_back_and_slopes_are_derivatives(name):
    transform, x = SCALAR[name]
    x = x.clone().requires_grad_()
    y = transform(x)
    assert_close(transform.inv(y), x, rtol=1e-9, atol=1e-9)
    (slope,) = lineal.autograd.grad(y.sum(), x)
    assert_close(transform.log_abs_det_jacobian(x, y), slope.abs().log().expand(x.shape), rtol=1e-9, atol=1e-9)
    assert bool((slope.sign() == transform.sign).all())
    assert bool(transform.codomain.check(y).all())
    assert transform.inv.inv is transform


VECTOR = {
    "stick": (D.StickBreakingTransform(), LINE, lambda y: y[:-1]),
    "correlations": (D.CorrCholeskyTransform(), tensor(0.3, -0.8, 1.1), lambda y: y[[1, 2, 2], [0, 0, 1]]),
    "reshape": (D.ReshapeTransform((4,), (2, 2)), LINE, lambda y: y.reshape(-1)),
    "cat": (D.CatTransform([D.ExpTransform(), D.TanhTransform()], 0, [1, 3]), LINE, None),
    "stack": (D.StackTransform([D.ExpTransform(), D.TanhTransform()], 0), LINE[:2], None),
    "independent": (D.IndependentTransform(D.ExpTransform(), 1), LINE, lambda y: y),
    "affine": (D.AffineTransform(0.0, 3.0, event_dim=1), LINE, lambda y: y),
}


@pytest.mark.parametrize("name", VECTOR)
def test_vectors_come_back_and_slopes_are_determinants(name):
    transform, x, free = VECTOR[name]
    y = transform(x)
    assert_close(transform.inv(y), x, rtol=1e-8, atol=1e-8)
    assert transform.forward_shape(x.shape) == y.shape and transform.inverse_shape(y.shape) == x.shape
    assert bool(transform.codomain.check(y).all())
    log_slope = transform.log_abs_det_jacobian(x, y)
    J = lineal.autograd.functional.jacobian(lambda x: transform(x) if free is None else free(transform(x)), x)
    assert_close(log_slope.sum() if free is None else log_slope, lineal.linalg.slogdet(J).logabsdet, rtol=1e-8, atol=1e-8)


MADE = [
    D.constraints.real,
    D.constraints.positive,
    D.constraints.greater_than(2.0),
    D.constraints.greater_than_eq(-1.0),
    D.constraints.less_than(tensor(3.0)),
    D.constraints.unit_interval,
    D.constraints.interval(-2.0, 5.0),
    D.constraints.half_open_interval(0.0, 3.0),
    D.constraints.simplex,
    D.constraints.corr_cholesky,
    D.constraints.lower_cholesky,
    D.constraints.positive_definite,
    D.constraints.independent(D.constraints.positive, 1),
    D.constraints.cat([D.constraints.positive, D.constraints.real], -1, [1, 2]),
    D.constraints.stack([D.constraints.positive, D.constraints.real, D.constraints.unit_interval], -1),
]


@pytest.mark.parametrize("constraint", MADE, ids=repr)
def test_registered_transforms_make_what_the_constraint_wants(constraint):
    lineal.manual_seed(0)
    x = lineal.randn((2, 3, 3), dtype=lineal.float64)
    for registry in (D.biject_to, D.transform_to):
        try:
            transform = registry(constraint)
        except NotImplementedError:
            assert registry is D.biject_to and constraint.event_dim == 2
            continue
        y = transform(x)
        assert bool(constraint.check(y).all())
        assert_close(transform(transform.inv(y)), y, rtol=1e-8, atol=1e-8)


def test_what_is_kept_comes_back_itself():
    kept = D.ComposeTransform([D.TanhTransform(), D.ExpTransform()], cache_size=1)
    x = lineal.tensor([40.0])
    assert kept.inv(kept(x)) is x
    assert D.AffineTransform(1.0, 2.0).with_cache() == D.AffineTransform(1.0, 2.0)
    assert bool(D.TanhTransform().inv(D.TanhTransform()(x)).isinf())
    with pytest.raises(ValueError, match="cache_size must be 0 or 1, got 3"):
        D.ExpTransform(cache_size=3)


def test_a_transformed_distribution_has_the_density_that_its_slope_gives():
    base = D.Normal(lineal.zeros(3, dtype=lineal.float64), 1.0)
    shares = D.TransformedDistribution(base, [D.StickBreakingTransform()])
    y = shares.sample()
    assert (shares.batch_shape, shares.event_shape) == ((), (4,))
    assert_close(shares.log_prob(y), D.LogisticNormal(base.loc, base.scale).log_prob(y))
    falling = D.TransformedDistribution(D.Normal(0.0, 1.0), [D.AffineTransform(0.0, -1.0), D.ExpTransform()])
    assert_close(falling.cdf(lineal.tensor(math.e)), D.Normal(0.0, 1.0).cdf(lineal.tensor(1.0)))
    assert_close(falling.icdf(falling.cdf(lineal.tensor(2.0))), lineal.tensor(2.0))


def test_triangles_are_vectors_row_by_row():
    from_matrix, to_matrix = D.utils.tril_matrix_to_vec, D.utils.vec_to_tril_matrix
    for diagonal in (-2, -1, 0, 1, 2):
        A = lineal.arange(1.0, 17.0).reshape(4, 4).tril(diagonal)
        assert lineal.equal(to_matrix(from_matrix(A, diagonal), diagonal), A)
    with pytest.raises(ValueError, match="last dimension is 4 which cannot be expressed"):
        to_matrix(lineal.ones(4))
