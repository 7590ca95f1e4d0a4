"""LOBPCG: extreme eigenpairs of a Hermitian operator, with a preconditioner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lineal import ops
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.ops.linalg.eigh import eigh
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.eigen.pairs import hermitian_pairs
from lineal.solvers.eigen.spectra import require_hermitian
from lineal.solvers.krylov.blocked import orthonormal
from lineal.solvers.operators.base import LinearOperator, aslinearoperator, require_whole
from lineal.tensors import Tensor

__all__ = ["lobpcg"]


class Block(NamedTuple):
    """Eigenvalues, the best first, their vectors, A times these, and the norms ‖A x − λ x‖."""

    values: Tensor
    X: Tensor
    AX: Tensor
    residuals: Tensor


class Search(NamedTuple):
    """What is to be found: the pairs at which end, by which preconditioner, to which accuracy, in how many steps."""

    largest: bool
    M: LinearOperator | None
    tolerance: float
    maxiter: int

    def ritz(self, A: LinearOperator, S: Tensor, count: int) -> Block:
        """Return the best vectors in the span of S, which is orthonormal."""
        AS = A.product(S)
        values, C = eigh(S.mH @ AS)
        best = (values.flip(0), C.flip(1)) if self.largest else (values, C)
        values, C = best[0][:count], best[1][:, :count]
        X, AX = S @ C, AS @ C
        return Block(values, X, AX, vector_norm(AX - X * values, dim=0))

    def steps(self, A: LinearOperator, X: Tensor) -> Iterator[Block]:
        """Yield the block after each step: the best of the last one, its preconditioned residuals and the last directions."""
        count = X.shape[1]
        block = self.ritz(A, orthonormal(X), count)
        P = X[:, :0]
        while True:
            yield block
            X, R = block.X, block.AX - block.X * block.values
            W = R if self.M is None else self.M.product(R)
            # what is orthogonal to X, so that rounding takes no digits from the small directions
            more = ops.cat([W, P], 1)
            for _ in range(2):
                more = more - X @ (X.mH @ more)
            block = self.ritz(A, orthonormal(ops.cat([X, orthonormal(more)], 1)), count)
            P = block.X - X @ (X.mH @ block.X)

    def run(self, A: LinearOperator, X: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pairs of A, ascending."""
        scale = 0.0
        for turn, block in enumerate(self.steps(A, X)):
            scale = max(scale, float(block.values.abs().max()), float(vector_norm(block.AX, dim=0).max()))
            error = float(block.residuals.max()) / (scale or 1.0)
            if error <= self.tolerance or turn == self.maxiter:
                break
        if not error <= self.tolerance:
            raise LinAlgError(
                f"lobpcg: ‖A x − λ x‖ is {error:.3g} ‖A‖ after {turn} steps, asked for {self.tolerance:.3g}: allow more, "
                "or use a better preconditioner M"
            )
        require_hermitian("lobpcg", A, block.values, block.X, self.tolerance)
        ascending = block.values.argsort()
        return block.values[ascending], block.X[:, ascending]


def lobpcg(
    A: Any, X: Tensor, *, M: Any = None, tol: float | None = None, maxiter: int = 200, largest: bool = True
) -> tuple[Tensor, Tensor]:
    """Return k eigenvalues, ascending, at one end of the spectrum of a Hermitian A (n × n), and their eigenvectors (n × k).

    X (n × k) is where to begin, n ≥ 3 k; M ≈ A⁻¹ is a preconditioner, best positive definite. Pairs have ‖A x − λ x‖ ≤ tol ‖A‖,
    ‖A‖ as the iteration sees it; by default tol is √ε. LinAlgError if `maxiter` steps do not reach that. Knyazev, SIAM J. Sci.
    Comput. 23 (2001), with a basis made orthonormal, after Hetmaniuk and Lehoucq (2006). Derivatives are those of `eigsh`, and
    are as accurate as the pairs.
    """
    operator = require_whole("lobpcg", aslinearoperator(A))
    n = operator.shape[0]
    if operator.shape[1] != n or X.ndim != 2 or X.shape[0] != n or not 0 < 3 * X.shape[1] <= n:
        raise RuntimeError(f"lobpcg: expected a square matrix and X (n × k), 3 k <= n, got {operator!r} and {list(X.shape)}")
    tolerance = finfo(operator.dtype).eps ** 0.5 if tol is None else tol
    search = Search(largest, None if M is None else aslinearoperator(M), tolerance, maxiter)
    return hermitian_pairs(operator, search.run, X)
