"""The Schur decomposition."""

# ruff: noqa: N801 - the classes of results carry the names they print

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.results import Result
from lineal.base.signatures import Tensor
from lineal.core import Op, apply
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.linalg.matrices import require_finite, require_square
from lineal.ops.linalg.spectra import CLOSE, check_gauge
from lineal.ops.premise import rely

__all__ = ["schur"]

scipy: Any = later.module("scipy")


class linalg_schur(Result):
    """The triangular factor and the unitary one."""

    T: Tensor
    Z: Tensor


class Schur(Op):
    """A = Z T Zᴴ with Z unitary and T upper triangular;  Ā = Z (triu T̄ + Y) Zᴴ with the strictly lower Y that solves

    low(Y Tᴴ - Tᴴ Y) = low(K - Kᴴ),  K = ZᴴZ̄ - T̄ Tᴴ + Tᴴ T̄ (T̄ its upper triangle). From dZ = Z (X - Xᴴ), X strictly lower,
    and low(X T - T X) = low(Zᴴ dA Z).   Golub and Van Loan (2013), Matrix Computations, section 7.1; the adjoint follows from
    that.

    The real form has blocks of two rows for pairs of complex eigenvalues; there its derivative is not provided.
    """

    output: str
    grad_name = "LinalgSchurBackward0"
    keeps = "y"
    width = 2
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        factors = lambda each: scipy.linalg.schur(np.array(each, order="F"), self.output, overwrite_a=True, check_finite=False)
        if A.ndim == 2 and A.size:
            return factors(A)
        T, Z = np.zeros(A.shape, A.dtype), np.zeros(A.shape, A.dtype)
        for place in np.ndindex(A.shape[:-2]) if A.size else ():
            T[place], Z[place] = factors(A[place])
        return T, Z

    def vjp(self, needs, g, y, A):
        (T, Z), (by_T, by_Z) = y, g
        if T.value.diagonal(-1, -2, -1).any():
            raise RuntimeError(
                "linalg.schur: the derivative of the real form is not defined at complex eigenvalues; use output='complex'"
            )
        if T.value.shape[-1] > 1:
            rely(lambda: T.diagonal(-1, -2, -1) == 0)
        upper = None if by_T is None else by_T.triu()
        K: Any = 0 if by_T is None else T.mH @ upper - upper @ T.mH
        if by_Z is not None:
            K = K + Z.mH @ by_Z
        K = K - K.mH
        if T.value.dtype.kind == "c":
            check_gauge("linalg.schur", "Schur vectors", K.diagonal(0, -2, -1).imag, K.value)
        inner = apply(_lower(True), T, K.tril(-1))
        return (Z @ (inner if upper is None else inner + upper) @ Z.mH,)


class LowerCommutator(Op):
    """The strictly lower X with low(X T - T X) = G, or if `adjoint` low(X Tᴴ - Tᴴ X) = G, for upper triangular T.

    Ḡ = W, the solution of the other equation for X̄;  T̄ = triu(W Xᴴ - XᴴW), or if `adjoint` triu(X Wᴴ - WᴴX).
    Where diagonal elements of T are equal the equation is singular; those elements of X count as zero.
    """

    adjoint: bool
    keeps = ("0 y", "0")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, T, G):
        X = np.zeros(G.shape, G.dtype)
        for place in np.ndindex(G.shape[:-2]):
            solve = by_columns if self.adjoint else by_rows
            solve(T[place], G[place], X[place])
        return X

    def vjp(self, needs, g, y, T, G):
        W = apply(_lower(not self.adjoint), T, g.tril(-1))
        if not needs[0]:
            return None, W
        total = y @ W.mH - W.mH @ y if self.adjoint else W @ y.mH - y.mH @ W
        return total.triu(), W


_lower = functools.lru_cache(2)(LowerCommutator)


def by_columns(T: np.ndarray, G: np.ndarray, X: np.ndarray) -> None:
    """Fill X with low(X Tᴴ - Tᴴ X) = G: each column a triangular system, from the right to the left."""
    H, n = T.conj().T, len(T)
    for j in range(n - 2, -1, -1):
        right = G[j + 1 :, j] - X[j + 1 :, j + 1 :] @ H[j + 1 :, j]
        X[j + 1 :, j] = shifted_solve(-H[j + 1 :, j + 1 :], H[j, j], right, lower=True)


def by_rows(T: np.ndarray, G: np.ndarray, X: np.ndarray) -> None:
    """Fill X with low(X T - T X) = G: each column a triangular system, from the left to the right."""
    n = len(T)
    for j in range(n - 1):
        right = G[j + 1 :, j] - X[j + 1 :, :j] @ T[:j, j]
        X[j + 1 :, j] = shifted_solve(-T[j + 1 :, j + 1 :], T[j, j], right, lower=False)


def shifted_solve(M: np.ndarray, shift: Any, right: np.ndarray, lower: bool) -> np.ndarray:
    """Return the solution of (M + shift) x = right, zero where the diagonal vanishes."""
    M = M + shift * np.eye(len(M), dtype=M.dtype)
    diagonal = np.einsum("ii->i", M)
    lost = np.abs(diagonal) <= CLOSE * np.finfo(M.dtype).eps * max(np.abs(shift), np.abs(diagonal - shift).max())
    diagonal[lost] = np.inf
    return scipy.linalg.solve_triangular(M, right, lower=lower, check_finite=False)


def schur(A: Tensor, output: str = "real") -> linalg_schur:
    """Return T and Z with A = Z T Zᴴ, Z unitary and T upper triangular, for A of shape (…, n, n).

    `output` "real": T of a real A has blocks of two rows on its diagonal for pairs of complex eigenvalues; "complex": T and Z
    are complex and T is triangular. The order of the eigenvalues, the vectors' signs (or phases) are arbitrary. The
    derivative is defined where the eigenvalues are distinct and T is triangular.

    >>> import lineal as torch
    >>> torch.linalg.schur(torch.tensor([[1.0, 2.0], [0.0, 3.0]])).T
    tensor([[1., 2.],
            [0., 3.]])
    """
    name = "linalg.schur"
    require_square(name, A)
    if output not in ("real", "complex"):
        raise RuntimeError(f"{name}: expected output to be 'real' or 'complex', got {output!r}")
    require_finite(name, A)
    if output == "complex" and A.value.dtype.kind == "f":
        A = cast(A, dtypes.complex128 if dtype_of(A) is dtypes.float64 else dtypes.complex64)
    return linalg_schur(apply(_schur(output), A))


_schur = functools.lru_cache(2)(Schur)
