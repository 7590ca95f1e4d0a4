"""The derivative of the Cholesky factorisation, as an op of its own: one kernel instead of seven passes over memory."""

from __future__ import annotations

from lineal.core import Op
from lineal.ops.linalg import kernels
from lineal.ops.linalg.triangular import substituted


class CholeskyPull(Op):
    """P = L⁻ᴴ S L⁻¹ with S = mirror(Lᴴ G), the Hermitian matrix of which ½ Lᴴ G is the lower triangle.   Murray (2016), eq. 10.

    With K = L⁻¹ P̄ L⁻ᴴ and M the adjoint of `mirror` at K:  Ḡ = L M,  L̄ = G Mᴴ - (P P̄ᴴ + Pᴴ P̄) L⁻ᴴ, for dL⁻¹ = -L⁻¹ dL L⁻¹.
    (The diagonal of a complex S need not be real.)
    """

    grad_name = "LinalgCholeskyExBackward0"
    keeps = ("0 1 y", "0")
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, L, G):
        return kernels.cholesky_pull(L, G)

    def vjp(self, needs, g, y, L, G):
        K = substituted(L, substituted(L, g, upper=False).mH, upper=False).mH
        M = (K.tril() + K.mH.tril(-1)) * 0.5
        by_L = None
        if needs[0]:
            by_L = G @ M.mH - substituted(L, (y @ g.mH + y.mH @ g).mH, upper=False).mH
        return by_L, L @ M
