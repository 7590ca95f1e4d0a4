"""A few eigenvalues of a large Hermitian operator."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Unpack, overload

from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.core.custom import Function, once_differentiable
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.eigen.lanczos import thick_restart
from lineal.solvers.methods import norm, probe
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.solving import pulled
from lineal.tensors import Tensor

__all__ = ["eigsh"]

SURE = 1e4
"""How many times the tolerance rounding may make of a residual at most."""
WHICH = ("LM", "SM", "LA", "SA")


class Eigenvalues(Function):
    """λ of A v = λ v;  of what A is made of, p: p̄ = Σ λ̄ᵢ (∂(A vᵢ)/∂p)ᴴ vᵢ, for functions that treat equal ones alike."""

    @staticmethod
    def forward(ctx: Any, A: LinearOperator, values: Tensor, vectors: Tensor, *p: Tensor) -> Tensor:
        ctx.A = A
        ctx.save_for_backward(vectors, *p)
        return values.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        vectors, *p = ctx.saved_tensors
        A = ctx.A.with_parameters(*p)
        return None, None, None, *pulled(A, vectors, p, vectors * cotangents[0], ctx.needs_input_grad[3:])


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
    The eigenvalues have first derivatives, to what A is made of; the eigenvectors are constants.
    """
    operator = aslinearoperator(A)
    n = operator.shape[0]
    if operator.shape[1] != n or not 0 < k <= n:
        raise RuntimeError(f"eigsh: expected a square matrix and 0 < k <= {n}, got {operator!r} and k = {k}")
    if which not in WHICH:
        raise ValueError(f"eigsh: expected which to be one of {', '.join(WHICH)}, got {which!r}")
    count = min(n, max(2 * k + 1, 20) if ncv is None else ncv)
    if count < min(n, k + 2):
        raise ValueError(f"eigsh: expected ncv of at least k + 2 = {k + 2}, got {ncv}")
    with modes.no_grad():
        v = probe(n, operator.dtype) if v0 is None else v0
        tolerance = max(tol, 8 * finfo(operator.dtype).eps)
        values, vectors, error, turns = thick_restart(operator, k, which, v, count, tolerance, maxiter or 10 * n)
        if not error <= tolerance:
            raise LinAlgError(
                f"eigsh: ‖A v − λ v‖ is {error:.3g} ‖A‖ after {turns + 1} restarts, asked for {tolerance:.3g}: allow more, "
                "a larger ncv, or which='LM' of the inverse"
            )
        # Lanczos sees no more of A than its Hermitian part
        left = vector_norm(operator.product(vectors) - vectors * values, dim=0).max()
        size = max(float(values.abs().max()), norm(operator.product(v)) / norm(v))
        if not left <= SURE * tolerance * size:
            raise LinAlgError(f"eigsh: ‖A v − λ v‖ is {float(left):.3g} for a pair that was found: is A Hermitian?")
        ascending = values.argsort()
        values, vectors = values[ascending], vectors[:, ascending]
    values = Eigenvalues.apply(operator, values, vectors, *operator.parameters())
    return (values, vectors) if return_eigenvectors else values
