"""What results of linear algebra should be: mpmath's answers with 200 digits, and how far others are from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later

__all__ = ["Truth"]

mpmath: Any = later.module("mpmath")

DIGITS = 200
GENEROUS = 20.0
"""The constant c in the bound c n ε κ of a stable algorithm's relative error."""

HOPELESS = 0.5
"""A relative error from which on no digit is right."""


class Truth:
    """A matrix of float64 or float32 with its inverse, determinant and condition to 200 digits; None where it is singular."""

    def __init__(self, A: np.ndarray):
        self.n = len(A)
        self.eps = float(np.finfo(A.dtype).eps)
        with mpmath.workdps(DIGITS):
            rows = exact(A)
            self.inverse, self.det = eliminated(rows)
            self.condition = np.inf if self.inverse is None else float(row_sum(rows) * row_sum(self.inverse))

    def solution(self, B: np.ndarray) -> list | None:
        """Return A⁻¹ B."""
        if self.inverse is None:
            return None
        with mpmath.workdps(DIGITS):
            return product(self.inverse, exact(B))

    def bound(self) -> float:
        """Return the relative error that a stable algorithm may have, at most that of no digit right."""
        return bound(self.n, self.eps, self.condition)

    def outcome(self, got: np.ndarray | None, wanted: list | None, told: bool) -> str:
        """Return what came of a call: "refused" with an error, "right", "told" of wrong digits, or "silent" about them."""
        if got is None:
            return "refused"
        return outcome(got, wanted, self.bound(), told)


def bound(n: int, eps: float, condition: float) -> float:
    """Return c n ε κ, at most the error of no digit right."""
    return min(HOPELESS, GENEROUS * n * eps * condition)


def outcome(got: np.ndarray, wanted: list | None, limit: float, told: bool) -> str:
    """Return "right", or of a wrong answer "told" or "silent"."""
    return "right" if error(got, wanted) <= limit else "told" if told else "silent"


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


def eliminated(A: list) -> tuple[list | None, Any]:
    """Return the inverse (None of a singular matrix) and the determinant by Gauss and Jordan's elimination."""
    n = len(A)
    least = mpmath.mpf(10) ** (50 - DIGITS) * max(abs(each) for row in A for each in row)
    rows = [[*row, *(mpmath.mpf(int(i == j)) for j in range(n))] for i, row in enumerate(A)]
    det = mpmath.mpf(1)
    for i in range(n):
        best = max(range(i, n), key=lambda j: abs(rows[j][i]))
        if abs(rows[best][i]) <= least:
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
    """Return the solution of the normal equations, which 200 digits can afford, and their condition; None of deficient rank."""
    with mpmath.workdps(DIGITS):
        rows = exact(A)
        transposed = [list(each) for each in zip(*rows)]
        gram = product(transposed, rows)
        inverse, _ = eliminated(gram)
        if inverse is None:
            return None, np.inf
        return product(inverse, product(transposed, exact(B))), float(row_sum(gram) * row_sum(inverse))


def error(got: np.ndarray, wanted: list | None) -> float:
    """Return the relative error in the largest element, infinite where there is no truth or no number."""
    got = np.atleast_2d(got)
    if wanted is None or not np.isfinite(got).all():
        return np.inf
    with mpmath.workdps(DIGITS):
        off = max(abs(mpmath.mpf(float(g)) - w) for row, true in zip(got, wanted) for g, w in zip(row, true))
        size = max(abs(w) for true in wanted for w in true)
        return float(off / size) if size else float(off != 0)
