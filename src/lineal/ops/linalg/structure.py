"""The structures of a matrix that make a system cheaper than LU: found in O(n²), with the algorithm of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.results import Result
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, modes, no_grad
from lineal.ops.linalg.cholesky import Cholesky, failures, refuse_indefinite, worked
from lineal.ops.linalg.conditioning import lapack, norm1, probes, rcond_of_cholesky, rcond_of_probes
from lineal.ops.linalg.lu import getrs
from lineal.ops.linalg.matrices import real_dtype
from lineal.ops.premise import rely

__all__: list[str] = []

scipy: Any = later.module("scipy")

TOEPLITZ_FROM = 256
"""From how many rows on Levinson's recursion, O(n²) but without BLAS, is faster than LU."""
BAND_SHARE = 4
"""A band counts as one if it is this many times narrower than the matrix."""


class solve_info(Result):  # noqa: N801
    """The solution, the method taken, the reciprocal condition numbers and each right-hand side's backward error."""

    result: Tensor
    method: str
    rcond: Tensor
    backward_error: Tensor


class Found(NamedTuple):
    """A method, what it keeps of A, and how to estimate A's condition."""

    method: str
    factors: tuple
    rcond: Callable[[], Any]
    info: Any = None


class FactorBand(Op):
    """LU with row exchanges of matrices of `lower` diagonals below the main one, `upper` above: the band, exchanges, widths."""

    lower: int
    upper: int
    grad_name = "LinalgBandFactorBackward0"
    differentiable = False
    width = 4
    no_vjp = "factors to solve by; the solution has the derivative"
    no_batch = "looped: LAPACK takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        kl, ku, n = self.lower, self.upper, A.shape[-1]
        band = np.zeros((*A.shape[:-2], 2 * kl + ku + 1, n), A.dtype)
        for d in range(-kl, ku + 1):
            band[..., kl + ku - d, max(d, 0) : n + min(d, 0)] = np.diagonal(A, d, -2, -1)
        pivots, info = np.empty(A.shape[:-1], np.int32), np.zeros(A.shape[:-2], np.int32)
        factor = lapack("gbtrf", A.dtype)
        for place in np.ndindex(A.shape[:-2]):
            band[place], pivots[place], info[place] = factor(band[place], kl, ku)
        widths = np.broadcast_to(np.array([kl, ku], np.int32), (*A.shape[:-2], 2)).copy()
        return band, pivots, widths, info

    def vjp(self, needs, g, y, A):
        return (None,)


class FactorHermitian(Op):
    """A = L D Lᴴ with D of blocks of one and two: Bunch and Kaufman (1977). The factors, the exchanges, info."""

    grad_name = "LinalgHermitianFactorBackward0"
    differentiable = False
    width = 3
    no_vjp = "factors to solve by; the solution has the derivative"
    no_batch = "looped: LAPACK takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        LD, pivots, info = np.empty(A.shape, A.dtype), np.empty(A.shape[:-1], np.int32), np.zeros(A.shape[:-2], np.int32)
        factor = lapack(hermitian_name("trf", A), A.dtype)
        for place in np.ndindex(A.shape[:-2]):
            LD[place], pivots[place], info[place] = factor(A[place], lower=1)
        return LD, pivots, info

    def vjp(self, needs, g, y, A):
        return (None,)


def hermitian_name(end: str, A: np.ndarray) -> str:
    """Return LAPACK's name of a routine for Hermitian matrices."""
    return ("he" if A.dtype.kind == "c" else "sy") + end


def each(kernel: Callable) -> Callable:
    """Return the kernel of one system, done to every system of a batch."""

    def batched(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
        X = np.empty(B.shape, B.dtype)
        if B.size:
            for place in np.ndindex(B.shape[:-2]):
                X[place] = kernel(A[place], B[place], tuple(factor[place] for factor in factors), adjoint)
        return X

    return batched


def by_lu(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by LU factors."""
    LU, pivots = factors
    return getrs(LU, pivots, B, adjoint)


def by_single(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by the LU factors of A rounded to half its digits, for refinement to restore the others."""
    # a residual may lie below float32's range though its matrix does not
    size = np.maximum(np.abs(B).max((-1, -2), keepdims=True, initial=0), np.finfo(real_dtype(B)).tiny)
    LU, pivots = factors
    return getrs(LU, pivots, (B / size).astype(LU.dtype), adjoint).astype(B.dtype) * size


def by_diagonal(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Divide by the diagonal."""
    d = np.diagonal(A, axis1=-2, axis2=-1)[..., None]
    return B / (d.conj() if adjoint else d)


def by_triangle(lower: bool) -> Callable:
    """Return substitution in a triangle of A."""

    def solve(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
        return lapack("trtrs", A.dtype)(A, B, lower=lower, trans=2 if adjoint else 0)[0]

    return solve


def by_order(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by substitution with rows and columns taken in an order that makes A lower triangular."""
    rows, columns = factors
    X = np.empty(B.shape, B.dtype)
    triangle = A[rows][:, columns]
    if adjoint:
        X[rows] = by_triangle(True)(triangle, B[columns], (), True)
    else:
        X[columns] = by_triangle(True)(triangle, B[rows], (), False)
    return X


def by_band(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by the factors of a band."""
    band, pivots, widths = factors
    return lapack("gbtrs", B.dtype)(band, int(widths[0]), int(widths[1]), B, pivots, trans=2 if adjoint else 0)[0]


def by_hermitian(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by A = L D Lᴴ."""
    return lapack(hermitian_name("trs", B), B.dtype)(*factors, B, lower=1)[0]


def by_cholesky(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by A = L Lᴴ."""
    return lapack("potrs", B.dtype)(*factors, B, lower=1)[0]


def by_levinson(A: Any, B: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Solve by Levinson's recursion on the first column and row; NaN where a leading minor is singular."""
    c, r = (A[0].conj(), A[:, 0].conj()) if adjoint else (A[:, 0], A[0])
    try:
        return scipy.linalg.solve_toeplitz((c, r), B)
    except np.linalg.LinAlgError:
        return np.full(B.shape, np.nan, B.dtype)


KERNELS: dict[str, Callable] = {
    "lu": by_lu,
    "lu in single precision": by_single,
    "diagonal": by_diagonal,
    "lower triangular": each(by_triangle(True)),
    "upper triangular": each(by_triangle(False)),
    "permuted triangular": each(by_order),
    "banded": each(by_band),
    "toeplitz": each(by_levinson),
    "hermitian": each(by_hermitian),
    "positive definite": each(by_cholesky),
}


def widths(mask: np.ndarray) -> tuple[int, int]:
    """Return how many diagonals below and above the main one have elements."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return 0, 0
    return max(0, int((rows - columns).max())), max(0, int((columns - rows).max()))


def order_of(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return orders of rows and columns that make a matrix with elements at `mask` lower triangular, or None."""
    n = mask.shape[-1]
    if mask.sum() > n * (n + 1) // 2:
        return None
    left = mask.sum(-1)
    ready = list(np.flatnonzero(left == 1))
    rows, columns, free = [], [], np.ones(n, bool)
    while ready:
        row = ready.pop()
        found = np.flatnonzero(mask[row] & free)
        if not found.size:
            return None
        rows.append(row)
        columns.append(found[0])
        free[found[0]] = False
        touched = np.flatnonzero(mask[:, found[0]])
        left[touched] -= 1
        ready.extend(touched[left[touched] == 1])
    return (np.array(rows), np.array(columns)) if len(rows) == n else None


def is_toeplitz(A: np.ndarray) -> bool:
    """Return whether every diagonal is constant."""
    return bool(np.array_equal(A[..., 1:, 1:], A[..., :-1, :-1]))


def is_hermitian(A: np.ndarray) -> bool:
    """Return whether A = Aᴴ up to the rounding of a product like X Xᴴ."""
    turned = np.swapaxes(A, -1, -2).conj()
    if np.array_equal(A, turned):
        return True
    sizes = np.abs(A).max(-1)
    return bool(np.all(np.abs(A - turned) <= rounding(A) * np.minimum(sizes[..., :, None], sizes[..., None, :])))


def hermitian_op(A: Any) -> Any:
    """Return what `is_hermitian` does as an op, element by element."""
    sizes = A.abs().amax(-1)
    return (A - A.mH).abs() <= rounding(A.value) * sizes[..., :, None].minimum(sizes[..., None, :])


def rounding(A: np.ndarray) -> float:
    """Return by how much of its rows' largest elements an element of a product of such matrices is rounded."""
    return A.shape[-1] * float(np.finfo(A.dtype).eps)


def factored(name: str, A: Any, assume: str) -> Found | None:
    """Return the method for A with its factors, or None if LU is best; LinAlgError if A has not the structure `assume`."""
    assume = {"symmetric": "hermitian", "tridiagonal": "banded"}.get(assume, assume)
    if assume != "auto" and assume not in KERNELS:
        raise ValueError(f'{name}: expected assume to be "auto", "general" or one of {", ".join(KERNELS)}, got {assume!r}')
    # what is found in these numbers does not hold for the others that a recorded program will see
    if not A.value.size or (assume == "auto" and modes.recorder.get() is not None):
        return None
    found = (automatic if assume == "auto" else insisted)(A, assume)
    if found is None and assume not in ("auto", "lu"):
        found_out = asymmetry(A.value) if assume in ("hermitian", "positive definite") else ""
        raise LinAlgError(f"{name}: expected a matrix that is {assume}, as assume= says, and A is not{found_out}")
    if found is not None and found.method == "positive definite" and found.info is not None and found.info.any():
        if assume != "auto":
            refuse_indefinite(name, found.info)
        return by_blocks(A)
    return found


def asymmetry(A: np.ndarray) -> str:
    """Return in words how far A and Aᴴ are from each other."""
    with modes.quiet():
        difference = np.abs(A - np.swapaxes(A, -1, -2).conj())
        *_, row, column = np.unravel_index(difference.argmax(), A.shape)
        share = difference.max() / np.abs(A).max()
    return f": it differs from its adjoint by {share:.1e} of its largest element, at ({row}, {column})"


def automatic(A: Any, assume: str) -> Found | None:
    """Return the cheapest method that A's zeros and symmetries allow."""
    x, n = A.value, A.value.shape[-1]
    mask = (x != 0).reshape(-1, n, n).any(0)
    kl, ku = widths(mask)
    if kl == 0 or ku == 0:
        return triangular(A, "diagonal" if kl == ku else "upper triangular" if kl == 0 else "lower triangular")
    if (kl + ku + 1) * BAND_SHARE <= n:
        return banded(A, kl, ku)
    order = order_of(mask)
    if order is not None:
        return permuted(A, *order)
    if n >= TOEPLITZ_FROM and is_toeplitz(x):
        return toeplitz(A)
    if is_hermitian(x):
        positive = bool(np.all(np.real(np.diagonal(x, axis1=-2, axis2=-1)) > 0))
        return by_minors(A) if positive else by_blocks(A)
    return None


def insisted(A: Any, assume: str) -> Found | None:
    """Return the method called `assume`, or None where A has not its structure."""
    x, n = A.value, A.value.shape[-1]
    if assume in ("hermitian", "positive definite"):
        return (by_minors if assume[0] == "p" else by_blocks)(A) if is_hermitian(x) else None
    if assume == "toeplitz":
        return toeplitz(A) if is_toeplitz(x) else None
    mask = (x != 0).reshape(-1, n, n).any(0)
    kl, ku = widths(mask)
    if assume == "banded":
        return banded(A, kl, ku)
    if assume == "permuted triangular":
        order = order_of(mask)
        return None if order is None else permuted(A, *order)
    fits = {"diagonal": kl == ku == 0, "lower triangular": ku == 0, "upper triangular": kl == 0}
    return triangular(A, assume) if fits.get(assume) else None


def is_within(A: Any, kl: int, ku: int) -> Any:
    """Return whether only the diagonals of a band have elements, as an op."""
    n = A.value.shape[-1]
    places = np.arange(n)
    band = (places[:, None] - places <= kl) & (places - places[:, None] <= ku)
    return (A == 0) | lift(band)


def zeros(d: np.ndarray) -> np.ndarray:
    """Return, per diagonal, 0 or the place of its first zero, counted from 1."""
    return np.where((d == 0).any(-1), (d == 0).argmax(-1) + 1, 0).astype(np.int32)


def condition(routine: Callable, *arrays: np.ndarray) -> np.ndarray:
    """Return what LAPACK's estimator says of each matrix."""
    batch = arrays[0].shape[:-2]
    found = np.empty(batch, real_dtype(arrays[0]))
    for place in np.ndindex(batch):
        found[place] = routine(*[array[place] for array in arrays])
    return found


def triangular(A: Any, method: str) -> Found:
    """Return substitution, or division by the diagonal."""
    x, wide = A.value, A.value.shape[-1]
    d = np.abs(np.diagonal(x, axis1=-2, axis2=-1))
    rely(lambda: is_within(A, 0 if method != "lower triangular" else wide, 0 if method != "upper triangular" else wide))
    rely(lambda: A.diagonal(0, -2, -1) != 0)
    if method == "diagonal":
        return Found(method, (), lambda: d.min(-1) / d.max(-1), zeros(d))
    uplo = "L" if method[0] == "l" else "U"
    routine = lapack("trcon", x.dtype)
    return Found(method, (), lambda: condition(lambda T: routine(T, uplo=uplo)[0], x), zeros(d))


def permuted(A: Any, rows: np.ndarray, columns: np.ndarray) -> Found:
    """Return substitution in another order of rows and columns."""
    x = A.value
    T = x[..., rows, :][..., columns]
    ordered = lambda: A.index_select(-2, lift(rows)).index_select(-1, lift(columns))
    rely(lambda: is_within(ordered(), x.shape[-1], 0))
    rely(lambda: ordered().diagonal(0, -2, -1) != 0)
    routine = lapack("trcon", x.dtype)
    shape = (*x.shape[:-2], x.shape[-1])
    orders = tuple([lift(np.broadcast_to(order, shape).copy()) for order in (rows, columns)])
    return Found(
        "permuted triangular",
        orders,
        lambda: condition(lambda t: routine(t, uplo="L")[0], T),
        zeros(np.diagonal(T, axis1=-2, axis2=-1)),
    )


def banded(A: Any, kl: int, ku: int) -> Found:
    """Return LU within the band."""
    rely(lambda: is_within(A, kl, ku))
    band, pivots, sizes, info = apply(FactorBand(kl, ku), A)
    rely(lambda: info == 0)
    routine = lapack("gbcon", A.value.dtype)

    def rcond() -> np.ndarray:
        found = np.empty(A.value.shape[:-2], real_dtype(A.value))
        norms = norm1(A.value)
        for place in np.ndindex(found.shape):
            found[place] = routine(kl, ku, band.value[place], pivots.value[place], norms[place])[0]
        return found

    return Found("banded", (band, pivots, sizes), rcond, info.value)


def toeplitz(A: Any) -> Found:
    """Return Levinson's recursion, whose answer is checked afterwards; there is no factor, so probes tell A's condition."""
    x = A.value
    rely(lambda: A[..., 1:, 1:] == A[..., :-1, :-1])

    def rcond() -> np.ndarray:
        V = np.broadcast_to(probes(x.shape[-1], x.dtype), (*x.shape[:-1], min(2, x.shape[-1])))
        return rcond_of_probes(norm1(x), KERNELS["toeplitz"](x, V, (), False))

    return Found("toeplitz", (), rcond)


def by_blocks(A: Any) -> Found:
    """Return A = L D Lᴴ."""
    rely(lambda: hermitian_op(A))
    LD, pivots, info = apply(FactorHermitian(), A)
    rely(lambda: info == 0)
    routine = lapack(hermitian_name("con", A.value), A.value.dtype)
    return Found(
        "hermitian",
        (LD, pivots),
        lambda: condition(lambda ld, p, norm: routine(ld, p, norm, lower=1)[0], LD.value, pivots.value, norm1(A.value)),
        info.value,
    )


def by_minors(A: Any) -> Found:
    """Return A = L Lᴴ; info says where A is not positive definite."""
    with no_grad():
        L = apply(Cholesky(False), A)
    rely(lambda: hermitian_op(A))
    rely(lambda: worked(L))
    info = failures(A.value, L.value, False)
    return Found("positive definite", (L,), lambda: rcond_of_cholesky(L.value, norm1(A.value)), info)
