"""The method of Lanczos: orthonormal bases of Krylov spaces, and what a Hermitian operator is in them."""

from __future__ import annotations

from typing import NamedTuple

from lineal import ops
from lineal.base.limits import finfo
from lineal.ops.linalg.eigh import eigh
from lineal.solvers.methods import norm, probe
from lineal.solvers.operators.base import LinearOperator, require_whole
from lineal.tensors import Tensor

__all__ = ["Basis", "Ritz", "thick_restart"]


class Basis:
    """Orthonormal vectors, as rows, that grow by products with a Hermitian operator; T is the operator between them.

    All vectors are orthogonalised against all others, twice: rounding leaves no copies of eigenvectors.
    """

    def __init__(self, A: LinearOperator, v: Tensor, size: int):
        self.A, self.size, self.count = require_whole("Lanczos", A), size, 0
        self.rows = ops.zeros((size + 1, len(v)), dtype=v.dtype)
        self.T = ops.zeros((size, size), dtype=v.dtype)
        self.rows[0] = v / norm(v)
        self.beta = 0.0
        """The norm of what the last product had beside the basis."""

    def grow(self) -> bool:
        """Take one more vector; return whether the space is not yet invariant."""
        last = self.count
        rows = self.rows[: last + 1]
        w = self.A.product(rows[last])
        length = norm(w)
        h = rows.conj() @ w
        w = w - h @ rows
        again = rows.conj() @ w
        w, h = w - again @ rows, h + again
        self.T[: last + 1, last] = h
        self.T[last, : last + 1] = h.conj()
        self.count, self.beta = last + 1, norm(w)
        if self.beta <= len(w) ** 0.5 * finfo(w.dtype).eps * length:
            self.beta = 0.0
            return False
        self.rows[last + 1] = w / self.beta
        return True

    def begin_elsewhere(self) -> bool:
        """Go on with a vector that is orthogonal to an invariant space; return whether there is one."""
        rows = self.rows[: self.count]
        if self.count >= rows.shape[1]:
            return False
        w = probe(rows.shape[1], rows.dtype, self.count)
        for _ in range(2):
            w = w - (rows.conj() @ w) @ rows
        self.rows[self.count] = w / norm(w)
        return True

    def ritz(self) -> Ritz:
        """Return the eigenvalues of T, ascending, its eigenvectors, and how far each pair is from an eigenpair of A."""
        values, vectors = eigh(self.T[: self.count, : self.count])
        return Ritz(values, vectors, self.beta * vectors[-1].abs())

    def restart(self, ritz: Ritz, chosen: Tensor) -> None:
        """Keep the vectors of some pairs, and go on from there."""
        kept, last = len(chosen), self.rows[self.count].clone()
        self.rows[:kept] = ritz.vectors[:, chosen].T @ self.rows[: self.count]
        self.rows[kept] = last
        self.T.zero_()
        self.T[:kept, :kept] = ops.diag(ritz.values[chosen]).to(self.T.dtype)
        self.count = kept


class Ritz(NamedTuple):
    """Eigenvalues and eigenvectors between the vectors of a basis, and the norms ‖A v − λ v‖."""

    values: Tensor
    vectors: Tensor
    residuals: Tensor


def order(values: Tensor, which: str) -> Tensor:
    """Return the places of eigenvalues, the wanted first: by magnitude ("LM", "SM") or algebraically ("LA", "SA")."""
    key = values.abs() if which in ("LM", "SM") else values
    return key.argsort(descending=which in ("LM", "LA"))


def thick_restart(
    A: LinearOperator, k: int, which: str, v: Tensor, size: int, tol: float, maxiter: int
) -> tuple[Tensor, Tensor, float, int]:
    """Return k eigenvalues, eigenvectors as columns, the largest ‖A v − λ v‖ / ‖A‖ and how often the method began again.

    Wu and Simon, SIAM J. Matrix Anal. Appl. 22 (2000): a full basis of `size` vectors is cut down to those of the best pairs.
    """
    basis = Basis(A, v, size)
    for turn in range(maxiter):
        while basis.count < size:
            if not basis.grow() and not (basis.count < size and basis.begin_elsewhere()):
                break
        ritz = basis.ritz()
        best = order(ritz.values, which)
        scale = float(ritz.values.abs().max()) or 1.0
        error = float(ritz.residuals[best[:k]].max()) / scale
        if error <= tol or basis.beta == 0 or turn == maxiter - 1:
            break
        basis.restart(ritz, best[: k + (size - k) // 2])
    chosen = best[:k]
    vectors = basis.rows[: basis.count].T @ ritz.vectors[:, chosen]
    return ritz.values[chosen], vectors, error, turn
