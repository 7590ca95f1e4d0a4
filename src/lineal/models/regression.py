"""Straight lines and polynomials through points: ridge regression, total least squares, polynomial fitting."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import linalg
from lineal.ops import broadcast_shapes, cat, eye, full_like, zeros
from lineal.tensors import Tensor, as_tensor


def is_vector(A: Tensor, b: Tensor) -> bool:
    """Return whether b holds one right side (…, m) for each matrix, not a matrix (…, m, k) of them."""
    return b.ndim == 1 or b.shape == A.shape[:-1]


def columns(name: str, A: Tensor, b: Tensor) -> Tensor:
    """Return the right sides as a matrix (…, m, k)."""
    B = b[..., None] if is_vector(A, b) else b
    if A.ndim < 2 or B.shape[-2] != A.shape[-2]:
        raise RuntimeError(f"{name}: expected A (…, m, n) and b (…, m) or (…, m, k), got {list(A.shape)} and {list(b.shape)}")
    return B


def least_squares(name: str, A: Tensor, B: Tensor) -> Tensor:
    """Return the X that makes |A X - B| least by A = Q R: R X = Qᴴ B. LinAlgError unless A has full column rank."""
    Q, R = linalg.qr(A)
    # Read as numbers, not as tensors, which would end a trace: compile and vmap check what they ran on first.
    pivots = np.abs(np.diagonal(R.value, axis1=-2, axis2=-1))
    if (pivots.min(-1, initial=np.inf) <= A.shape[-2] * np.finfo(pivots.dtype).eps * pivots.max(-1, initial=0)).any():
        raise linalg.LinAlgError(f"{name}: expected independent columns, got dependent ones to rounding")
    return linalg.solve_triangular(R, Q.mH @ B, upper=True)


def ridge(A: Tensor, b: Tensor, lam: Any) -> Tensor:
    """Return the x that makes |A x - b|² + λ |x|² least, for A (…, m, n), b (…, m) or (…, m, k) and λ > 0 (`lam`).

    λ is a number or a tensor of the batch shape. By QR of [A; √λ 1], right side [b; 0]: AᴴA, whose condition number is the
    square, is never formed.   Golub and Van Loan (2013), Matrix Computations, section 6.1.4.
    """
    B, vector = columns("ridge", A, b), is_vector(A, b)
    n = A.shape[-1]
    lam = as_tensor(lam, dtype=A.real.dtype)
    if not (lam.value > 0).all():
        raise ValueError("ridge: expected lam > 0; for lam = 0 use linalg.lstsq")
    batch = broadcast_shapes(A.shape[:-2], lam.shape)
    below = lam.sqrt()[..., None, None] * eye(n, dtype=A.dtype)
    A = cat([A.expand(*batch, *A.shape[-2:]), below.expand(*batch, n, n)], -2)
    B = cat([B, zeros(*B.shape[:-2], n, B.shape[-1], dtype=B.dtype)], -2)
    X = least_squares("ridge", A, B)
    return X[..., 0] if vector else X


def total_least_squares(A: Tensor, b: Tensor) -> Tensor:
    """Return the x of (A + E) x = b + r with the least |[E r]|: A (…, m, n) has errors too, as large as those of b.

    b is (…, m) or (…, m, k), m ≥ n + k. With [A b] = U Σ Vᴴ and V₁₂, V₂₂ the blocks of V's last k columns: x = -V₁₂ V₂₂⁻¹.
    It is unique where σₙ > σₙ₊₁; LinAlgError where V₂₂ is singular: no x is best.
    Golub and Van Loan (1980), SIAM J. Numer. Anal. 17.
    """
    name = "total_least_squares"
    B = columns(name, A, b)
    (m, n), k = A.shape[-2:], B.shape[-1]
    if m < n + k:
        raise RuntimeError(f"{name}: expected at least n + k = {n + k} rows, got {m}")
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    both = cat([A.expand(*batch, m, n), B.expand(*batch, m, k)], -1)
    V = linalg.svd(both, full_matrices=False).Vh.mH
    X = -linalg.solve(V[..., n:, n:], V[..., :n, n:], left=False)
    return X[..., 0] if is_vector(A, b) else X


def polyfit(x: Tensor, y: Tensor, degree: int, weights: Any = None) -> Tensor:
    """Return the coefficients (…, degree + 1), highest power first, of the polynomial nearest to points x, y (…, m).

    Least squares; `weights` (…, m) multiply the errors before they are squared. By QR of the Vandermonde matrix, its columns
    scaled to length 1. More than `degree` of the x must differ. The same polynomial as NumPy's `polyfit`.

    >>> import lineal
    >>> x = lineal.tensor([0.0, 1.0, 2.0], dtype=lineal.float64)
    >>> lineal.models.polyfit(x, 3 * x**2 + 1, 2).round(decimals=6).abs()
    tensor([3., 0., 1.], dtype=torch.float64)
    """
    if degree < 0 or x.ndim == 0 or x.shape[-1] != y.shape[-1] or x.shape[-1] <= degree:
        raise RuntimeError(f"polyfit: expected x, y of shape (…, m > {degree}), got {list(x.shape)} and {list(y.shape)}")
    V, B = powers(x, degree), y[..., None]
    if weights is not None:
        V, B = V * weights[..., None], B * weights[..., None]
    scale = linalg.vector_norm(V.detach(), dim=-2, keepdim=True)
    scale = scale + (scale == 0)
    X = least_squares("polyfit", V / scale, B)
    return X[..., 0] / scale[..., 0, :]


def powers(x: Tensor, degree: int) -> Tensor:
    """Return the Vandermonde matrix (…, m, degree + 1), highest power first."""
    if degree == 0:
        return full_like(x, 1)[..., None]
    return linalg.vander(x, N=degree + 1).flip(-1)


def polyval(coefficients: Tensor, x: Tensor) -> Tensor:
    """Return the polynomials' values at x (…, m) or (), coefficients (…, degree + 1) highest power first, by Horner's rule."""
    if x.ndim == 0:
        return polyval(coefficients, x[None])[..., 0]
    total = coefficients[..., :1] + x * 0
    for place in range(1, coefficients.shape[-1]):
        total = total * x + coefficients[..., place : place + 1]
    return total
