"""The equations of Sylvester and Lyapunov, which the derivatives of many functions of a matrix lead to."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply
from lineal.ops.broadcasting import expand
from lineal.ops.linalg.matrices import adjoint, place_of, require_matrix, require_one_dtype, require_square

__all__ = ["solve_lyapunov", "solve_sylvester"]

scipy: Any = later.module("scipy")

SHARED = "the equation has no unique solution: A and -B have an eigenvalue in common, or nearly"


class Sylvester(Op):
    """A X + X B = C;  C̄ solves Aᴴ C̄ + C̄ Bᴴ = X̄,  Ā = -C̄ Xᴴ,  B̄ = -Xᴴ C̄.

    From A dX + dX B = dC - dA X - X dB, whose adjoint is the equation with Aᴴ and Bᴴ.   Solved through the Schur forms of A
    and B: Bartels and Stewart (1972), Commun. ACM 15, algorithm 432.
    """

    grad_name = "LinalgSolveSylvesterBackward0"
    keeps = ("0 1 y", "0 1 y", "0 1")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A, B, C):
        X = np.empty(C.shape, C.dtype)
        if not C.size:
            return X
        if is_hermitian(A) and is_hermitian(B):
            return divide(np.linalg.eigh(A), np.linalg.eigh(B), C)
        twins = A.shape == B.shape and np.array_equal(B, adjoint(A))
        for place in np.ndindex(C.shape[:-2]):
            try:
                X[place] = bartels_stewart(A[place], None if twins else B[place], C[place])
            except np.linalg.LinAlgError:
                flat = int(np.ravel_multi_index(place, C.shape[:-2])) if place else 0
                raise LinAlgError(f"linalg.solve_sylvester: {place_of(flat, C.shape[:-2])}{SHARED}") from None
        return X

    def vjp(self, needs, g, y, A, B, C):
        back = apply(Sylvester(), A.mH, B.mH, g)
        by_A = -(back @ y.mH) if needs[0] else None
        return by_A, -(y.mH @ back) if needs[1] else None, back


def is_hermitian(A: np.ndarray) -> bool:
    """Say whether every matrix is its conjugate transpose, to the last bit."""
    return bool(np.array_equal(A, adjoint(A)))


def divide(first: Any, second: Any, C: np.ndarray) -> np.ndarray:
    """Solve A X + X B = C for Hermitian A and B, given their eigenvalues and eigenvectors."""
    (a, V), (b, W) = first, second
    total = a[..., :, None] + b[..., None, :]
    largest = np.maximum(np.abs(a).max(-1), np.abs(b).max(-1))[..., None, None]
    lost = np.abs(total) <= np.finfo(total.dtype).eps * largest
    if lost.any():
        flat = int(np.argwhere(lost.any((-2, -1)).ravel())[0, 0])
        raise LinAlgError(f"linalg.solve_sylvester: {place_of(flat, total.shape[:-2])}{SHARED}")
    inner = np.matmul(adjoint(V), np.matmul(C, W))
    return np.matmul(V, np.matmul(inner / total, adjoint(W)))


def bartels_stewart(A: np.ndarray, B: np.ndarray | None, C: np.ndarray) -> np.ndarray:
    """Solve A X + X B = C for single matrices; B None stands for Aᴴ, whose Schur form is A's."""
    R, U = scipy.linalg.schur(A, output="real", check_finite=False)
    S, V = (R, U) if B is None else scipy.linalg.schur(B, output="real", check_finite=False)
    inner = U.conj().T @ C @ V
    trsyl = scipy.linalg.lapack.get_lapack_funcs("trsyl", (R, S, inner))
    transposed = "C" if B is None else "N"
    Y, scale, info = trsyl(R, S, inner, tranb=transposed)
    if info or not np.isfinite(Y).all():
        raise np.linalg.LinAlgError(SHARED)
    return U @ (Y / scale) @ V.conj().T


def solve_sylvester(A: Tensor, B: Tensor, C: Tensor) -> Tensor:
    """Return X with A X + X B = C, for A (…, m, m), B (…, n, n) and C (…, m, n).

    LinAlgError if A and -B have an eigenvalue in common.

    >>> import lineal as torch
    >>> torch.linalg.solve_sylvester(torch.tensor([[2.0]]), torch.tensor([[1.0]]), torch.tensor([[6.0]]))
    tensor([[2.]])
    """
    name = "linalg.solve_sylvester"
    require_square(name, A)
    require_square(name, B, "B")
    require_matrix(name, C, "C")
    require_one_dtype(name, A, C)
    require_one_dtype(name, B, C)
    m, n = A.value.shape[-1], B.value.shape[-1]
    if C.value.shape[-2:] != (m, n):
        raise RuntimeError(f"{name}: expected C of shape (…, {m}, {n}), got {list(C.value.shape)}")
    batch = broadcast_shapes(name, A.value.shape[:-2], B.value.shape[:-2], C.value.shape[:-2])
    return apply(Sylvester(), expand(A, (*batch, m, m)), expand(B, (*batch, n, n)), expand(C, (*batch, m, n)))


def solve_lyapunov(A: Tensor, C: Tensor) -> Tensor:
    """Return X with A X + X Aᴴ = C, for A and C of shape (…, n, n); Hermitian if C is.

    LinAlgError if two eigenvalues a and b of A have a = -conj(b).

    >>> import lineal as torch
    >>> torch.linalg.solve_lyapunov(torch.eye(2), 4 * torch.eye(2))
    tensor([[2., 0.],
            [0., 2.]])
    """
    require_square("linalg.solve_lyapunov", A)
    require_square("linalg.solve_lyapunov", C, "C")
    return solve_sylvester(A, A.mH, C)
