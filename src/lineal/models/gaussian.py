"""The normal distribution of several variables."""

from __future__ import annotations

import math
from typing import Any

from lineal import linalg
from lineal.tensors import Tensor


def gaussian_log_prob(x: Tensor, mean: Any, covariance: Tensor) -> Tensor:
    """Return the logarithm of the normal density at x (…, n), for a covariance (…, n, n); the batches broadcast.

    With Σ = L Lᵀ:  log p = -½ |L⁻¹ (x - μ)|² - Σᵢ log Lᵢᵢ - ½ n log 2π.   Rasmussen and Williams (2006), eq. A.6 and A.4.
    Only the lower triangle of the covariance is read. LinAlgError if it is not positive definite.

    >>> import lineal
    >>> lineal.models.gaussian_log_prob(lineal.zeros(2), 0.0, lineal.eye(2))
    tensor(-1.8379)
    """
    L = linalg.cholesky(covariance)
    n = L.shape[-1]
    d = x - mean
    if d.ndim == 0 or d.shape[-1] != n:
        raise RuntimeError(f"gaussian_log_prob: expected x - mean of shape (…, {n}), got {list(d.shape)}")
    return log_density(solved(L, d), L)


def solved(L: Tensor, d: Tensor) -> Tensor:
    """Return L⁻¹ d for vectors d (…, n): in one piece where they share their factor."""
    if L.ndim == 2:
        flat = linalg.solve_triangular(L, d.reshape(-1, L.shape[-1]).mT, upper=False)
        return flat.mT.reshape(d.shape)
    return linalg.solve_triangular(L, d[..., None], upper=False)[..., 0]


def log_density(z: Tensor, L: Tensor) -> Tensor:
    """Return log p from z = L⁻¹ (x - μ) and the factor L of the covariance."""
    logdet = linalg.diagonal(L).log().sum(-1)
    return -(z * z).sum(-1) / 2 - logdet - z.shape[-1] * math.log(2 * math.pi) / 2
