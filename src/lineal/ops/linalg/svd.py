"""The singular value decomposition."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import linalg_svd, require_finite, require_matrix, stored
from lineal.ops.linalg.matrices import svd as old_svd
from lineal.ops.linalg.spectra import check_gauge, gaps, settled, vectors_come_free
from lineal.ops.premise import rely

__all__ = ["svd", "svdvals"]

UNSETTLED = "The algorithm failed to converge because the input matrix contained non-finite values."
"""What PyTorch says of NaN and infinities, with which LAPACK's iterations may also go on for ever or end with anything."""


class SVD(Op):
    """A = U Σ Vᴴ.

    Ā = U [E ∘ P Σ + Σ (E ∘ Q) + diag σ̄] Vᴴ + (1 - UUᴴ) Ū Σ⁻¹ Vᴴ + U Σ⁻¹ V̄ᴴ (1 - VVᴴ)
    with P = UᴴŪ - ŪᴴU, Q = VᴴV̄ - V̄ᴴV and Eᵢⱼ = 1/(σⱼ² - σᵢ²).   Townsend (2016); Wan and Zhang (2019), arXiv:1909.02659.
    The first two terms are (P + Q)/(2(σⱼ - σᵢ)) + (P - Q)/(2(σⱼ + σᵢ)), element by element: no squares overflow, and where
    σᵢ = σⱼ, as on the diagonal, a loss without gauge has P + Q = 0, so that only the second term counts. What a
    loss says through single vectors of one repeated σ, beyond their common space, is not determined and left out.
    """

    full: bool
    grad_name = "LinalgSvdBackward0"
    keeps = "y"
    width = 3
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return settled("linalg.svd", kernels.svd, A, self.full)

    def vjp(self, needs, g, y, A):
        U, S, Vh = y
        gU, gS, gVh = g
        k = S.value.shape[-1]
        if self.full:
            U, Vh = U[..., :, :k], Vh[..., :k, :]
            gU, gVh = None if gU is None else gU[..., :, :k], None if gVh is None else gVh[..., :k, :]
        return (pull(U, S, Vh, gU, gS, gVh),)


_svd = functools.lru_cache(4)(SVD)


class SingularValues(Op):
    """Σ of A = U Σ Vᴴ without U and V;  Ā = U (diag σ̄) Vᴴ, for which A is decomposed again."""

    grad_name = "LinalgSvdvalsBackward0"
    keeps = "0"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return settled("linalg.svdvals", kernels.svdvals, A)

    def vjp(self, needs, g, y, A):
        U, S, Vh = apply(_svd(False), A)
        return (pull(U, S, Vh, None, g, None),)


def pull(U: Any, S: Any, Vh: Any, gU: Any, gS: Any, gVh: Any) -> Any:
    """Return Ā from the reduced factors and their cotangents, each of which may be None."""
    if gU is None and gVh is None:
        return (U * gS[..., None, :].to(U.dtype)) @ Vh
    m, n = U.value.shape[-2], Vh.value.shape[-1]
    k = S.value.shape[-1]
    by_U = None if gU is None else U.mH @ gU
    by_V = None if gVh is None else Vh @ gVh.mH
    phases(U, by_U, by_V)
    P = 0 if by_U is None else by_U - by_U.mH
    Q = 0 if by_V is None else by_V - by_V.mH
    apart, together = halves(S, U.dtype)
    inner = (P + Q) * apart + (P - Q) * together
    if gS is not None:
        inner = inner + gS.to(U.dtype).diag_embed()
    total = U @ inner @ Vh
    scale = inverse(S)[..., None, :].to(U.dtype)
    if m > k and by_U is not None:
        total = total + ((gU - U @ by_U) * scale) @ Vh
    if n > k and by_V is not None:
        total = total + (U * scale) @ (gVh - by_V.mH @ Vh)
    return total


def phases(U: Any, by_U: Any, by_V: Any) -> None:
    """Refuse a loss that depends on the singular vectors' phases, which are arbitrary."""
    if U.value.dtype.kind != "c":
        return
    turns = [each.diagonal(0, -2, -1).imag for each in (by_U, by_V) if each is not None]
    xp = module_of(U)
    scale = xp.concatenate([each.value.ravel() for each in (by_U, by_V) if each is not None] or [xp.zeros(1)])
    total = turns[0] if len(turns) == 1 else turns[0] + turns[1]
    check_gauge("linalg.svd", "singular vectors", total, scale if scale.size else xp.zeros(1))


def halves(S: Any, target: Any) -> tuple[Any, Any]:
    """Return the matrices 1/(2(σⱼ - σᵢ)) and 1/(2(σⱼ + σᵢ)), zero where the bracket counts as zero."""
    gap, mask = gaps(S, S.value[..., :1])
    total = S[..., None, :] + S[..., :, None]
    rounding = float(np.finfo(S.value.dtype).eps)
    tiny = rounding * S.value[..., :1, None] >= total.value
    rely(lambda: (total <= rounding * S[..., :1, None]) == lift(tiny))
    vanishing = lift(tiny.astype(S.value.dtype))
    return (0.5 * mask / gap).to(target), (0.5 * (1 - vanishing) / (total + vanishing)).to(target)


def inverse(S: Any) -> Tensor:
    """Return 1/σ, and 0 where σ counts as zero."""
    array = S.value
    rounding = float(np.finfo(array.dtype).eps)
    tiny = array <= rounding * array[..., :1]
    rely(lambda: (S <= rounding * S[..., :1]) == lift(tiny))
    return lift((~tiny).astype(array.dtype)) / (S + lift(tiny.astype(array.dtype)))


def decompose(name: str, A: Tensor, full: bool) -> Any:
    """Return U, S, Vᴴ of what must be matrices with finite entries."""
    require_matrix(name, A)
    require_finite(name, A, UNSETTLED)
    return apply(_svd(full), A)


def singular_values(name: str, A: Tensor) -> Any:
    """Return S of what must be matrices with finite entries."""
    require_matrix(name, A)
    require_finite(name, A, UNSETTLED)
    return values_of(A)


def values_of(A: AbstractTensor) -> Any:
    """Return S by the op that is less work."""
    return apply(_svd(False), A)[1] if vectors_come_free(A) else apply(SingularValues(), A)


@public
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Sequence[Tensor] | None = None) -> linalg_svd:
    """Return U, S, Vᴴ with A = U diag(S) Vᴴ and S descending, for A of shape (…, m, n) and k = min(m, n).

    U is (…, m, m) and Vᴴ (…, n, n), or with `full_matrices=False` (…, m, k) and (…, k, n). The vectors' signs (or phases) are
    arbitrary. `driver` chooses between algorithms on CUDA only.
    """
    if driver is not None:
        raise RuntimeError("linalg.svd: keyword argument `driver=` is only supported on CUDA inputs")
    return stored(linalg_svd(decompose("linalg.svd", A, full_matrices)), out, "linalg.svd")


@public
def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """Return the singular values (…, min(m, n)), descending."""
    if driver is not None:
        raise RuntimeError("linalg.svdvals: keyword argument `driver=` is only supported on CUDA inputs")
    return stored(singular_values("linalg.svdvals", A), out, "linalg.svdvals")


@public
def svd_columns(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Sequence[Tensor] | None = None) -> old_svd:
    """Return U, S, V with A = U diag(S) Vᴴ, V by columns; reduced if `some`. `linalg.svd` is newer."""
    if not compute_uv:
        S = singular_values("svd", input)
        m, n = input.value.shape[-2:]
        batch, storage = input.value.shape[:-2], input.value.dtype
        xp = module_of(input)
        U, V = lift(xp.zeros((*batch, m, m), storage)), lift(xp.zeros((*batch, n, n), storage))
        return stored(old_svd((U, S, V)), out, "svd")
    U, S, Vh = decompose("svd", input, not some)
    return stored(old_svd((U, S, Vh.mH)), out, "svd")
