"""A few eigenvalues of a large operator that need not be Hermitian, by ARPACK."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack, overload

from lineal import ops
from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.core.custom import Function, once_differentiable
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.methods import norm, probe
from lineal.solvers.operators.base import LinearOperator, aslinearoperator, require_whole
from lineal.solvers.solving import pulled
from lineal.tensors import Tensor, from_numpy

__all__ = ["eigs"]

scipy_solvers: Any = later.module("scipy.sparse.linalg")

WHICH = ("LM", "SM", "LR", "SR", "LI", "SI")
SURE = 1e4
"""How many times the tolerance the residual of a pair may be at most."""


class Eigenvalues(Function):
    """λ of A v = λ v, uᴴ A = λ uᴴ, uᴴ v = 1;  of what A is made of, p: p̄ = Σ (∂(A vᵢ)/∂p)ᴴ uᵢ λ̄ᵢ, for simple eigenvalues."""

    @staticmethod
    def forward(ctx: Any, A: LinearOperator, search: dict[str, Any], values: Tensor, vectors: Tensor, *p: Tensor) -> Tensor:
        ctx.A, ctx.search = A, search
        ctx.save_for_backward(values, vectors, *p)
        return values.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        values, V, *p = ctx.saved_tensors
        A = ctx.A.with_parameters(*p)
        C = left_vectors(A, ctx.search, values, V) * cotangents[0]
        needs = ctx.needs_input_grad[4:]
        if A.dtype.is_complex:
            return None, None, None, None, *pulled(A, V, p, C, needs)
        # a real operator takes real and imaginary parts for themselves
        V, C = ops.cat([V.real, V.imag], 1), ops.cat([C.real, C.imag], 1)
        return None, None, None, None, *pulled(A, V, p, C, needs)


def left_vectors(A: LinearOperator, search: dict[str, Any], values: Tensor, V: Tensor) -> Tensor:
    """Return u of each eigenvalue, uᴴ v = 1: eigenvectors of Aᴴ, whose eigenvalues are the conjugate ones."""
    turned, U = pairs(A.adjoint(), **search)
    if not A.dtype.is_complex:
        # of a conjugate pair that k has cut in two, ARPACK may have taken the other one
        turned, U = ops.cat([turned, turned.conj()]), ops.cat([U, U.conj()], 1)
    distances = (turned.conj() - values.unsqueeze(1)).abs()
    places = distances.argmin(1)
    U = U[:, places]
    overlaps = (U.conj() * V).sum(0)
    scale = float(values.abs().max()) or 1.0
    if not float(distances.amin(1).max()) <= finfo(V.dtype).eps ** 0.5 * scale or not bool((overlaps != 0).all()):
        raise LinAlgError("eigs: the left eigenvectors were not found: are some eigenvalues equal?")
    return U / overlaps.conj()


def pairs(A: LinearOperator, k: int, which: str, ncv: int | None, maxiter: int | None, tol: float) -> tuple[Tensor, Tensor]:
    """Return ARPACK's pairs, in the order of their numbers."""
    product = lambda x: A.product(from_numpy(x.reshape(-1))).detach().numpy()
    begin = probe(A.shape[0], A.dtype).numpy()
    operator = scipy_solvers.LinearOperator(A.shape, product, dtype=begin.dtype)
    try:
        values, vectors = scipy_solvers.eigs(operator, k, which=which, v0=begin, ncv=ncv, maxiter=maxiter, tol=tol)
    except scipy_solvers.ArpackError as error:
        raise LinAlgError(f"eigs: ARPACK says: {error}") from None
    order = sorted(range(k), key=lambda place: (values[place].real, values[place].imag))
    return from_numpy(values[order]), from_numpy(vectors[:, order])


class Options(TypedDict, total=False):
    """What ARPACK can be told."""

    ncv: int | None
    maxiter: int | None
    tol: float


@overload
def eigs(
    A: Any, k: int = 6, which: str = "LM", *, return_eigenvectors: Literal[True] = True, **options: Unpack[Options]
) -> tuple[Tensor, Tensor]: ...
@overload
def eigs(
    A: Any, k: int = 6, which: str = "LM", *, return_eigenvectors: Literal[False], **options: Unpack[Options]
) -> Tensor: ...
def eigs(
    A: Any,
    k: int = 6,
    which: str = "LM",
    *,
    ncv: int | None = None,
    maxiter: int | None = None,
    tol: float = 0,
    return_eigenvectors: bool = True,
) -> Any:
    """Return k eigenvalues (complex, ordered by real and imaginary part) of A (n × n), and their eigenvectors (n × k).

    ARPACK's restarted Arnoldi method (Lehoucq, Sorensen and Yang 1998), through SciPy; k ≤ n − 2. `which` is "LM", "SM" (by
    magnitude), "LR", "SR", "LI" or "SI" (real or imaginary part). The eigenvalues have first derivatives, with respect to what
    A is made of, by the left eigenvectors, which one more search finds; the eigenvectors are constants. LinAlgError if ARPACK
    does not converge or a pair is none.
    """
    operator = require_whole("eigs", aslinearoperator(A))
    n = operator.shape[0]
    if operator.shape[1] != n or not 0 < k <= n - 2:
        raise RuntimeError(f"eigs: expected a square matrix and 0 < k <= {n - 2}, got {operator!r} and k = {k}")
    if which not in WHICH:
        raise ValueError(f"eigs: expected which to be one of {', '.join(WHICH)}, got {which!r}")
    search = {"k": k, "which": which, "ncv": ncv, "maxiter": maxiter, "tol": tol}
    with modes.no_grad():
        values, vectors = pairs(operator, **search)
        require_pairs(operator, values, vectors, max(tol, finfo(operator.dtype).eps))
    values = Eigenvalues.apply(operator, search, values, vectors, *operator.parameters())
    return (values, vectors) if return_eigenvectors else values


def require_pairs(A: LinearOperator, values: Tensor, V: Tensor, tolerance: float) -> None:
    """Refuse what is no pair."""
    image = A.product(V) if A.dtype.is_complex else ops.complex(A.product(V.real), A.product(V.imag))
    left = float(vector_norm(image - V * values, dim=0).max())
    v = probe(A.shape[0], A.dtype)
    size = max(float(values.abs().max()), norm(A.product(v)) / norm(v))
    if not left <= SURE * tolerance * size:
        raise LinAlgError(f"eigs: ‖A v − λ v‖ is {left:.3g} for a pair that was found: is A linear?")
