"""Determinants and cofactors, by LU factors or by kernels across the batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.linalg.lu import factored
from lineal.compiler.lowering.rules.linalg.matrices import SMALL, across, first_like, known, specs_of, succeeded
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.ops.linalg.cofactors import Cofactors
from lineal.ops.linalg.determinants import Determinant, SignLogDet

__all__: list[str] = []


def pivoted(low: Any, LU: BufferView, pivots: BufferView) -> BufferView:
    """Return the diagonal of U, its signs changed where rows were exchanged: the factors of det A."""
    n = LU.shape[-1]
    shape, lead = (*LU.shape[:-2], n), len(LU.shape) - 2
    diagonal = BufferView(LU.buffer, shape, (*LU.strides[:-2], LU.strides[-2] + LU.strides[-1]), LU.offset)
    sign = lambda m, d, p, i: m.where(p.astype(np.int64) == i + 1, d, -d)
    return low.map(shape, LU.buffer.dtype, sign, diagonal, pivots, Place(lead), label="pivots")


@lowers(Determinant, of=FLOATS, where="not empty")
def determinant(low: Any, op: Any, y: Any, A: BufferView, *factors: BufferView) -> BufferView | None:
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


@lowers(SignLogDet, of=FLOATS, where="not empty")
def sign_log_det(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, ...] | None:
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


@lowers(Cofactors, of=FLOATS, where=SMALL)
def cofactors(low: Any, op: Any, y: Any, A: BufferView) -> BufferView | None:
    """C = cof A; doubtful ones are eager code's."""
    if not known(A):
        return None
    found = across(low, "cofactors", [A], [(A.shape, y.storage), (A.shape[:-2], np.int32)], lambda _: (A.shape[-1],))
    if found is None:
        return None
    succeeded(low, found[0][1])
    return first_like(found, 0)
