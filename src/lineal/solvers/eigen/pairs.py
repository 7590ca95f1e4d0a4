"""A few eigenpairs of a Hermitian operator as one op, whatever the search, with derivatives of any order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.base.limits import finfo
from lineal.core import Op, apply, lift, modes
from lineal.solvers.krylov.minimal import MinimalResidual
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.solving import Ledger, pulled, solve
from lineal.tensors import Tensor

__all__ = ["hermitian_pairs"]

ACCURACY = 0.75
"""The power of the machine epsilon to which the systems of derivatives are solved."""


class Deflated(LinearOperator):
    """P (λ − A) P + V Vᴴ, P = I − V Vᴴ: regular where λ is an eigenvalue of A, if V has all of its eigenvectors."""

    def __init__(self, shift: Tensor, V: Tensor, of: LinearOperator):
        self.tensors, self.parts, self.shape, self.dtype = (shift, V), (of,), of.shape, of.dtype

    def product(self, x: Tensor) -> Tensor:
        shift, V = self.tensors
        inside = V @ (V.mH @ x)
        y = x - inside
        z = shift * y - self.parts[0].product(y)
        return z - V @ (V.mH @ z) + inside

    def adjoint(self) -> LinearOperator:
        return self


class HermitianPairs(Op):
    """A V = V diag(λ) for k eigenvalues, VᴴV = I.  Of what A is made of, p: p̄ = Σ (∂(A vᵢ)/∂p)ᴴ (λ̄ᵢ vᵢ + wᵢ),

    wᵢ = Σ vⱼ (vⱼᴴ v̄ᵢ) / (λᵢ − λⱼ) over all other eigenvectors: those that are not in V by a solve with (λᵢ − A), to which V is
    deflated.   Giles (2008), section 3.1, of which a part is known. The inputs are what A is made of and where to begin.
    """

    A: LinearOperator
    search: Callable[..., tuple[Tensor, Tensor]]
    ledger: Ledger
    keeps = "* y"
    width = 2
    by_arrays = False
    host_only = "its iterations read numbers"
    no_batch = "every search has its own number of steps"
    no_lowering = "host step: it ends when the numbers say so"

    def eager(self, xp, *others):
        with modes.Setting((modes.grad_enabled, False), (modes.recorder, None)):
            tensors = [lift(each) for each in others]
            count = len(self.A.parameters())
            try:
                values, vectors = self.search(self.A.with_parameters(*tensors[:count]), *tensors[count:])
            except Exception as error:
                self.ledger.failure = error
                raise
        return values.value, vectors.value

    def check(self, *xs):
        if self.ledger.failure is not None:
            raise self.ledger.failure

    def vjp(self, needs, g, y, *others):
        (values, V), (by_values, by_vectors) = y, g
        count = len(self.A.parameters())
        p = others[:count]
        A = self.A.with_parameters(*p)
        cotangent = V * 0 if by_values is None else V * by_values
        if by_vectors is not None:
            cotangent = cotangent + responses(A, values, V, by_vectors)
        return *pulled(A, V, list(p), cotangent, needs[:count]), *[None] * (len(others) - count)


def responses(A: LinearOperator, values: Tensor, V: Tensor, cotangents: Tensor) -> Tensor:
    """Return w of each eigenvector."""
    parts = V.mH @ cotangents
    gaps = (values - values.unsqueeze(1)).masked_fill(ops.eye(len(values), dtype=values.dtype) > 0, math.inf)
    outside = cotangents - V @ parts
    rtol = finfo(V.dtype).eps ** ACCURACY
    columns = [
        solve(Deflated(values[k].to(V.dtype), V, A), outside[:, k], MinimalResidual(), rtol=rtol) for k in range(len(values))
    ]
    return V @ (parts / gaps) + ops.stack(columns, 1)


def hermitian_pairs(
    A: LinearOperator, search: Callable[..., tuple[Tensor, Tensor]], begin: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return eigenvalues, ascending, and eigenvectors, as functions of what A is made of."""
    start: Any = () if begin is None else (begin.detach(),)
    return apply(HermitianPairs(A, search, Ledger()), *A.parameters(), *start)
