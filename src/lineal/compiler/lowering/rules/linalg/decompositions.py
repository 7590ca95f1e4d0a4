"""Orthogonal factors of small matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.codegen.choice import LARGEST_JACOBI, LEAST_BATCH
from lineal.compiler.lowering.rules.contraction import transposed
from lineal.compiler.lowering.rules.linalg.matrices import SMALL, across, known, specs_of, succeeded
from lineal.compiler.lowering.rules.linalg.triangular import substituted
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.ops.linalg.eigh import Eigh
from lineal.ops.linalg.least_squares import LeastSquaresPull, Scale
from lineal.ops.linalg.qr import QR, QRPull
from lineal.ops.linalg.svd import SVD

__all__: list[str] = []


@lowers(QR, of=FLOATS, where=SMALL)
def qr(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, ...] | None:
    """A = Q R."""
    if not known(A):
        return None
    found = across(low, "qr", [A], specs_of(ys), lambda _: (*A.shape[-2:], op.mode == "complete"), rows=True)
    return None if found is None else tuple(found[0])


@lowers(QRPull, of=FLOATS, where="not empty")
def qr_pull(low: Any, op: Any, y: Any, Q: BufferView, R: BufferView, G: BufferView, H: BufferView) -> BufferView | None:
    """A = (G + Q S) R⁻ᵀ with S symmetric, its upper triangle that of H Rᵀ - Qᵀ G."""
    if not known(Q, R, G, H):
        return None
    found = across(low, "qr_pull", [Q, R, G, H], [(Q.shape, y.storage)], lambda *_: Q.shape[-2:], rows=True)
    if found is not None:
        return found[0][0]
    first, second = low.product(H, transposed(R, True)), low.product(transposed(Q, True), G)
    rows, columns = Place(len(Q.shape) - 2), Place(len(Q.shape) - 1)
    upper = lambda m, a, b, c, d, i, j: m.where(i <= j, a - b, c - d)
    S = low.map(first.shape, y.storage, upper, first, second, transposed(first, True), transposed(second, True), rows, columns)
    T = low.map(Q.shape, y.storage, lambda m, g, x: g + x, G, low.product(Q, S), label="add")
    return transposed(substituted(low, R, transposed(T, True), True, False), True)


@lowers(LeastSquaresPull, of=FLOATS, where=SMALL)
def least_squares_pull(
    low: Any, op: Any, ys: Any, A: BufferView, B: BufferView, X: BufferView, G: BufferView
) -> tuple[BufferView, ...] | None:
    """H = A⁺ᵀ G and D = (B - A X) (A⁺ H)ᵀ - H Xᵀ, by A = Q R."""
    if not known(A, B, X, G):
        return None
    given = lambda *_: (*A.shape[-2:], B.shape[-1])
    found = across(low, "lstsq_pull", [A, B, X, G], specs_of(ys), given, rows=True)
    return None if found is None else tuple(found[0])


@lowers(Scale, of=FLOATS, where="not empty")
def scale(low: Any, op: Any, y: Any, A: BufferView) -> BufferView | None:
    """s = a power of two near 1 / max |A|; which of two near ones is no matter."""
    if not known(A):
        return None
    most = np.finfo(A.buffer.dtype).maxexp - 2
    sizes = low.map(A.shape, A.buffer.dtype, lambda m, x: m.abs(x), A, label="abs")
    top = low.reduce(sizes, (len(A.shape) - 2, len(A.shape) - 1), "maximum", keepdim=True)

    def formula(m: Any, top: Any) -> Any:
        power = m.minimum(m.maximum(m.floor(m.log2(top)) + 1, -most), most)
        return m.where(top > 0, m.exp2(-power), 1)

    return low.map(top.shape, A.buffer.dtype, formula, top, label="scale")


ALIKE = f"at least {LEAST_BATCH} matrices of at most {LARGEST_JACOBI} rows and columns, as in eager code"


@lowers(Eigh, of=FLOATS, where=ALIKE)
def eigh(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, ...] | None:
    """A = V Λ Vᵀ."""
    if not known(A):
        return None
    given = lambda flipped: (A.shape[-1], (op.uplo == "U") != flipped)
    found = across(low, "eigh", [A], specs_of(ys), given)
    return None if found is None else tuple(found[0])


@lowers(SVD, of=FLOATS, where=ALIKE)
def svd(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, ...] | None:
    """A = U Σ Vᵀ; what did not converge is eager code's."""
    if not known(A) or (op.full and A.shape[-1] != A.shape[-2]):
        return None
    specs = [*specs_of(ys), (A.shape[:-2], np.int32)]
    found = across(low, "svd", [A], specs, lambda _: A.shape[-2:], rows=True)
    if found is None:
        return None
    *parts, info = found[0]
    succeeded(low, info)
    return tuple(parts)
