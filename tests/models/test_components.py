"""Principal components, low rank and whitening: against NumPy, known facts of the digits, and differences."""

import numpy as np
import pytest

import lineal as torch
from lineal import models
from lineal.autograd import gradcheck
from lineal.data import digits

METHODS = ["pca", "zca", "cholesky"]


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def close(a, b, tolerance=1e-10):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else np.asarray(each) for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (3, 9, 4)], ids=str)
def test_components_are_eigenvectors_of_the_covariance(shape):
    x = drawn(*shape)
    found = models.pca(x, 3)
    for place in np.ndindex(*shape[:-2]):
        components, variance, mean, scores = (each[place].numpy() for each in found)
        values, vectors = np.linalg.eigh(np.cov(x[place].numpy().T))
        close(variance, values[::-1][:3])
        close(np.abs(components @ vectors[:, ::-1][:, :3]), np.eye(3), 1e-7)
        close(mean, x[place].numpy().mean(0))
        close(scores, (x[place].numpy() - mean) @ components.T)
        close(np.cov(scores.T), np.diag(variance))
        assert (components.max(1) == np.abs(components).max(1)).all()


def test_all_components_restore_the_samples():
    x = drawn(7, 4)
    found = models.pca(x)
    close(found.scores @ found.components + found.mean, x)
    close(found.explained_variance.sum(), x.var(0).sum())


def test_the_digits_have_the_known_variances():
    # scikit-learn's documentation prints these for PCA of load_digits, whose pixels run to 16 and not to 1.
    x = torch.cat([part.tensors[0] for part in digits()]).flatten(1).double() * 16
    found = models.pca(x, 10)
    ratio = found.explained_variance / x.var(0).sum()
    close(found.explained_variance[:2], [179.007, 163.718], 1e-4)
    close(ratio[:3], [0.14890594, 0.13618771, 0.11794594], 1e-6)
    assert ratio.sum().item() == pytest.approx(0.738, abs=1e-3)


@pytest.mark.parametrize("shape", [(6, 3), (2, 5, 3)], ids=str)
def test_derivatives_of_components(shape):
    x = drawn(*shape).requires_grad_()
    assert gradcheck(lambda x: tuple(models.pca(x, 2)), (x,))


def test_pca_refuses():
    with pytest.raises(RuntimeError, match=r"pca: expected x of shape"):
        models.pca(drawn(4))
    with pytest.raises(RuntimeError, match=r"pca: expected 0 ≤ k ≤ min\(m, n\), got k=5"):
        models.pca(drawn(8, 4), 5)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 5, 3)], ids=str)
def test_low_rank_is_the_nearest(shape):
    A = drawn(*shape)
    for k in range(min(shape[-2:]) + 1):
        near = models.low_rank(A, k)
        S = torch.linalg.svdvals(A)
        close(torch.linalg.matrix_norm(A - near), (S[..., k:] ** 2).sum(-1).sqrt())
        assert (torch.linalg.matrix_rank(near) == k).all()


def test_low_rank_has_a_derivative_where_kept_singular_values_are_equal():
    Q = torch.linalg.qr(drawn(5, 5)).Q
    A = (Q[:, :3] * torch.tensor([2.0, 2.0, 1.0]).double()) @ torch.linalg.qr(drawn(3, 3, seed=1)).Q
    assert gradcheck(lambda A: models.low_rank(A, 2), (A.requires_grad_(),))


def test_svd_lowrank_is_nearly_the_nearest():
    A = drawn(60, 5) @ drawn(5, 40, seed=1) + 1e-6 * drawn(60, 40, seed=2)
    torch.manual_seed(0)
    U, S, V = torch.svd_lowrank(A, 5)
    close((U * S) @ V.T, models.low_rank(A, 5), 1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(9, 4), (3, 9, 4)], ids=str)
def test_white_samples_have_covariance_one(method, shape):
    x = drawn(*shape) @ drawn(4, 4, seed=1)
    white = models.whiten(x, method)
    close((x - white.mean[..., None, :]) @ white.transform.mT, white.samples)
    close(white.samples.mT @ white.samples / 8, torch.eye(4).double().expand(*shape[:-2], 4, 4))


def test_each_way_of_whitening_has_its_mark():
    x = drawn(20, 4) @ drawn(4, 4, seed=1)
    Sigma = np.cov(x.numpy().T)
    values, V = np.linalg.eigh(Sigma)
    close(models.whiten(x, "zca").transform, V / np.sqrt(values) @ V.T)
    close(models.whiten(x, "cholesky").transform, np.linalg.inv(np.linalg.cholesky(Sigma)))
    close(np.abs(models.whiten(x, "pca").transform.numpy()), np.abs((V / np.sqrt(values)).T[::-1]))


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_of_whitening(method):
    x = (drawn(6, 3) @ drawn(3, 3, seed=1)).requires_grad_()
    assert gradcheck(lambda x: tuple(models.whiten(x, method)), (x,))


@pytest.mark.parametrize("method", ["zca", "cholesky"])
def test_white_samples_can_be_whitened_again_with_derivatives(method):
    x = models.whiten(drawn(6, 3)).samples
    assert gradcheck(lambda x: models.whiten(x, method).samples, (x.requires_grad_(),))


@pytest.mark.parametrize("method", METHODS)
def test_whitening_refuses_a_singular_covariance(method):
    x = drawn(6, 2)
    with pytest.raises(torch.linalg.LinAlgError, match="expected a regular covariance"):
        models.whiten(torch.cat([x, x[:, :1] + x[:, 1:]], 1), method)
    with pytest.raises(torch.linalg.LinAlgError, match="3 samples of 4 features"):
        models.whiten(drawn(3, 4), method)
    with pytest.raises(ValueError, match="expected method pca, zca or cholesky, got 'ica'"):
        models.whiten(x, "ica")
