"""Eigenvalues of Hermitian matrices."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply, module_of
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import linalg_eigh, require_finite, require_square, stored
from lineal.ops.linalg.spectra import check_gauge, gaps, settled, vectors_come_free

__all__ = ["eigh", "eigvalsh"]


class Eigh(Op):
    """A = V Λ Vᴴ;  Ā = V (diag λ̄ + skew(Vᴴ V̄) ∘ F) Vᴴ  with Fᵢⱼ = 1/(λⱼ - λᵢ), 0 where they are equal.
    Giles (2008), section 3.1.

    Only the triangle `uplo` of A is read. Where eigenvalues repeat, the derivative is that of losses that see their vectors
    through the projector on the whole space only, and the values with equal weights, as their sum does.
    """

    uplo: Literal["L", "U"]
    grad_name = "LinalgEighBackward0"
    keeps = "y"
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return settled("linalg.eigh", kernels.eigh, A, self.uplo)

    def vjp(self, needs, g, y, A):
        (values, V), (by_values, by_V) = y, g
        if by_V is None:
            return (pull_values(V, by_values),)
        turned = V.mH @ by_V
        if V.value.dtype.kind == "c":
            check_gauge("linalg.eigh", "eigenvectors", turned.diagonal(0, -2, -1).imag, by_V.value)
        turned = (turned - turned.mH) * 0.5
        # the values are sorted, and NumPy's maxima over a short axis slow
        ends = abs(values.value[..., :1]), abs(values.value[..., -1:])
        gap, mask = gaps(values, module_of(values).maximum(*ends))
        inner = turned * (mask / gap).to(V.dtype)
        if by_values is not None:
            inner = inner + by_values.to(V.dtype).diag_embed()
        return (V @ inner @ V.mH,)


_eigh = functools.lru_cache(2)(Eigh)


class HermitianEigenvalues(Op):
    """Λ of A = V Λ Vᴴ without V;  Ā = V (diag λ̄) Vᴴ, for which A is decomposed again."""

    uplo: Literal["L", "U"]
    grad_name = "LinalgEigvalshBackward0"
    keeps = "0"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return settled("linalg.eigvalsh", kernels.eigvalsh, A, self.uplo)

    def vjp(self, needs, g, y, A):
        return (pull_values(apply(_eigh(self.uplo), A)[1], g),)


_eigvalsh = functools.lru_cache(2)(HermitianEigenvalues)


def pull_values(V: Any, by_values: Any) -> Any:
    """Return Ā from the eigenvectors and the values' cotangent."""
    return (V * by_values[..., None, :].to(V.dtype)) @ V.mH


def values_of(A: AbstractTensor, uplo: Literal["L", "U"]) -> Any:
    """Return Λ by the op that is less work."""
    return apply(_eigh(uplo), A)[0] if vectors_come_free(A) else apply(_eigvalsh(uplo), A)


def _triangle(name: str, A: Any, UPLO: str) -> Any:
    """Return which triangle is read of what must be square matrices with finite entries."""
    require_square(name, A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"{name}: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    require_finite(name, A)
    return UPLO.upper()


@public
def eigh(input: Tensor, UPLO: str = "L", *, out: Sequence[Tensor] | None = None) -> linalg_eigh:
    """Return the eigenvalues (…, n), ascending, and eigenvectors (…, n, n), as columns, of Hermitian A.

    `UPLO` says which triangle is read. The eigenvectors' signs (or phases) are arbitrary.
    """
    uplo = _triangle("linalg.eigh", input, UPLO)
    return stored(linalg_eigh(apply(_eigh(uplo), input)), out, "linalg.eigh")


@public
def eigvalsh(input: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """Return the eigenvalues (…, n), ascending, of Hermitian A."""
    uplo = _triangle("linalg.eigvalsh", input, UPLO)
    return stored(values_of(input, uplo), out, "linalg.eigvalsh")
