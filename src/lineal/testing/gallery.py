"""Matrices that are hard for linear algebra, by name: where elimination and its kin lose their digits."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import numpy as np

__all__ = ["gallery"]


def gallery(seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Yield some 320 square float64 matrices of 2 to 24 rows with their names; the random ones depend on `seed` alone."""
    generator = np.random.default_rng(seed)
    yield from named()
    yield from conditioned(generator)
    yield from scaled(generator)
    yield from spectral(generator)
    yield from deficient(generator)


def named() -> Iterator[tuple[str, np.ndarray]]:
    """Yield the matrices of the literature."""
    for n in range(2, 16):
        yield f"hilbert({n})", hilbert(n)
    for n in range(3, 15):
        yield f"vandermonde({n})", np.vander(np.linspace(0, 1, n), increasing=True)
    for n in (4, 8, 12, 16):
        yield f"vandermonde of Chebyshev's points({n})", np.vander(np.cos(np.pi * (np.arange(n) + 0.5) / n))
    for n in (6, 12, 18, 24):
        for angle in (0.4, 0.8, 1.2):
            yield f"kahan({n}, {angle})", kahan(n, angle)
    for n in (5, 10, 15, 20, 24):
        yield f"wilkinson's growth({n})", np.tril(-np.ones((n, n)), -1) + np.diag(np.r_[np.ones(n - 1), 0]) + last(n)
        yield f"grcar({n})", sum(np.eye(n, k=k) for k in range(4)) - np.eye(n, k=-1)
    for n in (4, 8, 10, 12, 14, 16, 18, 20):
        yield f"frank({n})", frank(n)
        yield f"frank({n}), turned", frank(n)[::-1, ::-1].T.copy()
    for n in (7, 11, 21):
        yield f"wilkinson's tridiagonal({n})", np.diag(np.abs(np.arange(n) - n // 2.0)) + np.eye(n, k=1) + np.eye(n, k=-1)
    for n in (4, 8, 12, 14):
        i, j = np.indices((n, n)) + 1.0
        yield f"pascal({n})", np.array([[float(comb(a + b, a)) for a in range(n)] for b in range(n)])
        yield f"lehmer({n})", np.minimum(i, j) / np.maximum(i, j)
        yield f"moler({n})", np.where(i == j, i, np.minimum(i, j) - 2)
        yield f"lotkin({n})", np.where(i == 1, 1.0, 1 / (i + j - 1))
        yield f"prolate({n})", prolate(n, 0.1)
        yield f"forsythe({n})", np.eye(n, k=1) + np.eye(n, k=1 - n) * 1e-14 + 0.0
        yield f"cauchy({n})", 1 / (i + j)
        yield f"minij({n})", np.minimum(i, j)
        yield f"triangle of ones({n})", np.triu(-np.ones((n, n)), 1) + np.eye(n)


def last(n: int) -> np.ndarray:
    """Return a matrix of nothing but ones in the last column."""
    M = np.zeros((n, n))
    M[:-1, -1] = 1
    M[-1, -1] = 1
    return M


def hilbert(n: int) -> np.ndarray:
    """Return 1 / (i + j - 1)."""
    i, j = np.indices((n, n)) + 1.0
    return 1 / (i + j - 1)


def frank(n: int) -> np.ndarray:
    """Return Frank's upper Hessenberg matrix, whose determinant is 1 and whose small eigenvalues are ill-conditioned."""
    i, j = np.indices((n, n)) + 1.0
    return np.where(i <= j + 1, n + 1 - np.maximum(i, j), 0.0)


def kahan(n: int, angle: float) -> np.ndarray:
    """Return Kahan's triangular matrix, whose smallest singular value pivoting does not show."""
    s, c = np.sin(angle), np.cos(angle)
    return s ** np.arange(n)[:, None] * (np.eye(n) - c * np.triu(np.ones((n, n)), 1))


def prolate(n: int, width: float) -> np.ndarray:
    """Return a symmetric Toeplitz matrix with eigenvalues crowded at 0 and 1."""
    k = np.arange(1, n)
    first = np.r_[2 * width, np.sin(2 * np.pi * width * k) / (np.pi * k)]
    return first[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]


def orthogonal(generator: np.random.Generator, n: int) -> np.ndarray:
    """Return a random orthogonal matrix."""
    return np.linalg.qr(generator.normal(size=(n, n)))[0]


def conditioned(generator: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield random matrices of condition 10⁰ to 10²⁰, singular values spread in three ways, and positive definite ones."""
    n = 10
    for digits in range(21):
        smallest = 10.0**-digits
        spreads = {
            "geometric": np.geomspace(1, smallest, n),
            "one small": np.r_[np.ones(n - 1), smallest],
            "one large": np.r_[1, np.full(n - 1, smallest)],
        }
        for kind, S in spreads.items():
            yield f"condition 1e{digits}, {kind}", (orthogonal(generator, n) * S) @ orthogonal(generator, n)
        Q = orthogonal(generator, n)
        M = (Q * spreads["geometric"]) @ Q.T
        yield f"positive definite 1e{digits}", (M + M.T) / 2


def scaled(generator: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield graded, huge, tiny and subnormal matrices."""
    n = 8
    for digits in (1, 2, 3, 4, 6):
        D = 10.0 ** (-digits * np.arange(n))
        yield f"graded rows 1e-{digits}", D[:, None] * generator.normal(size=(n, n))
        yield f"graded columns 1e-{digits}", generator.normal(size=(n, n)) * D
        yield f"graded both ways 1e-{digits}", D[:, None] * (generator.normal(size=(n, n)) + 4 * np.eye(n)) * D
    for exponent in (-320, -316, -312, -309, -307, -305, -300, -290, -200, -150, 150, 200, 290, 300, 305, 307):
        A = generator.normal(size=(n, n)) + 2 * np.eye(n)
        yield f"scale 1e{exponent}", A * 10.0 ** (exponent / 2) * 10.0 ** (exponent / 2)
        mixed = np.where(np.arange(n) % 2, 10.0 ** (exponent / 2), 1.0)
        yield f"rows of scale 1e{exponent // 2}", A * mixed[:, None]


def spectral(generator: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield symmetric matrices with nearly repeated eigenvalues, and nearly defective ones."""
    n = 9
    for digits in range(2, 16):
        Q = orthogonal(generator, n)
        values = np.r_[1, 1 + 10.0**-digits, 1 - 10.0**-digits, np.arange(2, n - 1)]
        M = (Q * values) @ Q.T
        yield f"eigenvalues 1e-{digits} apart", (M + M.T) / 2
        yield f"defective but for 1e-{digits}", np.eye(n) + np.eye(n, k=1) + 10.0**-digits * generator.normal(size=(n, n))


def deficient(generator: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield singular matrices: exactly, up to rounding, and by a little more."""
    n = 8
    yield "1 to 9", np.arange(1.0, 10).reshape(3, 3)
    yield "1 to 16", np.arange(1.0, 17).reshape(4, 4)
    yield "magic(4)", np.array([[16.0, 2, 3, 13], [5, 11, 10, 8], [9, 7, 6, 12], [4, 14, 15, 1]])
    yield "zeros", np.zeros((4, 4))
    yield "ones", np.ones((5, 5))
    for rank in range(1, n):
        yield f"product of rank {rank}", generator.normal(size=(n, rank)) @ generator.normal(size=(rank, n))
    for exponent in (-200, -100, 100, 200):
        A = generator.normal(size=(n, 3)) @ generator.normal(size=(3, n))
        yield f"rank 3 of scale 1e{exponent}", A * 10.0**exponent
        A[:, -1] = A[0] = 0
        yield f"empty row and column of scale 1e{exponent}", A * 10.0**exponent
    for digits in range(1, 20, 2):
        A = generator.normal(size=(n, n))
        A[:, -1] = A[:, 0] + 10.0**-digits * generator.normal(size=n)
        yield f"columns 1e-{digits} apart", A
