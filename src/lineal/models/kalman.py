"""The Kalman filter."""

from __future__ import annotations

from typing import Any, NamedTuple

from lineal import linalg
from lineal.models.gaussian import log_density
from lineal.ops import stack
from lineal.tensors import Tensor


class Filtered(NamedTuple):
    """Means (…, T, n) and covariances (…, T, n, n) of the states given the observations so far, and log p(y) (…)."""

    means: Tensor
    covariances: Tensor
    log_likelihood: Tensor


def kalman_filter(y: Tensor, F: Tensor, H: Tensor, Q: Tensor, R: Tensor, mean: Tensor, covariance: Tensor) -> Filtered:
    """Return what T observations y (…, T, p) tell of the states of a linear system, and how likely they are.

    x' = F x + noise of covariance Q (…, n, n),  y = H x + noise of covariance R (…, p, p), H (…, p, n). `mean` (…, n) and
    `covariance` (…, n, n) are those of the first state, before it is observed. All batches broadcast, so many series, or many
    systems, are filtered at once.   Kalman (1960), J. Basic Engineering 82; Särkkä (2013), theorem 4.2.
    """
    if y.ndim < 2 or y.shape[-2] == 0 or y.shape[-1] != H.shape[-2]:
        raise RuntimeError(f"kalman_filter: expected y of shape (…, T > 0, {H.shape[-2]}), got {list(y.shape)}")
    m, P = mean, covariance
    means: list[Tensor] = []
    covariances: list[Tensor] = []
    total: Any = 0.0
    for time in range(y.shape[-2]):
        if time:
            m, P = predicted(m, P, F, Q)
        m, P, log_p = updated(m, P, y[..., time, :], H, R)
        means.append(m)
        covariances.append(P)
        total = total + log_p
    n = m.shape[-1]
    means = [each.expand(*total.shape, n) for each in means]
    covariances = [each.expand(*total.shape, n, n) for each in covariances]
    return Filtered(stack(means, -2), stack(covariances, -3), total)


def predicted(m: Tensor, P: Tensor, F: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and covariance one step later: F m, F P Fᵀ + Q."""
    return (F @ m[..., None])[..., 0], F @ P @ F.mT + Q


def updated(m: Tensor, P: Tensor, y: Tensor, H: Tensor, R: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean and covariance after an observation y, and log p(y).

    With H P Hᵀ + R = L Lᵀ, W = L⁻¹ H P and z = L⁻¹ (y - H m):  m + Wᵀ z,  P - Wᵀ W.  The gain P Hᵀ (L Lᵀ)⁻¹ is never formed.
    """
    HP = H @ P
    L = linalg.cholesky(HP @ H.mT + R)
    W = linalg.solve_triangular(L, HP, upper=False)
    z = linalg.solve_triangular(L, y[..., None] - H @ m[..., None], upper=False)
    return m + (W.mT @ z)[..., 0], P - W.mT @ W, log_density(z[..., 0], L)
