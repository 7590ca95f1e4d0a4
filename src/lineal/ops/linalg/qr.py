"""The QR factorisation."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from lineal.base.platforms import HOST, moved
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, module_of, renamed
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import geqrf as geqrf_result
from lineal.ops.linalg.matrices import linalg_qr, require_matrix, stored
from lineal.ops.linalg.triangular import solve_triangular
from lineal.ops.structural.joining import cat

__all__ = ["geqrf", "householder_product", "ormqr", "orgqr", "qr"]


class QR(Op):
    """A = Q R with QᴴQ = 1 and R upper triangular.

    For m ≥ n:  Ā = [Q̄ + Q s(triu(R̄ Rᴴ - Qᴴ Q̄))] R⁻ᴴ  with s(X) = X + Xᴴ, its diagonal counted once and real.
    A wide A = (X Y) is X = Q U and V = Qᴴ Y:  Ȳ = Q V̄, and Q̄ gets Y V̄ᴴ more.   Walter and Lehmann (2010), arXiv:1001.1654;
    Seeger et al. (2017), arXiv:1710.08717, section 4.
    """

    mode: Literal["reduced", "complete"]
    grad_name = "LinalgQrBackward0"
    keeps = "0 y"
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return kernels.qr(A, self.mode)

    def vjp(self, needs, g, y, A):
        (Q, R), (gQ, gR) = y, g
        m, n = A.value.shape[-2:]
        if self.mode == "complete" and m > n:
            raise RuntimeError(
                "linalg.qr: The QR decomposition is not differentiable when mode='complete' and nrows > ncols: "
                "the columns of Q past the rank are arbitrary; use mode='reduced'"
            )
        if n <= m:
            return (square_pull(Q, R, gQ, gR),)
        U = R[..., :m]
        if gR is None:
            first = square_pull(Q, U, gQ, None)
            return (cat((first, A[..., m:] * 0), -1),)
        V_bar = gR[..., m:]
        more = A[..., m:] @ V_bar.mH
        first = square_pull(Q, U, more if gQ is None else gQ + more, gR[..., :m])
        return (cat((first, Q @ V_bar), -1),)


_qr = functools.lru_cache(4)(QR)


def square_pull(Q: Any, R: Any, gQ: Any, gR: Any) -> Any:
    """Return Ā of A = Q R with square R."""
    nothing = [lift(module_of(Q).zeros(x.value.shape, x.value.dtype)) if g is None else g for x, g in ((Q, gQ), (R, gR))]
    return apply(QRPull(), Q, R, *nothing)


class QRPull(Op):
    """A = T R⁻ᴴ with T = G + Q S and S = s(triu(H Rᴴ - Qᴴ G)), where s(X) = X + Xᴴ, its diagonal counted once and real.

    With T̄ = Ā R⁻¹ and N the adjoint of `s` at Qᴴ T̄:  Ḡ = T̄ - Q N,  H̄ = N R,  Q̄ = T̄ S - G Nᴴ,  R̄ = Nᴴ H - T̄ᴴ A.
    """

    grad_name = "LinalgQrBackward0"
    keeps = "0 1 2 3 y"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, Q, R, G, H):
        return kernels.qr_pull(Q, R, G, H)

    def vjp(self, needs, g, y, Q, R, G, H):
        T = solve_triangular(R, g, upper=True, left=False)
        K = Q.mH @ T
        N = real_diagonal((K + K.mH).triu(1) + K.diagonal(0, -2, -1).diag_embed())
        X = (H @ R.mH - Q.mH @ G).triu()
        S = real_diagonal(X + X.triu(1).mH)
        return T @ S - G @ N.mH, N.mH @ H - T.mH @ y, T - Q @ N, N @ R


def real_diagonal(X: Any) -> Any:
    """Return matrices without the imaginary part of their diagonals."""
    return X if X.value.dtype.kind != "c" else X - X.diagonal(0, -2, -1).imag.mul(1j).diag_embed()


SMALL = 1 << 14
"""Up to how many numbers Q is formed where it is not asked for."""


@public
def qr(A: Tensor, mode: str = "reduced", *, out: Sequence[Tensor] | None = None) -> linalg_qr:
    """Return Q and R with A = Q R, for A of shape (…, m, n) and k = min(m, n).

    `mode` "reduced": Q (…, m, k), R (…, k, n); "complete": Q (…, m, m), R (…, m, n); "r": Q empty, R (…, k, n).
    """
    name = "linalg.qr"
    require_matrix(name, A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"{name}: expected mode to be one of 'reduced', 'complete' or 'r', got {mode!r}")
    if mode == "r":
        if A.node is not None or A.value.size <= SMALL:
            # of small matrices Q costs little, and R is the same number by number
            _, R = apply(_qr("reduced"), A)
            if R.node is not None:
                R.register_hook(_refuse_r)
        else:
            R = lift(module_of(A).asarray(np.linalg.qr(moved(A.value, HOST), "r")))
        return stored(linalg_qr((lift(module_of(A).empty(0, A.value.dtype)), R)), out, name)
    return stored(linalg_qr(apply(_qr(mode), A)), out, name)


def _refuse_r(g: Any) -> Any:
    raise RuntimeError(
        "linalg.qr: The derivative of linalg.qr depends on Q, which is not computed when mode='r'; use mode='reduced'"
    )


class Reflectors(Op):
    """LAPACK's form of A = Q R: R, below its diagonal the vectors of Q's reflectors, and their factors. No derivative."""

    grad_name = "GeqrfBackward0"
    differentiable = False
    width = 2
    no_vjp = "the raw factors of `geqrf`; `qr` has derivatives"
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        if not A.size:
            return A.copy(), np.zeros((*A.shape[:-2], min(A.shape[-2:])), A.dtype)
        turned, tau = np.linalg.qr(A, "raw")
        return np.ascontiguousarray(np.swapaxes(turned, -1, -2)), tau


@public
def geqrf(input: Tensor, *, out: Sequence[Tensor] | None = None) -> geqrf_result:
    """Return LAPACK's form of the QR factorisation: R above the reflectors, and their factors tau. No derivative."""
    require_matrix("geqrf", input)
    return stored(geqrf_result(apply(Reflectors(), input)), out, "geqrf")


@public
def householder_product(input: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the first n columns of H₁ H₂ … Hₖ, with Hᵢ = 1 - τᵢ vᵢ vᵢᴴ and vᵢ the columns of A below the diagonal, 1 on it."""
    name = "linalg.householder_product"
    require_matrix(name, input, "input")
    require_factors(name, input, tau)
    m, n = input.value.shape[-2:]
    k = tau.value.shape[-1]
    if m < n or n < k:
        raise RuntimeError(f"{name}: expected shapes (…, m, n) and (…, k) with m ≥ n ≥ k, got ({m}, {n}) and ({k})")
    V, N, D = together(input, tau)
    one = lift(module_of(input).eye(m, n, dtype=input.value.dtype))
    y = one - V @ solve_triangular(N, D * V[..., :n, :].mH, upper=True, unitriangular=True)
    return renamed(stored(y, out, name), "LinalgHouseholderProductBackward0")


def require_factors(name: str, reflectors: Any, tau: Any) -> None:
    """Raise RuntimeError unless there is one vector of factors for each matrix of reflectors, and no more than its columns."""
    *batch, _, n = reflectors.value.shape
    if tau.value.ndim != len(batch) + 1 or list(tau.value.shape[:-1]) != batch or tau.value.shape[-1] > n:
        raise RuntimeError(
            f"{name}: expected tau of shape {[*batch, n]}, or of fewer than {n} elements in its last dimension, for reflectors "
            f"of shape {list(reflectors.value.shape)}, got {list(tau.value.shape)}"
        )


def together(reflectors: Any, tau: Any) -> tuple[Any, Any, Any]:
    """Return V, N, D with H₁ H₂ … Hₖ = 1 - V (1 + N)⁻¹ D Vᴴ, the columns of V being v₁ … vₖ.

    N = D triu(VᴴV, 1), D = diag(τ) as a column of factors.   Joffrain et al. (2006), ACM Trans. Math. Softw. 32, section 2.2.
    """
    m, k = reflectors.value.shape[-2], tau.value.shape[-1]
    V = reflectors[..., :k].tril(-1) + lift(module_of(reflectors).eye(m, k, dtype=reflectors.value.dtype))
    D = tau[..., None]
    return V, D * (V.mH @ V).triu(1), D


@public
def orgqr(input: Tensor, input2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the first n columns of Q from `geqrf`'s reflectors and factors; `linalg.householder_product` is newer."""
    return householder_product(input, input2, out=out)


@public
def ormqr(
    input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Return Q C, Qᴴ C (`transpose`), C Q or C Qᴴ (not `left`), with C = input3 and the full Q of `geqrf`.

    `input` holds the reflectors and `input2` their factors.
    """
    require_matrix("ormqr", input, "input")
    require_factors("ormqr", input, input2)
    require_matrix("ormqr", input3, "input3")
    C: Any = input3
    if C.value.shape[-2 if left else -1] != input.value.shape[-2]:
        raise RuntimeError(
            f"ormqr: expected input3 with {input.value.shape[-2]} {'rows' if left else 'columns'}, got {list(C.value.shape)}"
        )
    V, N, D = together(input, input2)
    if not left:
        C = C.mH
    # (C Q)ᴴ = Qᴴ Cᴴ
    if left == transpose:
        turn = (V * D.mT.conj()) @ solve_triangular(N.mH, V.mH @ C, upper=False, unitriangular=True)
    else:
        turn = V @ solve_triangular(N, D * (V.mH @ C), upper=True, unitriangular=True)
    y = C - turn
    return stored(y if left else y.mH, out, "ormqr")
