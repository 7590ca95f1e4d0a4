"""The Kalman filter: against the textbook's recursion, the joint normal density, and differences."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import lineal as torch
from lineal import models
from lineal.autograd import gradcheck

T, N, P = 5, 2, 1


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def positive(n, seed):
    A = drawn(n, n, seed=seed)
    return A @ A.T + 0.5 * torch.eye(n).double()


def system(p=P):
    F = torch.tensor([[1.0, 0.5], [-0.2, 0.9]]).double()
    return F, drawn(p, N, seed=1), positive(N, 2), positive(p, 3), drawn(N, seed=4), positive(N, 5)


def close(a, b, tolerance=1e-10):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else np.asarray(each) for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def by_the_book(y, F, H, Q, R, m, P):
    """The recursion with the gain K = P Hᵀ S⁻¹ and Joseph's form of the covariance."""
    means, covariances, total = [], [], 0.0
    for place, each in enumerate(y):
        if place:
            m, P = F @ m, F @ P @ F.T + Q
        S = H @ P @ H.T + R
        total += scipy.stats.multivariate_normal(H @ m, S).logpdf(each)
        K = P @ H.T @ np.linalg.inv(S)
        m, rest = m + K @ (each - H @ m), np.eye(len(m)) - K @ H
        P = rest @ P @ rest.T + K @ R @ K.T
        means.append(m)
        covariances.append(P)
    return np.stack(means), np.stack(covariances), total


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_filter_is_the_books(p):
    y, parts = drawn(T, p), system(p)
    for found, expected in zip(models.kalman_filter(y, *parts), by_the_book(y.numpy(), *(each.numpy() for each in parts))):
        close(found, expected)


def test_the_likelihood_is_that_of_all_observations_at_once():
    y, (F, H, Q, R, m, P0) = drawn(T, 1), system()
    F, H, Q, R, m, P0 = (each.numpy() for each in (F, H, Q, R, m, P0))
    # The states are A (first state, noises), A block triangular of powers of F.
    A = np.block([[np.linalg.matrix_power(F, i - j) if i >= j else np.zeros((N, N)) for j in range(T)] for i in range(T)])
    covariance = A @ scipy.linalg.block_diag(P0, *[Q] * (T - 1)) @ A.T
    HH = np.kron(np.eye(T), H)
    joint = scipy.stats.multivariate_normal(HH @ A[:, :N] @ m, HH @ covariance @ HH.T + R * np.eye(T))
    parts = (torch.from_numpy(each) for each in (F, H, Q, R, m, P0))
    close(models.kalman_filter(y, *parts).log_likelihood, joint.logpdf(y.numpy()[:, 0]))


def test_the_last_mean_of_constant_states_is_the_weighted_average():
    y, one = drawn(T, 1), torch.ones(1, 1).double()
    found = models.kalman_filter(y, one, one, 0 * one, 0.5 * one, torch.zeros(1).double(), 2 * one)
    close(found.covariances[-1, 0, 0], 1 / (1 / 2 + T / 0.5))
    close(found.means[-1], y.sum(0) / 0.5 / (1 / 2 + T / 0.5))


def test_many_series_at_once():
    y, parts = drawn(3, T, P), system()
    together = models.kalman_filter(y, *parts)
    assert [tuple(each.shape) for each in together] == [(3, T, N), (3, T, N, N), (3,)]
    for place in range(3):
        for found, one in zip(together, models.kalman_filter(y[place], *parts)):
            close(found[place], one)


def test_many_systems_at_once():
    y, (F, *parts) = drawn(T, P), system()
    systems = torch.stack([F, 0.5 * F])
    together = models.kalman_filter(y, systems, *parts)
    for place in range(2):
        for found, one in zip(together, models.kalman_filter(y, systems[place], *parts)):
            close(found[place], one)


@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_derivatives_of_the_filter(batch):
    inputs = tuple(each.requires_grad_() for each in (drawn(*batch, 3, P), *system()))

    def f(y, F, H, Q, R, m, P0):
        Q, R, P0 = ((each + each.mT) / 2 for each in (Q, R, P0))
        return tuple(models.kalman_filter(y, F, H, Q, R, m, P0))

    assert gradcheck(f, inputs)


def test_the_filter_refuses():
    with pytest.raises(RuntimeError, match=r"kalman_filter: expected y of shape \(…, T > 0, 1\), got \[5, 2\]"):
        models.kalman_filter(drawn(T, 2), *system())
