"""Pseudoinverses, ranks and least squares."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.core.modes import quiet, recorder
from lineal.ops.conversion import cast
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import FEW, Advice, contained, judge, range_of, watched
from lineal.ops.linalg.eigh import eigvalsh
from lineal.ops.linalg.expectations import expect_contained
from lineal.ops.linalg.matrices import (
    adjoint,
    linalg_lstsq,
    place_of,
    real_dtype,
    require_finite,
    require_matrix,
    require_one_dtype,
    require_square,
    require_vector,
    stored,
)
from lineal.ops.linalg.svd import UNSETTLED, svdvals
from lineal.ops.premise import rely, rely_on

__all__ = ["lstsq", "matrix_rank", "pinv", "pinverse"]

FEWER = "to trust fewer singular values (rcond=)"
LEAST = {4: FEW, 8: 100}
"""How few digits, as a multiple of ε, are reported, by the bytes of a real number: what is lost is not refined here."""
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


class PseudoInverse(Op):
    """Y = A⁺, singular values up to `atol` or `rtol` (the further inputs) times the largest counting as zero; at constant rank

    Ā = -Yᴴ Ȳ Yᴴ + (1 - A Y) Ȳᴴ Y Yᴴ + Yᴴ Y Ȳᴴ (1 - Y A).   Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, eq. 4.12.

    With `hermitian`, only the lower triangle of A is read.
    """

    hermitian: bool
    grad_name = "LinalgPinvBackward0"
    keeps = "0 y"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, atol, rtol):
        if A.size == 0:
            return np.zeros((*A.shape[:-2], A.shape[-1], A.shape[-2]), A.dtype)
        if self.hermitian:
            A = np.tril(A, -1) + adjoint(np.tril(A))
            np.einsum("...ii->...i", A)[...] = np.einsum("...ii->...i", A).real
        U, S, Vh = kernels.svd(A, False)
        kept = np.maximum(atol, rtol * S.max(-1, initial=0))[..., None] < S
        reciprocal = np.where(kept, 1 / np.where(kept, S, 1), 0).astype(S.dtype)
        return kernels.matmul(adjoint(Vh) * reciprocal[..., None, :], adjoint(U))

    def vjp(self, needs, g, y, A, atol, rtol):
        if self.hermitian:
            A = A.tril() + A.tril(-1).mH
        # of A's own size, products of three Y would leave the range long before Ā does
        s = apply(Scale(), A)
        return pinv_pull(A * s, y / s, g) * s * s, None, None


class Scale(Op):
    """s = per matrix, the power of two that brings the largest element's parts below 1, as (…, 1, 1): (s A)⁺ = A⁺ / s."""

    grad_name = "LinalgScaleBackward0"
    differentiable = False
    no_vjp = "a power of two: it changes in steps"

    def eager(self, xp, A):
        size = xp.maximum(xp.abs(A.real), xp.abs(A.imag)) if A.dtype.kind == "c" else xp.abs(A)
        most = np.finfo(size.dtype).maxexp - 2
        exponent = xp.frexp(size.max((-1, -2), keepdims=True, initial=0))[1]
        return xp.ldexp(size.dtype.type(1), -xp.clip(exponent, -most, most)).astype(size.dtype)

    def vjp(self, needs, g, y, A):
        return (None,)


def moderate(A: np.ndarray) -> bool:
    """Return whether cubes of the matrices' elements, and of their inverses, stay within the range."""
    top = abs(A).max((-1, -2), initial=0)
    least = float(np.finfo(A.dtype).tiny) ** 0.15
    return bool(((top > least) & (top < 1 / least)).all())


def pinv_pull(A: Any, y: Any, g: Any) -> Any:
    """Return Ā from Y = A⁺ and Ȳ."""
    yH, gH = y.mH, g.mH
    total = -(yH @ g @ yH)
    outer, inner = y @ yH, yH @ y
    total = total + gH @ outer - A @ (y @ (gH @ outer))
    return total + inner @ gH - ((inner @ gH) @ y) @ A


_pinv = functools.lru_cache(2)(PseudoInverse)


class LeastSquares(Op):
    """x = A⁺ b, the shortest of the x that make |A x - b| least, ranks judged by `rcond` (input 2);  with P = A⁺, r = b - A x:

    b̄ = Pᴴ x̄,  Ā = -b̄ xᴴ + r (P b̄)ᴴ + Pᴴx (x̄ - P A x̄)ᴴ, which is Golub and Pereyra's derivative of P applied to b.

    The second output says of which matrices the rank is full beyond doubt, so that the last term is 0.
    """

    grad_name = "LinalgLstsqBackward0"
    keeps = "* y"
    width = 2
    no_batch = "looped: whether QR will do or singular values are needed is decided for each slice"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B, rcond):
        return solution(A, B, rcond)

    def vjp(self, needs, g, y, A, B, rcond):
        g, (X, full) = g[0], y
        if g is None:
            return None, None, None
        # that the numbers are moderate holds for these alone, not for others that a trace sees
        if recorder.get() is None and moderate(A.value):
            return *self.pulled(needs, A, B, X, full, g, rcond), None
        # (s A)⁺ s B = A⁺ B, with both cotangents s times those of A and B
        s = apply(Scale(), A)
        by_A, by_B = self.pulled(needs, A * s, B * s, X, full, g, rcond)
        return None if by_A is None else by_A * s, by_B * s, None

    def pulled(self, needs, A, B, X, full, g, rcond):
        """Return Ā and b̄."""
        if full.value.size and full.value.all():
            rely(lambda: full)
            by_B, by_A = apply(LeastSquaresPull(), A, B, X, g)
            return by_A, by_B
        P = apply(_pinv(False), A, rcond * 0, rcond)
        back = P.mH @ g
        if not needs[0]:
            return None, back
        x = P @ B
        total = -(back @ x.mH) + (B - A @ x) @ (P @ back).mH
        return total + (P.mH @ x) @ (g - P @ (A @ g)).mH, back


class LeastSquaresPull(Op):
    """H = PᴴG and D = r Zᴴ - H Xᴴ with P = A⁺, r = B - A X and Z = P H: the derivative of least squares at full rank.

    With R = D̄ Z and T = H̄ - D̄ X + Pᴴ(D̄ᴴ r):  Ḡ = P T,  B̄ = R,  X̄ = -D̄ᴴ H - AᴴR, and A gets -R Xᴴ and, through P,
    P̄ = D̄ᴴ r Hᴴ + G Tᴴ.
    """

    grad_name = "LinalgLstsqBackward0"
    keeps = "0 1 2 3 y"
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B, X, G):
        return kernels.lstsq_pull(A, B, X, G)

    def vjp(self, needs, g, y, A, B, X, G):
        by_H, by_D = g
        nothing = lift(module_of(A).zeros((), real_dtype(A.value)))
        P = apply(_pinv(False), A, nothing, nothing)
        if by_D is None:
            return pinv_pull(A, P, G @ by_H.mH), None, None, P @ by_H
        H, r = y[0], B - A @ X
        R, across = by_D @ (P @ H), by_D.mH @ r
        T = P.mH @ across - by_D @ X
        T = T if by_H is None else T + by_H
        by_A = pinv_pull(A, P, across @ H.mH + G @ T.mH) - R @ X.mH
        return by_A, R, -(by_D.mH @ H) - A.mH @ R, P @ T


SURE = 4
"""By how much the bound of condition is to be better than the border of the rank, for rounding."""


def solution(A: np.ndarray, B: np.ndarray, rcond: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return A⁺ B, by QR where A is tall and of full rank beyond doubt, else by singular values, and where it was by QR."""
    if A.size == 0 or B.size == 0:
        return np.zeros((*A.shape[:-2], A.shape[-1], B.shape[-1]), A.dtype), np.zeros(A.shape[:-2], bool)
    found = kernels.lstsq(A, B)
    if found is None:
        return shortest(A, B, rcond), np.zeros(A.shape[:-2], bool)
    X, norms, inverses = found
    limits = range_of(A.dtype)
    with quiet():
        border = SURE * np.maximum(rcond, A.dtype.type(LEAST[real_dtype(A).itemsize] * limits.eps))
        full = (norms * inverses * border < 1) & (inverses * A.dtype.type(limits.least) < 1) & (norms < np.inf)
    if not full.all():
        rest = ~full
        X[rest] = shortest(A[rest], B[rest], np.broadcast_to(rcond, full.shape)[rest])
    return X, full


def shortest(A: np.ndarray, B: np.ndarray, rcond: np.ndarray) -> np.ndarray:
    """Return A⁺ B by singular values."""
    U, S, Vh = kernels.svd(A, False)
    kept = (rcond * S.max(-1, initial=0))[..., None] < S
    reciprocal = np.where(kept, 1 / np.where(kept, S, 1), 0).astype(S.dtype)
    return kernels.matmul(adjoint(Vh), reciprocal[..., None] * kernels.matmul(adjoint(U), B))


@public
def lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None) -> linalg_lstsq:
    """Return the least-squares solution of A X = b with its residuals, ranks and singular values.

    A is (…, m, n), b (…, m, k), or (…, m) a batch of vectors where that is A's shape less the last dimension. Of several
    solutions the shortest is taken. `rcond` (default ε max(m, n)) times the largest singular value is the border of the rank.
    The residuals Σ|AX - b|² are empty unless m > n and the rank is full; `driver` decides what else is returned, as in PyTorch;
    "gels" takes the rank for full, and raises LinAlgError where it is plainly not.
    """
    name = "linalg.lstsq"
    require_matrix(name, input, "input")
    require_one_dtype(name, input, b)
    require_vector(name, b, "b")
    A, driver = input, driver or "gelsy"
    if driver not in DRIVERS:
        raise RuntimeError(f"{name}: expected driver to be one of {', '.join(DRIVERS)}, got {driver!r}")
    vector = (A.value.ndim - 1 == b.value.ndim and b.value.shape == A.value.shape[:-1]) or b.value.ndim == 1
    right: Any = b[..., None] if vector else b
    m, n = A.value.shape[-2:]
    require_finite(name, A, UNSETTLED)
    if right.value.shape[-2] != m:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-2), got {m} and {right.value.shape[-2]}")
    batch = broadcast_shapes(name, A.value.shape[:-2], right.value.shape[:-2])
    if A.value.shape[:-2] != right.value.shape[:-2]:
        A, right = A.expand(*batch, m, n), right.expand(*batch, m, right.value.shape[-1])
    real = real_dtype(A.value)
    border = np.asarray(0 if driver == "gels" else np.finfo(real).eps * max(m, n) if rcond is None else rcond, real)
    X, full = apply(LeastSquares(), A, right, lift(border))
    expect_contained(X, right)
    by_values = driver in ("gelsd", "gelss")
    # of a matrix whose rank is full beyond doubt, the singular values are not looked at
    sure = full.value & contained(X.value, right.value, range_of(real)) & (not by_values)
    S = np.ones((*batch, min(m, n)), real)
    if sure.size and sure.all():
        rely(lambda: full)
    elif A.value.size:
        rely_on(A)
        S[~sure] = kernels.svd(A.value[~sure], False)[1]
        require_full_rank(name, A.value, driver)
    rank = np.asarray((border * S.max(-1, initial=0, keepdims=True) < S).sum(-1), np.int64)
    if watched() and not sure.all():
        judge_rank(name, A.value, S, rank, X.value, driver == "gels")
    residuals = X.reshape(-1)[:0].real
    if m > n and driver != "gelsy" and (driver == "gels" or np.all(rank == n)):
        difference = A @ X - right
        residuals = (difference * difference.conj()).real.sum(-2)
    ranks = lift(np.empty(0, np.int64) if driver == "gels" else rank)
    values = lift(S if by_values else np.empty(0, real))
    return linalg_lstsq((X[..., 0] if vector else X, residuals, ranks, values))


def require_full_rank(name: str, A: np.ndarray, driver: str) -> None:
    """Raise LinAlgError, if the driver is "gels", for the first matrix whose columns, or rows, depend on each other."""
    if driver != "gels":
        return
    tall = A if A.shape[-2] >= A.shape[-1] else adjoint(A)
    own = np.abs(np.diagonal(np.linalg.qr(tall, mode="r"), axis1=-2, axis2=-1))
    lacking = (own <= range_of(A.dtype).eps * max(A.shape[-2:]) * np.linalg.norm(tall, axis=-2)).any(-1)
    if lacking.any():
        where = place_of(int(np.flatnonzero(lacking)[0]), lacking.shape)
        raise LinAlgError(f"{name}: {where}the input matrix does not have full rank, which driver 'gels' takes for granted")


def judge_rank(name: str, A: np.ndarray, S: np.ndarray, rank: np.ndarray, X: np.ndarray, full: bool) -> None:
    """Report matrices with less than a digit left, and of deficient rank where that is doubtful or, if `full`, not allowed."""
    if not S.shape[-1]:
        return
    eps = range_of(A.dtype).eps
    with quiet():
        kept = np.take_along_axis(S, np.maximum(rank - 1, 0)[..., None], -1)[..., 0] / S[..., 0]
        # a gap between what counts and what does not makes the rank plain, and the shortest solution with it
        doubtful = (rank < S.shape[-1]) & (full | ~(kept >= 1e3 * eps * max(A.shape[-2:])))
        rcond = np.where(doubtful, np.minimum(kept, eps), np.where(rank == 0, 1, kept))
        judge(name, A, rcond, X, None, None, Advice(FEWER, few=LEAST[S.dtype.itemsize]))


def borders(name: str, A: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Return the absolute and relative borders below which singular values count as zero, as constants of the batch shape."""
    real = real_dtype(A.value)
    if rtol is None:
        set_by_atol = atol is not None and np.any(np.asarray(getattr(atol, "value", atol)) > 0)
        if isinstance(atol, AbstractTensor):
            rely_on(atol)
        rtol = 0.0 if set_by_atol else np.finfo(real).eps * max(A.value.shape[-2:])
    found = []
    for each in (0.0 if atol is None else atol, rtol):
        array = np.asarray(getattr(each, "value", each))
        if array.dtype.kind == "c":
            raise RuntimeError(f"{name}: atol and rtol: expected real tolerances, got {array.dtype}")
        constant = not isinstance(each, AbstractTensor)
        found.append(lift(array.astype(real)) if constant else cast(lift(each.value), dtypes.of(np.dtype(real))))
    return found[0], found[1]


@public
def pinv(
    input: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Tensor | None = None
) -> Tensor:
    """Return the pseudoinverse (…, n, m) of A (…, m, n).

    Singular values up to max(atol, rtol · σ_max) count as zero; rtol is ε max(m, n) unless one of the two is given. `rcond`
    is an older name of rtol. With `hermitian` the eigenvalues take their place, and one triangle of A is read.
    """
    name = "linalg.pinv"
    (require_square if hermitian else require_matrix)(name, input)
    require_finite(name, input.tril() if hermitian else input, UNSETTLED)
    absolute, relative = borders(name, input, atol, rcond if rtol is None else rtol)
    return stored(apply(_pinv(hermitian), input, absolute, relative), out, name)


@public
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudoinverse; `linalg.pinv` is newer."""
    return pinv(input, rtol=rcond)


@public
def matrix_rank(
    input: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Tensor | None = None
) -> Tensor:
    """Return the number of singular values (if `hermitian`, absolute eigenvalues) above max(atol, rtol · σ_max), as int64."""
    name = "linalg.matrix_rank"
    (require_square if hermitian else require_matrix)(name, input)
    if tol is not None:
        atol, rtol = tol, 0.0
    absolute, relative = borders(name, input, atol, rtol)
    constant: Any = lift(input.value)
    S = eigvalsh(constant).abs() if hermitian else svdvals(constant)
    largest = S.amax(-1) if S.value.shape[-1] else S.sum(-1)
    border = absolute.detach().maximum(relative.detach() * largest)
    return stored((border.unsqueeze(-1) < S).sum(-1), out, name)
