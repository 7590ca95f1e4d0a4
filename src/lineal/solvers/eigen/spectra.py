"""A few eigenvalues of a large Hermitian operator."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypedDict, Unpack, overload

from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.eigen.lanczos import thick_restart
from lineal.solvers.eigen.pairs import hermitian_pairs
from lineal.solvers.methods import norm, probe
from lineal.solvers.operators.base import LinearOperator, aslinearoperator, require_whole
from lineal.tensors import Tensor

__all__ = ["eigsh"]

SURE = 1e4
"""How many times the tolerance rounding may make of a residual at most."""
WHICH = ("LM", "SM", "LA", "SA")


class Options(TypedDict, total=False):
    """What the iteration can be told."""

    v0: Tensor | None
    ncv: int | None
    maxiter: int | None
    tol: float


@overload
def eigsh(
    A: Any, k: int = 6, which: str = "LM", *, return_eigenvectors: Literal[True] = True, **options: Unpack[Options]
) -> tuple[Tensor, Tensor]: ...
@overload
def eigsh(
    A: Any, k: int = 6, which: str = "LM", *, return_eigenvectors: Literal[False], **options: Unpack[Options]
) -> Tensor: ...
def eigsh(
    A: Any,
    k: int = 6,
    which: str = "LM",
    *,
    v0: Tensor | None = None,
    ncv: int | None = None,
    maxiter: int | None = None,
    tol: float = 0,
    return_eigenvectors: bool = True,
) -> Any:
    """Return k eigenvalues, ascending, of a Hermitian A (n × n), and their eigenvectors (n × k), by restarted Lanczos.

    `which` is "LM", "SM" (largest, smallest magnitude), "LA" or "SA" (largest, smallest). `ncv` vectors are kept at a time.
    Pairs have ‖A v − λ v‖ ≤ tol · ‖A‖, for tol = 0 some machine epsilons; LinAlgError if `maxiter` restarts do not reach that.

    Both are differentiable, to any order, with respect to what A is made of; those of eigenvectors take one solve each, by
    MINRES. Equal eigenvalues have derivatives only in functions that treat them alike, and their eigenvectors have none.
    """
    operator = require_whole("eigsh", aslinearoperator(A))
    n = operator.shape[0]
    if operator.shape[1] != n or not 0 < k <= n:
        raise RuntimeError(f"eigsh: expected a square matrix and 0 < k <= {n}, got {operator!r} and k = {k}")
    if which not in WHICH:
        raise ValueError(f"eigsh: expected which to be one of {', '.join(WHICH)}, got {which!r}")
    count = min(n, max(2 * k + 1, 20) if ncv is None else ncv)
    if count < min(n, k + 2):
        raise ValueError(f"eigsh: expected ncv of at least k + 2 = {k + 2}, got {ncv}")
    tolerance = max(tol, 8 * finfo(operator.dtype).eps)
    values, vectors = hermitian_pairs(operator, Search(k, which, count, tolerance, maxiter or 10 * n).run, v0)
    return (values, vectors) if return_eigenvectors else values


class Search(NamedTuple):
    """What Lanczos is to find: how many pairs of which kind, with so many vectors, to which accuracy, in how many restarts."""

    k: int
    which: str
    ncv: int
    tolerance: float
    maxiter: int

    def run(self, A: LinearOperator, v0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the pairs of A, ascending."""
        v = probe(A.shape[0], A.dtype) if v0 is None else v0
        values, vectors, error, turns = thick_restart(A, self.k, self.which, v, self.ncv, self.tolerance, self.maxiter)
        if not error <= self.tolerance:
            raise LinAlgError(
                f"eigsh: ‖A v − λ v‖ is {error:.3g} ‖A‖ after {turns + 1} restarts, asked for {self.tolerance:.3g}: allow "
                "more, a larger ncv, or which='LM' of the inverse"
            )
        require_hermitian("eigsh", A, values, vectors, self.tolerance)
        ascending = values.argsort()
        return values[ascending], vectors[:, ascending]


def require_hermitian(name: str, A: LinearOperator, values: Tensor, vectors: Tensor, tolerance: float) -> None:
    """Refuse pairs that are none: methods for Hermitian operators see no more of A than its Hermitian part."""
    v = probe(A.shape[0], A.dtype)
    left = vector_norm(A.product(vectors) - vectors * values, dim=0).max()
    size = max(float(values.abs().max()), norm(A.product(v)) / norm(v))
    if not left <= SURE * tolerance * size:
        raise LinAlgError(f"{name}: ‖A v − λ v‖ is {float(left):.3g} for a pair that was found: is A Hermitian?")
