"""Eigenvalues of Hermitian matrices."""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np

from lineal.base.errors import LinAlgError
from lineal.core import AbstractTensor, Op, apply
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import linalg_eigh, require_finite, require_square, stored
from lineal.ops.linalg.spectra import check_gauge, gaps

__all__ = ["eigh", "eigvalsh"]


class Eigh(Op):
    """A = V Λ Vᴴ;  Ā = V (diag λ̄ + skew(Vᴴ V̄) ∘ F) Vᴴ  with Fᵢⱼ = 1/(λⱼ - λᵢ), 0 where they are equal.
    Giles (2008), section 3.1.

    Only the triangle `uplo` of A is read. Where eigenvalues repeat, the derivative is that of losses that see their vectors
    through the projector on the whole space only, and the values with equal weights, as their sum does.
    """

    uplo: Literal["L", "U"]
    name = "LinalgEigh"
    keeps = "y"
    width = 2

    def eager(self, xp, A):
        try:
            return kernels.eigh(A, self.uplo)
        except np.linalg.LinAlgError as error:
            raise LinAlgError(f"linalg.eigh: The algorithm failed to converge: {error}") from error

    def vjp(self, needs, g, y, A):
        (values, V), (by_values, by_V) = y, g
        if by_V is None:
            return ((V * by_values[..., None, :].to(V.dtype)) @ V.mH,)
        turned = V.mH @ by_V
        if V.value.dtype.kind == "c":
            check_gauge("linalg.eigh", "eigenvectors", turned.diagonal(0, -2, -1).imag, by_V.value)
        turned = (turned - turned.mH) * 0.5
        # the values are sorted, and NumPy's maxima over a short axis slow
        ends = np.abs(values.value[..., :1]), np.abs(values.value[..., -1:])
        gap, mask = gaps(values, np.maximum(*ends))
        inner = turned * (mask / gap).to(V.dtype)
        if by_values is not None:
            inner = inner + by_values.to(V.dtype).diag_embed()
        return (V @ inner @ V.mH,)


_eigh = functools.lru_cache(2)(Eigh)


def _decompose(name: str, A: Any, UPLO: str) -> Any:
    require_square(name, A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"{name}: Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    require_finite(name, A)
    return apply(_eigh(UPLO.upper()), A)


def eigh(input: AbstractTensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """Return the eigenvalues (…, n), ascending, and eigenvectors (…, n, n), as columns, of Hermitian A.

    `UPLO` says which triangle is read. The eigenvectors' signs (or phases) are arbitrary.
    """
    return stored(linalg_eigh(_decompose("linalg.eigh", input, UPLO)), out, "linalg.eigh")


def eigvalsh(input: AbstractTensor, UPLO: str = "L", *, out: AbstractTensor | None = None) -> Any:
    """Return the eigenvalues (…, n), ascending, of Hermitian A."""
    return stored(_decompose("linalg.eigvalsh", input, UPLO)[0], out, "linalg.eigvalsh")
