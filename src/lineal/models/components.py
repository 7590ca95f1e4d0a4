"""Principal components, approximations of low rank, whitening."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lineal import linalg
from lineal.ops import eye
from lineal.tensors import Tensor


class Principal(NamedTuple):
    """The principal directions as rows, the variances along them, the samples' mean, and the samples in these coordinates."""

    components: Tensor
    explained_variance: Tensor
    mean: Tensor
    scores: Tensor


class Whitened(NamedTuple):
    """The white samples, the matrix W and the mean that made them: (x - mean) Wᵀ."""

    samples: Tensor
    transform: Tensor
    mean: Tensor


def samples_of(name: str, x: Tensor) -> int:
    """Return how many samples (…, m, n) holds; refuse fewer than two, which have no variance."""
    if x.ndim < 2 or x.shape[-2] < 2:
        raise RuntimeError(f"{name}: expected x of shape (…, m, n), m > 1 samples of n features, got {list(x.shape)}")
    return x.shape[-2]


def require_rank(name: str, A: Tensor, k: int) -> None:
    """Refuse a rank that the matrix cannot have."""
    if A.ndim < 2 or not 0 <= k <= min(A.shape[-2:]):
        raise RuntimeError(f"{name}: expected 0 ≤ k ≤ min(m, n), got k={k} for shape {list(A.shape)}")


def pca(x: Tensor, k: int | None = None) -> Principal:
    """Return the k principal components of m samples of n features, k = min(m, n) unless given.

    x - mean = U S Vᵀ: the first k rows of Vᵀ are the components (…, k, n), S²/(m-1) the variances (…, k), and (x - mean) V
    the scores (…, m, k). Of the two signs of a component, that with its largest entry positive is taken.
    x ≈ scores @ components + mean.   Jolliffe (2002), Principal Component Analysis, section 3.5.

    >>> import lineal
    >>> x = lineal.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> lineal.models.pca(x, 1).components
    tensor([[0.6000, 0.8000]])
    """
    count = samples_of("pca", x)
    k = min(x.shape[-2:]) if k is None else k
    require_rank("pca", x, k)
    mean = x.mean(-2)
    centred = x - mean[..., None, :]
    _, S, Vh = linalg.svd(centred, full_matrices=False)
    components = upright(Vh[..., :k, :])
    return Principal(components, S[..., :k] ** 2 / (count - 1), mean, centred @ components.mH)


def upright(rows: Tensor) -> Tensor:
    """Return the rows, each with the sign (or phase) that makes its largest entry positive."""
    fixed = rows.detach()
    if 0 in rows.shape:
        return rows
    largest = fixed.take_along_dim(fixed.abs().argmax(-1, keepdim=True), -1)
    return rows * largest.sgn().conj()


def low_rank(A: Tensor, k: int) -> Tensor:
    """Return the matrix of rank k nearest to A (…, m, n): of the singular value decomposition, the k largest parts.

    U_k U_kᴴ A; the derivative exists where σ_k > σ_{k+1}, also if other singular values are equal.
    For a large matrix of small rank, `svd_lowrank` finds nearly the same at random, faster.
    Eckart and Young (1936), Psychometrika 1.
    """
    require_rank("low_rank", A, k)
    U = linalg.svd(A, full_matrices=False).U[..., :k]
    return U @ (U.mH @ A)


def whiten(x: Tensor, method: str = "pca") -> Whitened:
    """Return samples x (…, m, n) made uncorrelated with variance 1: (x - mean) Wᵀ, where Wᵀ W = Σ⁻¹, Σ the covariance of x.

    With Σ = V Λ Vᵀ = L Lᵀ (divisor m - 1), W is Λ^-½ Vᵀ for "pca", largest variance first; Σ^-½ for "zca", nearest to x;
    L⁻¹ for "cholesky", which makes each feature from those before it. They come from the singular value, polar and QR
    decomposition of x - mean: Σ, whose condition number is the square, is never formed. LinAlgError where it is singular.
    Kessy, Lewin and Strimmer (2018), The American Statistician 72, arXiv:1512.00809.
    """
    count = samples_of("whiten", x)
    mean = x.mean(-2)
    X = (x - mean[..., None, :]) / math.sqrt(count - 1)
    require_regular(X)
    one = eye(x.shape[-1], dtype=x.dtype)
    if method == "pca":
        _, S, Vh = linalg.svd(X, full_matrices=False)
        W = upright(Vh) / S[..., None]
    elif method == "zca":
        W = linalg.inv(linalg.polar(X).P)
    elif method == "cholesky":
        R = linalg.qr(X).R
        R = R * linalg.diagonal(R).detach().sgn()[..., None]
        W = linalg.solve_triangular(R.mT, one, upper=False)
    else:
        raise ValueError(f"whiten: expected method pca, zca or cholesky, got {method!r}")
    return Whitened((X @ W.mT) * math.sqrt(count - 1), W, mean)


def require_regular(X: Tensor) -> None:
    """Refuse centred samples that lie in a hyperplane, up to rounding."""
    m, n = X.shape[-2:]
    # Read as numbers, not as tensors, which would end a trace: compile and vmap check what they ran on first.
    S = linalg.svdvals(X.detach()).value
    if m <= n or (S[..., -1] <= m * np.finfo(S.dtype).eps * S[..., 0]).any():
        raise linalg.LinAlgError(f"whiten: expected a regular covariance, got a singular one of {m} samples of {n} features")
