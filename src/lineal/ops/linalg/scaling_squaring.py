"""The exponential of a whole stack of matrices at once, by Padé approximants, scaling and squaring."""

from __future__ import annotations

from functools import cache
from math import factorial
from typing import Any

import numpy as np

from lineal.ops.linalg import kernels

__all__: list[str] = []

BORDERS = {
    3: 1.495585217958292e-2,
    5: 2.539398330063230e-1,
    7: 9.504178996162932e-1,
    9: 2.097847961257068e0,
    13: 5.371920351148152e0,
}
"""Up to which |A|₁ each degree has a backward error of half an ε of float64.   Higham (2005), SIAM J. Matrix Anal. Appl. 26,
table 2.3."""

SQUARINGS = 3
"""More of them lose digits of matrices far from normal, for which SciPy looks at the norms of powers."""

MANY, SMALL = 16, 32
"""From how many matrices on, of up to how many rows, steps for the whole stack beat SciPy's matrix by matrix (measured)."""


def many(A: np.ndarray) -> bool:
    """Return whether A is a stack of many small matrices; of single numbers SciPy knows the exponential."""
    n = A.shape[-1]
    return 1 < n <= SMALL and A.size >= MANY * n * n


def exponentials(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return exp A of a stack in double precision, and of which matrices it is not known, their norms being too large."""
    batch, A = A.shape[:-2], A.reshape(-1, *A.shape[-2:])
    norms, Y, done = kernels.norm1(A), np.empty(A.shape, A.dtype), np.zeros(len(A), bool)
    for degree, border in BORDERS.items():
        now = ~done & (norms <= border)
        if now.any():
            Y[now] = approximant(A[now], degree)
            done |= now
    for times in range(1, SQUARINGS + 1):
        now = ~done & (norms <= border * 2**times)
        if now.any():
            Y[now] = squared(approximant(A[now] * 0.5**times, degree), times)
            done |= now
    return Y.reshape(*batch, *A.shape[-2:]), ~done.reshape(batch)


def approximant(A: np.ndarray, degree: int) -> np.ndarray:
    """Return exp A by its diagonal Padé approximant (v - u)⁻¹ (v + u), u and v the odd and the even part of a polynomial."""
    powers = even_powers(A, min(degree // 2, 4) if degree < 13 else 3)
    odd, even, *high = (combined(weights, powers) for weights in coefficients(degree))
    if high:
        odd += kernels.matmul(powers[-1], high[0])
        even += kernels.matmul(powers[-1], high[1])
    U = kernels.matmul(A, odd)
    return kernels.solve(even - U, even + U)


def even_powers(A: np.ndarray, count: int) -> np.ndarray:
    """Return 1, A², A⁴, …, one after the other."""
    powers = np.empty((count + 1, *A.shape), A.dtype)
    powers[0] = np.eye(A.shape[-1])
    powers[1] = kernels.matmul(A, A)
    for i in range(2, count + 1):
        powers[i] = kernels.matmul(powers[i // 2], powers[i - i // 2])
    return powers


def combined(weights: np.ndarray, powers: np.ndarray) -> Any:
    """Return the sum of the powers with these weights."""
    return (weights.astype(powers.dtype) @ powers.reshape(len(powers), -1)).reshape(powers.shape[1:])


@cache
def coefficients(degree: int) -> tuple[np.ndarray, ...]:
    """Return the weights of 1, A², … in u / A and in v; of degree 13 up to A⁶, and then those by which A⁶ is multiplied."""
    b = [factorial(2 * degree - j) / (factorial(degree - j) * factorial(j)) for j in range(degree + 1)]
    odd, even = np.array(b[1::2]) / b[0], np.array(b[::2]) / b[0]
    if degree < 13:
        return odd, even
    return odd[:4], even[:4], np.append(0, odd[4:]), np.append(0, even[4:])


def squared(Y: np.ndarray, times: int) -> np.ndarray:
    """Return Y squared so many times."""
    for _ in range(times):
        Y = kernels.matmul(Y, Y)
    return Y
