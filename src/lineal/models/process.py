"""Regression by Gaussian processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lineal import linalg
from lineal.models.gaussian import log_density, solved
from lineal.models.kernels import Kernel
from lineal.nn import Module, Parameter
from lineal.ops import eye
from lineal.tensors import Tensor, tensor

Covariance = Callable[[Tensor, Tensor], Tensor]


class Posterior(NamedTuple):
    """The mean (…, p) and the covariance (…, p, p) of the function's values at p points, given the observations."""

    mean: Tensor
    covariance: Tensor


def factor(x: Tensor, kernel: Covariance, noise: Any) -> Tensor:
    """Return L with L Lᵀ = K + σ² I, the covariance of observations at x."""
    return linalg.cholesky(kernel(x, x) + noise * eye(x.shape[-2], dtype=x.dtype))


def gp_log_marginal_likelihood(x: Tensor, y: Tensor, kernel: Covariance, noise: Any) -> Tensor:
    """Return log p(y | x) of observations y (…, m) at points x (…, m, n), for a function of mean 0 with this covariance.

    `kernel(x, x)` gives the (…, m, m) covariances, `noise` the variance σ² of the observations' errors, (m,) if they differ.
    With K + σ² I = L Lᵀ:  -½ |L⁻¹ y|² - Σᵢ log Lᵢᵢ - ½ m log 2π.   Rasmussen and Williams (2006), eq. 2.30, algorithm 2.1.
    """
    L = factor(x, kernel, noise)
    return log_density(solved(L, y), L)


def gp_posterior(x: Tensor, y: Tensor, at: Tensor, kernel: Covariance, noise: Any) -> Posterior:
    """Return mean and covariance of the function at the points `at` (…, p, n), given observations y (…, m) at x (…, m, n).

    With V = L⁻¹ K(x, at):  mean = Vᵀ L⁻¹ y,  covariance = K(at, at) - Vᵀ V.   Rasmussen and Williams (2006), algorithm 2.1.
    """
    L = factor(x, kernel, noise)
    V = linalg.solve_triangular(L, kernel(x, at), upper=False)
    mean = (V.mT @ solved(L, y)[..., None])[..., 0]
    return Posterior(mean, kernel(at, at) - V.mT @ V)


class GaussianProcess(Module):
    """A function of mean 0 with a covariance that is learned, observed with errors of variance `noise`, which is learned too.

    `model(x, y)` is the log marginal likelihood, which training makes large; `model.predict(x, y, at)` the posterior.
    """

    def __init__(self, kernel: Kernel, noise: float = 0.1):
        super().__init__()
        self.kernel = kernel
        self.log_noise = Parameter(tensor(noise, dtype=kernel.log_variance.dtype).log())

    @property
    def noise(self) -> Tensor:
        """The variance of the observations' errors."""
        return self.log_noise.exp()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return gp_log_marginal_likelihood(x, y, self.kernel, self.noise)

    def predict(self, x: Tensor, y: Tensor, at: Tensor) -> Posterior:
        """Return mean and covariance of the function at the points `at`, given observations y at x."""
        return gp_posterior(x, y, at, self.kernel, self.noise)
