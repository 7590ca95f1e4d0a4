"""Linear algebra: many small matrices by kernels across the batch, others by LAPACK; what has failed is given back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.kinds import kind_of
from lineal.compiler import dense, routines
from lineal.compiler.rules.contraction import turned
from lineal.compiler.rules.matrices import (
    across,
    by_columns,
    by_rows,
    changed,
    count,
    either,
    first_like,
    known,
    lying,
    negative,
    result,
    spaces,
    specs_of,
    succeeded,
)
from lineal.compiler.rules.table import rule
from lineal.compiler.windows import Place, Window
from lineal.ops.linalg.cholesky import Cholesky
from lineal.ops.linalg.cholesky_derivative import CholeskyPull
from lineal.ops.linalg.cofactors import Cofactors
from lineal.ops.linalg.determinants import Determinant, SignLogDet
from lineal.ops.linalg.kernels.decompositions import PULL_BLOCK
from lineal.ops.linalg.lu import LUFactor, RowOrder
from lineal.ops.linalg.systems import Inverse, InverseEx, InversePull, Solve, SolveEx, SolveFactored, SolvePull
from lineal.ops.linalg.triangular import SolveTriangular
from lineal.ops.premise import Expectation, Premise

__all__: list[str] = []


@rule(Premise, Expectation)
def premise(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = x, and the program goes on only if it is true."""
    low.check(x, isinstance(op, Expectation))
    return x


# Cholesky


@rule(Cholesky)
def cholesky(low: Any, op: Any, y: Any, A: Window) -> Window | None:
    """A = L Lᵀ; NaN in the last element where A is not positive definite."""
    if not known(A):
        return None
    n = A.shape[-1]
    found = across(low, "cholesky", [A], [(A.shape, y.storage)], lambda flipped: (n, op.upper != flipped))
    if found is not None:
        (L,), (flipped,) = found
        return turned(L, flipped)
    if dense.fits(n):
        return turned(large_cholesky(low, turned(A, op.upper)), op.upper)
    given, flipped = either(low, A)
    write = routines.potrf(kind_of(y.storage), n, count(A), op.upper != flipped)
    return turned(changed(low, "potrf", given, False, write, work=n**3 // 6), flipped)


def large_cholesky(low: Any, A: Window) -> Window:
    """Return the lower factor by the programs for large matrices."""
    n, dtype = A.shape[-1], A.base.dtype
    out, L = result(low, A.shape, dtype)
    work = spaces(low, dense.memory(dtype, n), dtype)
    write = dense.cholesky(dtype, n, count(A))
    low.routine("cholesky", write, [by_rows(low, A)], [out, *work], work=n**3 // 6, symbols=dense.symbols(dtype))
    return L


@rule(CholeskyPull)
def cholesky_pull(low: Any, op: Any, y: Any, L: Window, G: Window) -> Window | None:
    """P = L⁻ᵀ S L⁻¹, S the symmetric matrix of which ½ Lᵀ G is the lower triangle."""
    if not known(L, G):
        return None
    n = L.shape[-1]
    found = across(low, "cholesky_pull", [L, G], [(L.shape, y.storage)], lambda *_: (n, False), rows=True)
    if found is not None:
        return found[0][0]
    if n > PULL_BLOCK:
        out, P = result(low, L.shape, y.storage)
        write = routines.cholesky_pull(kind_of(y.storage), n, PULL_BLOCK, count(L))
        work = spaces(low, [PULL_BLOCK**2], y.storage)
        low.routine("cholesky_pull", write, [by_rows(low, L), by_rows(low, G)], [out, *work])
        return P
    both = low.product(turned(L, True), G)
    rows, columns = Place(len(L.shape) - 2), Place(len(L.shape) - 1)
    lower = lambda m, x, mirrored, i, j: m.where(i >= j, x, mirrored) * 0.5
    S = low.map(L.shape, y.storage, lower, both, turned(both, True), rows, columns, label="mirror")
    half = substituted(low, turned(L, True), S, True, False)
    return turned(substituted(low, turned(L, True), turned(half, True), True, False), True)


# triangular systems


@rule(SolveTriangular)
def solve_triangular(low: Any, op: Any, y: Any, A: Window, B: Window) -> Window | None:
    """A X = B with A triangular."""
    if not known(A, B):
        return None
    given = lambda *turns: (*B.shape[-2:], op.upper, op.unit, turns)
    return first_like(across(low, "solve_triangular", [A, B], [(B.shape, y.storage)], given), 1) or substituted(
        low, A, B, op.upper, op.unit
    )


def substituted(low: Any, A: Window, B: Window, upper: bool, unit: bool) -> Window:
    """Return A⁻¹ B by BLAS."""
    n, columns = B.shape[-2:]
    A, flipped = either(low, A)
    steps, dtype = (n * n, int(flipped)), B.base.dtype
    if dense.fits(n):
        write = dense.solve_triangular(dtype, n, columns, count(B), steps, upper, unit)
        work = spaces(low, [dense.room(dtype, n, columns)], dtype)
        return changed(low, "substitution", B, False, write, [A], work, work=n * n * columns // 2, symbols=dense.symbols(dtype))
    write = routines.trsm(kind_of(B.base.dtype), (n, columns, n), count(B), steps, upper, unit)
    return changed(low, "trsm", B, False, write, [A], work=n * n * columns // 2)


# general matrices


def factored(low: Any, A: Window) -> tuple[Window, Window, Window]:
    """Return LU, the exchanged rows and info, by LAPACK; of one matrix once."""
    key = ("getrf", (A,))
    if key not in low.known:
        low.known[key] = factoring(low, A)
    return low.known[key]


def factoring(low: Any, A: Window) -> tuple[Window, Window, Window]:
    """Append the factorisation, and return LU, the exchanged rows and info."""
    *lead, m, n = A.shape
    (rows, pivots), (code, info) = result(low, (*lead, min(m, n)), np.int32), result(low, tuple(lead), np.int32)
    if dense.fits(m, n):
        dtype = A.base.dtype
        outs = [rows, code, *spaces(low, dense.memory(dtype, m), dtype)]
        write, known = dense.lu(dtype, m, n, count(A)), {"work": m * n * min(m, n) // 3, "symbols": dense.symbols(dtype)}
        return changed(low, "lu", A, False, write, (), outs, **known), pivots, info
    write = routines.getrf(kind_of(A.base.dtype), m, n, count(A))
    LU = changed(low, "getrf", A, True, write, (), [rows, code], work=m * n * min(m, n) // 3)
    return LU, pivots, info


@rule(LUFactor)
def lu_factor(low: Any, op: Any, ys: Any, A: Window) -> tuple[Window, ...] | None:
    """P A = L U."""
    if not known(A):
        return None
    if A.shape[-1] == A.shape[-2]:
        found = across(low, "factor", [A], specs_of(ys), lambda _: (A.shape[-1],), rows=True)
        if found is not None:
            return tuple(found[0])
    return factored(low, A)


@rule(RowOrder)
def row_order(low: Any, op: Any, y: Any, pivots: Window) -> Window | None:
    """y = the row of A that each row of L U is."""
    if 0 in pivots.shape:
        return None
    rows, dtype = op.rows, pivots.base.dtype
    low.check(low.map(pivots.shape, np.bool_, lambda m, p: (p >= 1) & (p <= rows), pivots, label="in range"))
    # what is out of range goes nowhere else before the check is heard
    kept = low.map(pivots.shape, dtype, lambda m, p: m.where((p >= 1) & (p <= rows), p, 1), pivots, label="kept")
    out, order = result(low, tuple(y.shape), y.storage)
    write = routines.row_order(rows, pivots.shape[-1], math.prod(pivots.shape[:-1]))
    low.routine("row order", write, [by_rows(low, kept)], [out])
    return order


@rule(SolveFactored)
def solve_factored(low: Any, op: Any, y: Any, A: Window, B: Window, *factors: Window) -> Window | None:
    """A X = B, or Aᵀ X = B, by A's LU factors."""
    if op.method != "lu" or op.refine or not known(A, B):
        return None
    return back_from(low, B, *factors, adjoint=op.adjoint)


def back_from(low: Any, B: Window, LU: Window, pivots: Window, adjoint: bool = False) -> Window:
    """Return A⁻¹ B, or A⁻ᵀ B, from A's factors."""
    n, columns = B.shape[-2:]
    if dense.fits(n):
        dtype, (LU, flipped) = B.base.dtype, either(low, LU)
        write = dense.solve_factored(dtype, n, columns, count(B), flipped, adjoint)
        args, work = [LU, by_rows(low, pivots)], spaces(low, [dense.room(dtype, n, columns)], dtype)
        return changed(low, "solution", B, False, write, args, work, work=n * n * columns, symbols=dense.symbols(dtype))
    write = routines.getrs(kind_of(B.base.dtype), n, columns, count(B), adjoint)
    return changed(low, "getrs", B, True, write, [by_columns(low, LU), by_rows(low, pivots)], work=n * n * columns)


@rule(Solve)
def solve(low: Any, op: Any, y: Any, A: Window, B: Window) -> Window | None:
    """A X = B; a singular A is eager code's."""
    if not known(A, B):
        return None
    X, info = solution(low, A, B)
    succeeded(low, info)
    return X


@rule(SolveEx)
def solve_ex(low: Any, op: Any, ys: Any, A: Window, B: Window) -> tuple[Window, Window] | None:
    """A X = B and info; a singular A makes X NaN."""
    if not known(A, B):
        return None
    X, info = solution(low, A, B)
    return regular(low, X, info), info


def solution(low: Any, A: Window, B: Window) -> tuple[Window, Window]:
    """Return A⁻¹ B, of no use where A is singular, and info."""
    specs = [(B.shape, B.base.dtype), (A.shape[:-2], np.int32)]
    found = across(low, "solve", [A, B], specs, lambda *turns: (*B.shape[-2:], turns))
    if found is not None:
        return lying(found[0][0], found[1][1]), found[0][1]
    LU, pivots, info = factored(low, A)
    return back_from(low, B, LU, pivots), info


def regular(low: Any, X: Window, info: Window) -> Window:
    """Return X, NaN where info is not 0."""
    spread = Window(info.base, X.shape, (*info.strides, 0, 0), info.offset)
    return low.map(X.shape, X.base.dtype, lambda m, x, bad: m.where(bad == 0, x, math.nan), X, spread, label="regular")


@rule(Inverse)
def inverse(low: Any, op: Any, y: Any, A: Window, *factors: Window) -> Window | None:
    """Y = A⁻¹; a singular A is eager code's."""
    if not known(A):
        return None
    if factors:
        return inverse_from(low, *factors)
    Y, info = inverted(low, A)
    succeeded(low, info)
    return Y


@rule(InverseEx)
def inverse_ex(low: Any, op: Any, ys: Any, A: Window) -> tuple[Window, Window] | None:
    """Y = A⁻¹ and info; a singular A makes Y NaN."""
    if not known(A):
        return None
    Y, info = inverted(low, A)
    return regular(low, Y, info), info


def inverted(low: Any, A: Window) -> tuple[Window, Window]:
    """Return A⁻¹, of no use where A is singular, and info."""
    specs = [(A.shape, A.base.dtype), (A.shape[:-2], np.int32)]
    found = across(low, "inverse", [A], specs, lambda _: (A.shape[-1],))
    if found is not None:
        return lying(found[0][0], found[1][0]), found[0][1]
    LU, pivots, info = factored(low, A)
    return inverse_from(low, LU, pivots), info


def inverse_from(low: Any, LU: Window, pivots: Window) -> Window:
    """Return A⁻¹ from A's factors."""
    n, dtype = LU.shape[-1], LU.base.dtype
    if dense.fits(n):
        return large_inverse(low, LU, pivots)
    space, _ = result(low, (n * routines.WORKSPACE,), dtype)
    write = routines.getri(kind_of(dtype), n, count(LU))
    return changed(low, "getri", LU, True, write, [by_rows(low, pivots)], [space], work=n**3 * 2 // 3)


def large_inverse(low: Any, LU: Window, pivots: Window) -> Window:
    """Return the inverse by the programs for large matrices."""
    n, dtype = LU.shape[-1], LU.base.dtype
    LU, flipped = either(low, LU)
    out, Y = result(low, LU.shape, dtype)
    outs = [out, *spaces(low, [dense.room(dtype, n, n)], dtype)]
    write, args = dense.inverse(dtype, n, count(LU), flipped), [LU, by_rows(low, pivots)]
    low.routine("inverse", write, args, outs, work=n**3 * 2 // 3, symbols=dense.symbols(dtype))
    return Y


@rule(SolvePull)
def solve_pull(low: Any, op: Any, ys: Any, A: Window, G: Window, X: Window) -> tuple[Window, ...] | None:
    """H = A⁻ᵀ G and D = -H Xᵀ."""
    if not known(A, G, X):
        return None
    specs = [*specs_of(ys), (A.shape[:-2], np.int32)]
    found = across(low, "solve_pull", [A, G, X], specs, lambda *turns: (*G.shape[-2:], turns))
    if found is not None:
        (H, D, info), (first, second, _) = found
        succeeded(low, info)
        return lying(H, second), lying(D, first)
    LU, pivots, info = factored(low, A)
    succeeded(low, info)
    H = back_from(low, G, LU, pivots, adjoint=True)
    return H, negative(low, low.product(H, turned(X, True)))


@rule(InversePull)
def inverse_pull(low: Any, op: Any, y: Any, Y: Window, G: Window) -> Window | None:
    """P = -Yᵀ G Yᵀ."""
    if not known(Y, G):
        return None
    found = across(low, "inverse_pull", [Y, G], [(Y.shape, y.storage)], lambda *turns: (Y.shape[-1], turns))
    back = turned(Y, True)
    return first_like(found, 0) or negative(low, low.product(low.product(back, G), back))


# determinants


def pivoted(low: Any, LU: Window, pivots: Window) -> Window:
    """Return the diagonal of U, its signs changed where rows were exchanged: the factors of det A."""
    n = LU.shape[-1]
    shape, lead = (*LU.shape[:-2], n), len(LU.shape) - 2
    diagonal = Window(LU.base, shape, (*LU.strides[:-2], LU.strides[-2] + LU.strides[-1]), LU.offset)
    sign = lambda m, d, p, i: m.where(p.astype(np.int64) == i + 1, d, -d)
    return low.map(shape, LU.base.dtype, sign, diagonal, pivots, Place(lead), label="pivots")


@rule(Determinant)
def determinant(low: Any, op: Any, y: Any, A: Window, *factors: Window) -> Window | None:
    """y = det A; where the product of pivots leaves the range, eager code multiplies with more care."""
    if not known(A):
        return None
    if not factors:
        if ("determinant", A) in low.known:
            return low.known["determinant", A][0]
        found = across(low, "determinant", [A], specs_of([y]), lambda _: (A.shape[-1],))
        if found is not None:
            return found[0][0]
        factors = factored(low, A)[:2]
    d = pivoted(low, *factors)
    axis = (len(d.shape) - 1,)
    found = low.reduce(d, axis, "multiply")
    least = low.reduce(low.map(d.shape, y.storage, lambda m, d: abs(d), d, label="abs"), axis, "minimum")
    limits = np.finfo(y.storage)
    small = float(limits.tiny / limits.eps)
    inside = lambda m, y, least: ((abs(y) >= small) & (abs(y) < math.inf)) | (least == 0)
    low.check(low.map(found.shape, np.bool_, inside, found, least, label="in range"))
    return found


@rule(SignLogDet)
def sign_log_det(low: Any, op: Any, ys: Any, A: Window) -> tuple[Window, ...] | None:
    """(s, l) with det A = s eˡ."""
    if not known(A):
        return None
    found = across(low, "sign_and_logarithm", [A], specs_of(ys), lambda _: (A.shape[-1],))
    if found is not None:
        return tuple(found[0])
    LU, pivots, _ = factored(low, A)
    d = pivoted(low, LU, pivots)
    axis, dtype = (len(d.shape) - 1,), ys[0].storage
    signs = low.map(d.shape, dtype, lambda m, d: m.sign(d), d, label="sign")
    sizes = low.map(d.shape, dtype, lambda m, d: m.log(abs(d)), d, label="log")
    sign, logarithm = low.reduce(signs, axis, "multiply"), low.reduce(sizes, axis, "add")
    # of a matrix with NaN the sign is 0
    plain = lambda m, s, x: m.where(x == x, s, 0.0)
    return low.map(sign.shape, dtype, plain, sign, logarithm, label="sign"), logarithm


@rule(Cofactors)
def cofactors(low: Any, op: Any, y: Any, A: Window) -> Window | None:
    """C = cof A; doubtful ones are eager code's."""
    if not known(A):
        return None
    found = across(low, "cofactors", [A], [(A.shape, y.storage), (A.shape[:-2], np.int32)], lambda _: (A.shape[-1],))
    if found is None:
        return None
    succeeded(low, found[0][1])
    return first_like(found, 0)
