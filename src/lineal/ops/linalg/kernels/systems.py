"""Systems of equations, inverses and the LU factors behind them, and what their derivatives compute."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.batched.arrays import dense, kernel, laid, matmul
from lineal.codegen.choice import ACROSS, PROGRAMS, STEPS, WITHIN, planned
from lineal.codegen.dense import arrays as large
from lineal.codegen.rowwise import arrays as rowwise
from lineal.ops.linalg.kernels.norms import frobenius
from lineal.ops.linalg.kernels.triangular import apart, side_by_side
from lineal.ops.linalg.matrices import adjoint


def solve(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return A⁻¹ B for stacks of matrices; LinAlgError if one is singular."""
    chosen = planned("solve", A, B)
    if chosen == WITHIN:
        return solve_within(A, B, B.shape[-1])
    if chosen != ACROSS:
        return solve_large(A, B) if chosen == PROGRAMS else spoiled(np.linalg.solve(A, B), A)
    (left, left_transposed), (right, right_transposed) = laid(A), laid(B)
    X, info = np.empty(right.shape, A.dtype), np.empty(len(right), np.int32)
    kernel("solve", A.dtype, *B.shape[-2:], (left_transposed, right_transposed))(left, right, X, info)
    refuse_singular(info)
    return X.mT.reshape(B.shape) if right_transposed else X.reshape(B.shape)


def spoiled(X: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Return what LAPACK found for A; for a matrix that has NaN all is NaN, which some LAPACKs keep to its own column."""
    doubted = np.isnan(X).any((-2, -1))
    if doubted.any():
        X[doubted & np.isnan(A).any((-2, -1))] = np.nan
    return X


def solve_within(A: np.ndarray, B: np.ndarray, kept: int) -> np.ndarray:
    found = rowwise.solve(A, B, kept)
    refuse_singular(found.info)
    return found.X


def solve_large(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    LU, pivots, info = large.lu_factor(A)
    refuse_singular(info)
    return large.lu_solve(LU, pivots, B)


def solve_probed(A: np.ndarray, B: np.ndarray, V: np.ndarray, limits: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return A⁻¹ B for stacks A and B, and a note for each: 0, or 1 where it is suspicious, or 2 where numbers grew.

    `limits`, as the kernel has them, are those of the solution and of |A| and |W| with A W = V for one matrix V of probes.
    LinAlgError if a matrix is singular.
    """
    chosen = planned("solve_probed", A, B)
    if chosen != ACROSS:
        return (solve_probed_within if chosen == WITHIN else solve_probed_apart)(A, B, V, limits)
    (left, left_transposed), (right, right_transposed) = laid(A), laid(B)
    X, (info, notes) = np.empty(right.shape, A.dtype), np.empty((2, len(right)), np.int32)
    parameters = *B.shape[-2:], V.shape[-1], limits, (left_transposed, right_transposed)
    kernel("solve_probed", A.dtype, *parameters)(left, right, np.require(V, requirements=["C", "A"]), X, info, notes)
    refuse_singular(info)
    return (X.mT if right_transposed else X).reshape(B.shape), notes.reshape(A.shape[:-2])


def solve_probed_within(A: np.ndarray, B: np.ndarray, V: np.ndarray, limits: Any) -> tuple[np.ndarray, np.ndarray]:
    """Do what `solve_probed` does matrix by matrix."""
    found = rowwise.solve(A, beside(B, V), B.shape[-1], bool(limits.growth))
    refuse_singular(found.info)
    if A.ndim == 2:
        return found.X, np.array(note_of(found.findings.tolist(), limits), np.int32)
    norms, sizes = found.norms, found.sizes
    sound = unsuspected(norms, sizes, limits) & (found.least >= limits.tiny) & (found.greatest < np.inf)
    notes = np.where(sound, 0, 1).astype(np.int32)
    if limits.growth:
        notes[norms * sizes * limits.growth < found.error] = 2
    return found.X, notes


def note_of(findings: list[float], limits: Any) -> int:
    """Return the note of one matrix; in Python, which is faster than NumPy for so few numbers."""
    _, _, norm, size, least, greatest, error = findings
    norm, size = math.sqrt(norm), math.sqrt(size)
    if limits.growth and norm * size * limits.growth < error:
        return 2
    sound = norm * size <= limits.product and size <= limits.size and norm < math.inf
    return 0 if sound and least >= limits.tiny and greatest < math.inf else 1


def beside(B: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Return right-hand sides with the probes V beside each."""
    k = B.shape[-1]
    both = np.empty((*B.shape[:-1], k + V.shape[-1]), B.dtype)
    both[..., :k], both[..., k:] = B, V
    return both


def solve_probed_apart(A: np.ndarray, B: np.ndarray, V: np.ndarray, limits: Any) -> tuple[np.ndarray, np.ndarray]:
    """Do what `solve_probed` does by NumPy."""
    k = B.shape[-1]
    X = spoiled(np.linalg.solve(A, beside(B, V)), A)
    X, W = np.ascontiguousarray(X[..., :k]), X[..., k:]
    norms, sizes = frobenius(A), frobenius(W)
    tops = np.abs(X).max(-2, initial=0)
    sound = unsuspected(norms, sizes, limits) & ((tops >= limits.tiny) & (tops < np.inf)).all(-1)
    notes = np.where(sound, 0, 1).astype(np.int32)
    if limits.growth:
        notes[norms * sizes * limits.growth < np.abs(matmul(A, W) - V).max((-1, -2), initial=0)] = 2
    return X, notes


def unsuspected(norms: np.ndarray, sizes: np.ndarray, limits: Any) -> np.ndarray:
    """Return whether |A| and |W| with A W = V, V the probes, say that A is well conditioned."""
    return (norms * sizes <= limits.product) & (sizes <= limits.size) & (norms < np.inf)


def solve_pull(A: np.ndarray, G: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return H = A⁻ᴴ G and -H Xᴴ."""
    if planned("solve_pull", A, G, X) != ACROSS:
        H = solve(adjoint(A), G)
        D = matmul(H, adjoint(X))
        return H, np.negative(D, out=D)
    (left, *first), (right, *second), (solution, *third) = laid(A), laid(G), laid(X)
    H, D, info = np.empty(right.shape, A.dtype), np.empty(left.shape, A.dtype), np.empty(len(left), np.int32)
    kernel("solve_pull", A.dtype, *G.shape[-2:], (*first, *second, *third))(left, right, solution, H, D, info)
    refuse_singular(info)
    return (H.mT if second[0] else H).reshape(G.shape), (D.mT if first[0] else D).reshape(A.shape)


def inv(A: np.ndarray) -> np.ndarray:
    """Return A⁻¹; LinAlgError if a matrix is singular."""
    chosen = planned("inverse", A)
    if chosen == WITHIN:
        return solve_within(A, np.eye(A.shape[-1], dtype=A.dtype), A.shape[-1])
    if chosen != ACROSS:
        return inv_large(A) if chosen == PROGRAMS else spoiled(np.linalg.inv(A), A)
    given, transposed = laid(A)
    Y, info = np.empty(given.shape, A.dtype), np.empty(len(given), np.int32)
    kernel("inverse", A.dtype, A.shape[-1])(given, Y, info)
    refuse_singular(info)
    return (Y.mT if transposed else Y).reshape(A.shape)


def inv_large(A: np.ndarray) -> np.ndarray:
    LU, pivots, info = large.lu_factor(A)
    refuse_singular(info)
    return large.lu_inverse(LU, pivots)


def inverse_pull(Y: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return -Yᴴ G Yᴴ."""
    if planned("inverse_pull", Y, G) != ACROSS:
        left = adjoint(Y)
        P = matmul(matmul(left, G), left)
        return np.negative(P, out=P)
    (given, *first), (right, *second) = laid(Y), laid(G)
    P = np.empty(given.shape, Y.dtype)
    kernel("inverse_pull", Y.dtype, Y.shape[-1], (*first, *second))(given, right, P)
    return (P.mT if first[0] else P).reshape(Y.shape)


def refuse_singular(info: np.ndarray) -> None:
    if np.count_nonzero(info):
        raise np.linalg.LinAlgError("Singular matrix")


def lu_factor(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return LU, the exchanged rows counted from 1, and 0 or the place of the first zero pivot; None if LAPACK is to do it."""
    chosen = planned("factor", A)
    if chosen != ACROSS:
        return eliminate(A) if chosen == STEPS else large.lu_factor(A) if chosen == PROGRAMS else None
    *batch, n, _ = A.shape
    LU, pivots, info = np.empty(A.shape, A.dtype), np.empty((*batch, n), np.int32), np.empty(batch, np.int32)
    kernel("factor", A.dtype, n)(dense(A), LU.reshape(-1, n, n), pivots.reshape(-1, n), info.reshape(-1))
    return LU, pivots, info


def eliminate(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `lu_factor` does, each step of elimination for the whole batch."""
    n, M = A.shape[-1], side_by_side(A)
    pivots, info = np.empty((n, M.shape[-1]), np.int32), np.zeros(M.shape[-1], np.int32)
    for i in range(n):
        # as LAPACK compares complex numbers
        sizes = np.abs(np.real(M[i:, i])) + np.abs(np.imag(M[i:, i]))
        rows = i + sizes.argmax(0)
        pivots[i] = rows + 1
        moved = np.flatnonzero(rows != i)
        first = M[i][:, moved]
        M[i][:, moved] = M[rows[moved], :, moved].T
        M[rows[moved], :, moved] = first.T
        zero = M[i, i] == 0
        info[zero & (info == 0)] = i + 1
        M[i + 1 :, i] /= np.where(zero, 1, M[i, i])
        M[i + 1 :, i + 1 :] -= M[i + 1 :, i, None] * M[i, i + 1 :]
    return apart(M, A.shape), np.ascontiguousarray(pivots.T).reshape(A.shape[:-1]), info.reshape(A.shape[:-2])


def lu_solve(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool) -> np.ndarray | None:
    """Return X with A X = B, or Aᴴ X = B if `adjoint`, from A's factors; None if LAPACK is to do it."""
    return large.lu_solve(LU, pivots, B, adjoint) if planned("solve_factored", LU) == PROGRAMS else None


def lu_inverse(LU: np.ndarray, pivots: np.ndarray) -> np.ndarray | None:
    """Return A⁻¹ from A's factors; None if LAPACK is to do it."""
    return large.lu_inverse(LU, pivots) if planned("inverse_factored", LU) == PROGRAMS else None
