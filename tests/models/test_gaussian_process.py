"""Normal densities and Gaussian processes: against SciPy, closed forms and differences."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import lineal as torch
from lineal import models
from lineal.autograd import gradcheck, gradgradcheck

NU = [0.5, 1.5, 2.5]


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def positive(*batch, n=3, seed=0):
    A = drawn(*batch, n, n, seed=seed)
    return A @ A.mT + torch.eye(n).double()


def close(a, b, tolerance=1e-10):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else np.asarray(each) for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("batch", [(), (5,), (2, 5)], ids=str)
def test_log_prob_is_scipys(batch):
    x, mean, covariance = drawn(*batch, 3), drawn(3, seed=1), positive()
    expected = scipy.stats.multivariate_normal(mean.numpy(), covariance.numpy()).logpdf(x.numpy())
    close(models.gaussian_log_prob(x, mean, covariance), expected)


def test_log_prob_with_a_covariance_for_each():
    x, mean, covariance = drawn(2, 5, 3), drawn(5, 3, seed=1), positive(2, 1)
    found = models.gaussian_log_prob(x, mean, covariance)
    for i in range(2):
        close(found[i], models.gaussian_log_prob(x[i], mean, covariance[i, 0]))


def test_log_prob_refuses():
    with pytest.raises(torch.linalg.LinAlgError):
        models.gaussian_log_prob(torch.zeros(2), 0.0, -torch.eye(2))
    with pytest.raises(RuntimeError, match=r"expected x - mean of shape \(…, 3\), got \[4\]"):
        models.gaussian_log_prob(torch.zeros(4), 0.0, torch.eye(3))


@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_derivatives_of_log_prob(batch):
    x, mean, covariance = drawn(2, 3).requires_grad_(), drawn(3).requires_grad_(), positive(*batch).requires_grad_()
    f = lambda x, mean, S: models.gaussian_log_prob(x, mean, (S + S.mT) / 2)
    assert gradcheck(f, (x, mean, covariance))
    assert gradgradcheck(f, (x, mean, covariance))


@pytest.mark.parametrize("nu", NU)
def test_matern_is_the_bessel_function_of_the_book(nu):
    x, y = drawn(4, 2), drawn(5, 2, seed=1)
    d = np.linalg.norm(x.numpy()[:, None] - y.numpy(), axis=-1)
    t = np.sqrt(2 * nu) * d / 0.7
    expected = 1.3 * 2 ** (1 - nu) / scipy.special.gamma(nu) * t**nu * scipy.special.kv(nu, t)
    close(models.matern(x, y, 0.7, 1.3, nu), expected)


def test_rbf_weighs_the_features_by_their_lengthscales():
    x, y, scale = drawn(2, 4, 3), drawn(2, 5, 3, seed=1), torch.tensor([0.5, 1.0, 2.0]).double()
    d = ((x.numpy()[:, :, None] - y.numpy()[:, None]) / scale.numpy()) ** 2
    close(models.rbf(x, y, scale, 0.3), 0.3 * np.exp(-d.sum(-1) / 2))


@pytest.mark.parametrize("kernel", [models.rbf, *(lambda x, y, s, v, nu=nu: models.matern(x, y, s, v, nu) for nu in NU)])
def test_derivatives_of_kernels_also_where_points_coincide(kernel):
    x, scale, variance = drawn(3, 2), drawn(2, seed=1).exp(), torch.tensor(1.3).double()
    inputs = tuple(each.requires_grad_() for each in (x, scale, variance))
    assert gradcheck(lambda x, s, v: kernel(x, x, s, v), inputs)
    assert gradgradcheck(lambda x, s, v: kernel(x, x, s, v), inputs)


def test_the_curvature_of_a_kernel_at_its_top():
    # d²k/dd² at d = 0 is -1/ℓ² for the squared exponential, -ν/(ν-1)/ℓ² for Matérn's: -3 and -5/3.
    y = torch.zeros(1, 1).double()
    for kernel, expected in ((models.rbf, -1), (lambda a, b: models.matern(a, b, nu=1.5), -3), (models.matern, -5 / 3)):
        curvature = torch.autograd.functional.hessian(lambda x, kernel=kernel: kernel(x, y).sum(), y)
        close(curvature.reshape(()), expected)


def test_matern_refuses():
    with pytest.raises(ValueError, match=r"expected nu to be 0\.5, 1\.5 or 2\.5, got 2"):
        models.matern(drawn(2, 1), drawn(2, 1), nu=2)
    with pytest.raises(RuntimeError, match="squared_distances: expected points"):
        models.rbf(drawn(2, 1), drawn(2, 3))


def process(noise=0.2):
    return models.GaussianProcess(models.Matern([0.8, 1.2], 1.5, dtype=torch.float64), noise)


def test_the_marginal_likelihood_is_a_normal_density():
    x, y, gp = drawn(6, 2), drawn(6, seed=1), process()
    K = models.matern(x, x, torch.tensor([0.8, 1.2], dtype=torch.float64), 1.5).numpy() + 0.2 * np.eye(6)
    close(gp(x, y), scipy.stats.multivariate_normal(np.zeros(6), K).logpdf(y.numpy()))
    close(models.gp_log_marginal_likelihood(x, y, gp.kernel, torch.full((6,), 0.2, dtype=torch.float64)), gp(x, y))


def test_the_posterior_is_the_conditional_normal():
    x, y, at, gp = drawn(6, 2), drawn(6, seed=1), drawn(4, 2, seed=2), process()
    K, Ks, Kss = (gp.kernel(a, b).detach().numpy() for a, b in ((x, x), (x, at), (at, at)))
    gain = np.linalg.solve(K + 0.2 * np.eye(6), Ks).T
    mean, covariance = gp.predict(x, y, at)
    close(mean, gain @ y.numpy())
    close(covariance, Kss - gain @ Ks)


def test_without_noise_the_posterior_passes_through_the_observations():
    x, y = drawn(6, 2), drawn(6, seed=1)
    mean, covariance = models.gp_posterior(x, y, x, models.matern, 1e-12)
    close(mean, y, 1e-8)
    close(covariance, np.zeros((6, 6)), 1e-8)


def test_processes_in_batches():
    x, y, at, gp = drawn(2, 5, 2), drawn(2, 5, seed=1), drawn(3, 2), process()
    together = gp.predict(x, y, at)
    for place in range(2):
        for all_of_them, one in zip(together, gp.predict(x[place], y[place], at)):
            close(all_of_them[place], one)
        close(gp(x, y)[place], gp(x[place], y[place]))


@pytest.mark.parametrize("kernel", [models.rbf, models.matern])
def test_derivatives_of_processes(kernel):
    x, y, at = (each.requires_grad_() for each in (drawn(4, 2), drawn(4, seed=1), drawn(2, 2, seed=2)))
    scale, noise = (torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in (0.9, 0.3))

    def likelihood(x, y, scale, noise):
        return models.gp_log_marginal_likelihood(x, y, lambda a, b: kernel(a, b, scale), noise)

    assert gradcheck(likelihood, (x, y, scale, noise))
    assert gradgradcheck(likelihood, (x, y, scale, noise))
    assert gradcheck(
        lambda x, y, at, s: tuple(models.gp_posterior(x, y, at, lambda a, b: kernel(a, b, s), 0.3)), (x, y, at, scale)
    )


def test_learning_makes_the_likelihood_large():
    x = torch.linspace(0, 6, 25).double()[:, None]
    y = torch.sin(2 * x[:, 0]) + 0.1 * drawn(25)
    gp = models.GaussianProcess(models.RBF(2.0, dtype=torch.float64), noise=0.3)
    optimizer = torch.optim.Adam(gp.parameters(), lr=0.1)
    before = gp(x, y).item()
    for _ in range(60):
        optimizer.zero_grad()
        (-gp(x, y)).backward()
        optimizer.step()
    assert gp(x, y).item() > before + 20
    assert 0.4 < gp.kernel.lengthscale.item() < 1.6
    assert 0.002 < gp.noise.item() < 0.05
    assert set(gp.state_dict()) == {"log_noise", "kernel.log_lengthscale", "kernel.log_variance"}
    assert "RBF(lengthscale=" in repr(gp)


def test_a_compiled_likelihood_is_the_same():
    x, y, gp = drawn(6, 2), drawn(6, seed=1), process()
    compiled = torch.compile(lambda x, y: gp(x, y))
    for _ in range(2):
        close(compiled(x, y), gp(x, y))
