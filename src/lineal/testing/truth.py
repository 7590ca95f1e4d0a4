"""What results of linear algebra should be: mpmath's answers with a hundred digits, and how far others are from them."""

from __future__ import annotations

from typing import Any

import lazy_loader
import numpy as np

__all__ = ["Truth"]

mpmath = lazy_loader.load("mpmath")

DIGITS = 120
GENEROUS = 20.0
"""The constant c in the bound c n ε κ of a stable algorithm's relative error."""

HOPELESS = 0.5
"""A relative error from which on no digit is right."""


class Truth:
    """A matrix of float64 or float32 with its inverse, determinant and condition to a hundred digits; None where it is singular."""

    def __init__(self, A: np.ndarray):
        self.A = A
        self.n = len(A)
        with mpmath.workdps(DIGITS):
            self.inverse, self.det = eliminated(A)
            self.condition = np.inf
            if self.inverse is not None:
                self.condition = float(row_sum(exact(A)) * row_sum(self.inverse))

    def solution(self, B: np.ndarray) -> list | None:
        """Return A⁻¹ B."""
        if self.inverse is None:
            return None
        with mpmath.workdps(DIGITS):
            return product(self.inverse, exact(B))

    def bound(self, eps: float) -> float:
        """Return the relative error that a stable algorithm may have, at most that of no digit right."""
        return min(HOPELESS, GENEROUS * self.n * eps * self.condition)


def exact(A: np.ndarray) -> list:
    """Return the elements as mpmath's numbers, in rows."""
    return [[mpmath.mpf(float(each)) for each in row] for row in A]


def product(A: list, B: list) -> list:
    """Return the product of matrices in rows."""
    columns = list(zip(*B))
    return [[mpmath.fsum(a * b for a, b in zip(row, column)) for column in columns] for row in A]


def row_sum(A: list) -> Any:
    """Return the ∞-norm."""
    return max(mpmath.fsum(abs(each) for each in row) for row in A)


def eliminated(A: np.ndarray) -> tuple[list | None, Any]:
    """Return the inverse (None of a singular matrix) and the determinant by Gauss and Jordan's elimination."""
    n = len(A)
    rows = [row + [mpmath.mpf(int(i == j)) for j in range(n)] for i, row in enumerate(exact(A))]
    det = mpmath.mpf(1)
    for i in range(n):
        best = max(range(i, n), key=lambda j: abs(rows[j][i]))
        if rows[best][i] == 0 or (det != 0 and abs(rows[best][i]) < mpmath.mpf(10) ** (20 - DIGITS) * max(map(abs, rows[best]))):
            return None, mpmath.mpf(0)
        if best != i:
            rows[i], rows[best] = rows[best], rows[i]
            det = -det
        det *= rows[i][i]
        pivot = rows[i][i]
        rows[i] = [each / pivot for each in rows[i]]
        for j in range(n):
            if j != i and rows[j][i] != 0:
                factor = rows[j][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i])]
    return [row[n:] for row in rows], det


def least_squares(A: np.ndarray, B: np.ndarray) -> tuple[list | None, float]:
    """Return the solution of the normal equations, which a hundred digits can afford, and AᵀA's condition."""
    with mpmath.workdps(DIGITS):
        T, rows = [list(each) for each in zip(*exact(A))], exact(A)
        gram = product(T, rows)
        n = len(gram)
        inverse = mpmath.inverse(mpmath.matrix(gram)).tolist()
        norm = row_sum(gram) * row_sum(inverse)
        return product(inverse, product(T, exact(B))), float(norm) if n else 1.0


def error(got: np.ndarray, wanted: list | None) -> float:
    """Return the relative error in the largest element, infinite where there is no truth or no number."""
    got = np.atleast_2d(got)
    if wanted is None or not np.isfinite(got).all():
        return np.inf
    with mpmath.workdps(DIGITS):
        off = max(abs(mpmath.mpf(float(g)) - w) for row, true in zip(got, wanted) for g, w in zip(row, true))
        size = max(abs(w) for true in wanted for w in true)
        return float(off / size) if size else float(off != 0)
