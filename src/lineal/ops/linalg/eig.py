"""Eigenvalues of square matrices of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import Op, apply, modes
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import linalg_eig, require_finite, require_square, stored
from lineal.ops.linalg.spectra import check_gauge, differentiated, gaps, settled
from lineal.ops.linalg.systems import Solve

__all__ = ["eig", "eigvals"]


class Eig(Op):
    """A = V Λ V⁻¹ with columns of norm 1;  Ā = V⁻ᴴ (diag λ̄ + (VᴴV̄ - VᴴV diag Re(VᴴV̄)) ∘ F) Vᴴ  with Fᵢⱼ = 1/conj(λⱼ - λᵢ).

    Giles (2008), section 3.1, with the term of the norm after Boeddeker et al. (2017), arXiv:1701.00392.
    """

    grad_name = "LinalgEigBackward0"
    keeps = "y"
    width = 2
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        values, V = settled("linalg.eig", kernels.eig, A)
        storage = np.result_type(A.dtype, np.complex64)
        return values.astype(storage, copy=False), V.astype(storage, copy=False)

    def vjp(self, needs, g, y, A):
        (values, V), (by_values, by_V) = y, g
        if by_V is None:
            inner = by_values.diag_embed()
        else:
            turned = V.mH @ by_V
            along = turned.diagonal(0, -2, -1)
            check_gauge("linalg.eig", "eigenvectors", along.imag, by_V.value)
            gap, mask = gaps(values, abs(values.value).max(-1, initial=0, keepdims=True))
            inner = (turned - (V.mH @ V) * along.real[..., None, :].to(V.dtype)) * mask / gap.conj()
            if by_values is not None:
                inner = inner + by_values.diag_embed()
        back = apply(Solve(), V.mH, inner @ V.mH)
        return (back if A.storage.kind == "c" else back.real,)


class Eigenvalues(Op):
    """Λ of A = V Λ V⁻¹ without V, where nobody can ask for a derivative, now or of what is recorded.

    The values come in no order, which need not be that of a second decomposition that finds V.
    """

    grad_name = "LinalgEigvalsBackward0"
    differentiable = False
    no_vjp = "taken where nobody differentiates; `Eig` otherwise"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"
    host_only = "LAPACK"

    def eager(self, xp, A):
        return settled("linalg.eigvals", kernels.eigvals, A).astype(np.result_type(A.dtype, np.complex64), copy=False)

    def vjp(self, needs, g, y, A):
        return (None,)


def _check(name: str, A: Any) -> None:
    require_square(name, A)
    require_finite(name, A, "input tensor should not contain infs or NaNs.", RuntimeError)


@public
def eig(input: Tensor, *, out: Sequence[Tensor] | None = None) -> linalg_eig:
    """Return the eigenvalues (…, n) and eigenvectors (…, n, n), as columns of norm 1; both complex, in no order."""
    _check("linalg.eig", input)
    return stored(linalg_eig(apply(Eig(), input)), out, "linalg.eig")


@public
def eigvals(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the eigenvalues (…, n), complex, in no order."""
    _check("linalg.eigvals", input)
    # who listens may be differentiated later, for which the vectors are needed
    alone = modes.recorder.get() is None and not differentiated(input)
    values = apply(Eigenvalues(), input) if alone else apply(Eig(), input)[0]
    return stored(values, out, "linalg.eigvals")
