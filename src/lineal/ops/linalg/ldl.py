"""The factorisation of symmetric and Hermitian matrices that need not be positive definite."""

# ruff: noqa: N801 - the classes of results carry PyTorch's names

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.results import Result
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.ops.linalg.banded import solve_banded
from lineal.ops.linalg.lu import rows_of
from lineal.ops.linalg.matrices import (
    broadcast_batches,
    read_numbers,
    refuse_singular,
    require_matrix,
    require_one_dtype,
    require_square,
    stored,
)
from lineal.ops.linalg.triangular import solve_triangular
from lineal.ops.premise import rely
from lineal.ops.structural.joining import cat
from lineal.ops.structural.stacking import stack

__all__ = ["ldl", "ldl_factor", "ldl_factor_ex", "ldl_solve"]

scipy: Any = later.module("scipy")


class linalg_ldl_factor(Result):
    """Both factors in one matrix, and the rows that were exchanged, counted from 1, negative for a block of two rows."""

    LD: Tensor
    pivots: Tensor


class linalg_ldl_factor_ex(Result):
    """Both factors in one matrix, the exchanged rows, and 0 or the place of the block that is zero."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


class linalg_ldl(Result):
    """The permutation, the unit lower triangular factor and the one with blocks of one or two rows on its diagonal."""

    P: Tensor
    L: Tensor
    D: Tensor


class LDLFactor(Op):
    """The factors of A = P L D L* Pᵀ in LAPACK's form, with * the transpose, or if `hermitian` the conjugate transpose.

    P⁻¹ Ā P⁻ᵀ = L⁻ᴴ sym(D̄ + low(LᴴL̄ D⁻ᴴ)) (L*)⁻ᴴ with low the part below D's blocks: as in Cholesky's rule, from L⁻¹ dA
    (L*)⁻¹ = (L⁻¹dL) D + dD + D (L⁻¹dL)*, the first term lower triangular.   Bunch and Kaufman (1977), Math. Comp. 31, for the
    factors; the exchanges are constant in a neighbourhood. Only the lower triangle of A is read.
    """

    hermitian: bool
    grad_name = "LinalgLdlFactorExBackward0"
    keeps = "y"
    width = 3
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        batch, n = A.shape[:-2], A.shape[-1]
        LD, pivots, info = column_major(A), np.zeros(A.shape[:-1], np.int32), np.zeros(batch, np.int32)
        factor, size = routines("hetrf" if self.hermitian and A.dtype.kind == "c" else "sytrf", A.dtype)
        room = int(size(n, lower=1)[0].real) if n else 0
        for place in np.ndindex(batch) if A.size else ():
            _, pivots[place], info[place] = factor(LD[place], 1, room, 1)
        return np.tril(LD), pivots, info

    def vjp(self, needs, g, y, A):
        LD, pivots, _ = y
        layout = Layout(read_numbers(pivots), LD)
        L, g = layout.lower(LD), g[0]
        by_L = layout.rearranged(g)
        S = solve_blocks(layout.band(LD, self.hermitian), (L.mH @ by_L).mH).mH * layout.below + g * layout.blocks
        S = (S + flipped(S, self.hermitian)) * 0.5
        half = solve_triangular(L.mH, S, upper=True, unitriangular=True)
        other = L if self.hermitian else L.conj()
        full = solve_triangular(other, half, upper=False, left=False, unitriangular=True)
        back = np.argsort(layout.order, axis=-1)
        return (rows_of(rows_of(full, back).mT, back).mT,)


_ldl = functools.lru_cache(2)(LDLFactor)


@functools.lru_cache(8)
def routines(name: str, dtype: np.dtype) -> tuple[Any, Any]:
    """Return LAPACK's factorisation for a dtype, and what tells how much memory it wants to work in."""
    return tuple(scipy.linalg.lapack.get_lapack_funcs((name, f"{name}_lwork"), dtype=dtype))


def column_major(A: np.ndarray) -> np.ndarray:
    """Return a copy that LAPACK overwrites without a copy of its own."""
    return np.array(np.swapaxes(A, -1, -2), order="C").swapaxes(-1, -2)


class Layout:
    """Where in LAPACK's packed form the factors stand: it exchanges rows of the rest only, not of the columns already done.

    `order` is the row of A that each row of P⁻¹A is; `moved[i, j]` the row of the packed column j that L's element (i, j)
    stands in; `below` and `blocks` the masks of L's elements and of the lower triangle of D's.
    """

    def __init__(self, pivots: np.ndarray, LD: Any):
        n, xp, storage = pivots.shape[-1], module_of(LD), LD.value.dtype
        count = math.prod(pivots.shape[:-1])
        order = np.broadcast_to(np.arange(n), (count, n)).copy()
        moved = np.broadcast_to(np.arange(n)[:, None], (count, n, n)).copy()
        pairs = np.zeros(moved.shape, bool)
        for k, row, paired in exchanges(pivots.reshape(count, n)):
            live = np.flatnonzero(row != k)
            if len(live):
                here, rows = live[:, None], np.stack((np.full(len(live), k), row[live]), -1)
                order[here, rows] = order[here, rows[:, ::-1]]
                moved[here, rows, :k] = moved[here, rows[:, ::-1], :k]
                both = paired[live]
                # the first column of a block belongs to it
                moved[here[both], rows[both], k - 1] = rows[both]
            pairs[:, k, k - 1] = paired
        self.order, self.moved = order.reshape(pivots.shape), moved.reshape(*pivots.shape, n)
        pairs = pairs.reshape(self.moved.shape)
        self.blocks: Any = lift(xp.asarray((pairs | np.eye(n, dtype=bool)).astype(storage)))
        self.below: Any = lift(xp.asarray((np.tri(n, n, -1, dtype=bool) & ~pairs).astype(storage)))

    def rearranged(self, LD: Any) -> Any:
        """Return the packed columns in the order of the rows of L."""
        index = np.broadcast_to(self.moved, LD.value.shape).copy()
        return LD.gather(-2, lift(module_of(LD).asarray(index)))

    def lower(self, LD: Any) -> Any:
        """Return L."""
        return self.rearranged(LD) * self.below + lift(module_of(LD).eye(LD.value.shape[-1], dtype=LD.value.dtype))

    def band(self, LD: Any, hermitian: bool) -> Any:
        """Return D, which has three diagonals, in the form of `solve_banded`."""
        D = LD * self.blocks
        main, below = D.diagonal(0, -2, -1), D.diagonal(-1, -2, -1)
        zero = main[..., :1] * 0
        above = below.conj() if hermitian else below
        return stack((cat((zero, above), -1), main, cat((below, zero), -1)), -2)


def exchanges(pivots: np.ndarray) -> Any:
    """Yield each row k, the row it was exchanged with or k, and whether it is the last of a block of two rows, per matrix."""
    opens = np.zeros(len(pivots), bool)
    for k in range(pivots.shape[-1]):
        closes, opens = opens, (pivots[:, k] < 0) & ~opens
        yield k, np.where(opens, k, np.abs(pivots[:, k]) - 1), closes


def solve_blocks(band: Any, B: Any) -> Any:
    """Return D⁻¹ B."""
    return solve_banded((1, 1), band, B) if B.value.shape[-2] > 1 else B / band[..., 1, :, None]


def flipped(X: Any, hermitian: bool) -> Any:
    """Return the transpose, conjugate if `hermitian`."""
    return X.mH if hermitian else X.mT


def ldl_factor_ex(
    input: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> linalg_ldl_factor_ex:
    """Return LD, pivots and info as `ldl_factor`, without raising: info is 0 or the place of a block of D that is zero."""
    name = "linalg.ldl_factor_ex"
    require_square(name, input)
    found = linalg_ldl_factor_ex(apply(_ldl(hermitian), input))
    if check_errors:
        refuse_singular(name, found[2].value, "factorization")
    return stored(found, out, name)


def ldl_factor(input: Tensor, *, hermitian: bool = False, out: Sequence[Tensor] | None = None) -> linalg_ldl_factor:
    """Return the factors of A = P L D Lᵀ Pᵀ (Lᴴ if `hermitian`) in one matrix and the exchanged rows, in LAPACK's form.

    A is (…, n, n), symmetric or Hermitian; its lower triangle is read. LinAlgError if a block of D is zero.
    """
    name = "linalg.ldl_factor"
    require_square(name, input)
    LD, pivots, info = apply(_ldl(hermitian), input)
    refuse_singular(name, info.value, "factorization")
    rely(lambda: info == 0)
    return stored(linalg_ldl_factor((LD, pivots)), out, name)


@public
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """Return X with A X = B, for B of shape (…, n, k), from A's `ldl_factor`."""
    name = "linalg.ldl_solve"
    require_square(name, LD, "LD")
    require_matrix(name, B, "B")
    require_one_dtype(name, LD, B)
    if pivots.value.dtype.kind != "i":
        raise RuntimeError(f"{name}: expected pivots to be integers, got {pivots.dtype}")
    if LD.value.shape[-1] != B.value.shape[-2]:
        raise RuntimeError(f"{name}: expected B with {LD.value.shape[-1]} rows, got shape {list(B.value.shape)}")
    if pivots.value.shape != LD.value.shape[:-1]:
        raise RuntimeError(f"{name}: expected pivots of shape {list(LD.value.shape[:-1])}, got {list(pivots.value.shape)}")
    LD, B = broadcast_batches(name, LD, B)
    if not B.value.size:
        return stored(B * 1, out, name)
    layout = Layout(np.broadcast_to(read_numbers(pivots), LD.value.shape[:-1]), LD)
    L = layout.lower(LD)
    Y = solve_triangular(L, rows_of(B, layout.order), upper=False, unitriangular=True)
    Y = solve_blocks(layout.band(LD, hermitian), Y)
    Y = solve_triangular(flipped(L, hermitian), Y, upper=True, unitriangular=True)
    return stored(rows_of(Y, np.argsort(layout.order, axis=-1)), out, name)


def ldl(A: Tensor, *, hermitian: bool = True) -> linalg_ldl:
    """Return P, L, D with A = P L D Lᴴ Pᵀ, or Lᵀ if not `hermitian`, for symmetric or Hermitian A of shape (…, n, n).

    P is a permutation, L unit lower triangular, D has blocks of one or two rows on its diagonal. The lower triangle of A is
    read.

    >>> import lineal as torch
    >>> torch.linalg.ldl(torch.tensor([[2.0, 1.0], [1.0, 1.5]])).D
    tensor([[2., 0.],
            [0., 1.]])
    """
    require_square("linalg.ldl", A)
    LD, pivots, _ = apply(_ldl(hermitian), A)
    layout = Layout(read_numbers(pivots), LD)
    P = np.swapaxes(np.eye(A.value.shape[-1], dtype=A.value.dtype)[layout.order], -1, -2).copy()
    D = LD * layout.blocks
    return linalg_ldl((lift(module_of(A).asarray(P)), layout.lower(LD), D + flipped(D.tril(-1), hermitian)))
