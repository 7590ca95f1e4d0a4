"""Cholesky factors and their derivative."""

from __future__ import annotations

from typing import Any

from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering import dense, routines
from lineal.compiler.lowering.rules.contraction import transposed
from lineal.compiler.lowering.rules.linalg.matrices import across, by_rows, changed, count, either, known, large, result, spaces
from lineal.compiler.lowering.rules.linalg.triangular import substituted
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.ops.linalg.cholesky import Cholesky
from lineal.ops.linalg.cholesky_derivative import CholeskyPull
from lineal.ops.linalg.kernels.decompositions import PULL_BLOCK

__all__: list[str] = []


@lowers(Cholesky, of=FLOATS, where="not empty")
def cholesky(low: Any, op: Any, y: Any, A: BufferView) -> BufferView | None:
    """A = L Lᵀ; NaN in the last element where A is not positive definite."""
    if not known(A):
        return None
    n = A.shape[-1]
    found = across(low, "cholesky", [A], [(A.shape, y.storage)], lambda flipped: (n, op.upper != flipped))
    if found is not None:
        (L,), (flipped,) = found
        return transposed(L, flipped)
    if large("cholesky", A):
        return transposed(large_cholesky(low, transposed(A, op.upper)), op.upper)
    given, flipped = either(low, A)
    write = routines.potrf(kind_of(y.storage), n, count(A), op.upper != flipped)
    return transposed(changed(low, "potrf", given, False, write, work=n**3 // 6), flipped)


def large_cholesky(low: Any, A: BufferView) -> BufferView:
    """Return the lower factor by the programs for large matrices."""
    n, dtype = A.shape[-1], A.buffer.dtype
    out, L = result(low, A.shape, dtype)
    work = spaces(low, dense.memory(dtype, n), dtype)
    write = dense.cholesky(dtype, n, count(A))
    low.routine("cholesky", write, [by_rows(low, A)], [out, *work], work=n**3 // 6, symbols=dense.symbols(dtype))
    return L


@lowers(CholeskyPull, of=FLOATS, where="not empty")
def cholesky_pull(low: Any, op: Any, y: Any, L: BufferView, G: BufferView) -> BufferView | None:
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
    both = low.product(transposed(L, True), G)
    rows, columns = Place(len(L.shape) - 2), Place(len(L.shape) - 1)
    lower = lambda m, x, mirrored, i, j: m.where(i >= j, x, mirrored) * 0.5
    S = low.map(L.shape, y.storage, lower, both, transposed(both, True), rows, columns, label="mirror")
    half = substituted(low, transposed(L, True), S, True, False)
    return transposed(substituted(low, transposed(L, True), transposed(half, True), True, False), True)
