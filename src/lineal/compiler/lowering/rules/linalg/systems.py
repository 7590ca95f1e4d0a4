"""Systems of equations and inverses, and their derivatives; what has failed is given back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.batched.limits import Limits
from lineal.compiler.lowering.rules.contraction import transposed
from lineal.compiler.lowering.rules.linalg.expectations import shared, well_conditioned
from lineal.compiler.lowering.rules.linalg.lu import back_from, factored, inverse_from
from lineal.compiler.lowering.rules.linalg.matrices import across, first_like, known, lying, negative, specs_of, succeeded
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.linalg.expectations import border, probes_for
from lineal.ops.linalg.systems import (
    Inverse,
    InverseEx,
    InversePull,
    Solve,
    SolveEx,
    SolveFactored,
    SolveProbed,
    SolvePull,
    probing,
)

__all__: list[str] = []


@lowers(SolveFactored, of=FLOATS, where="by LU factors, without refinement")
def solve_factored(low: Any, op: Any, y: Any, A: BufferView, B: BufferView, *factors: BufferView) -> BufferView | None:
    """A X = B, or Aᵀ X = B, by A's LU factors."""
    if op.method != "lu" or op.refine or not known(A, B):
        return None
    return back_from(low, B, *factors, adjoint=op.adjoint)


@lowers(Solve, of=FLOATS, where="not empty")
def solve(low: Any, op: Any, y: Any, A: BufferView, B: BufferView) -> BufferView | None:
    """A X = B; a singular A is eager code's."""
    if not known(A, B):
        return None
    X, info = solution(low, A, B)
    succeeded(low, info)
    return X


@lowers(SolveEx, of=FLOATS, where="not empty")
def solve_ex(low: Any, op: Any, ys: Any, A: BufferView, B: BufferView) -> tuple[BufferView, BufferView] | None:
    """A X = B and info; a singular A makes X NaN."""
    if not known(A, B):
        return None
    X, info = solution(low, A, B)
    return regular(low, X, info), info


def solution(low: Any, A: BufferView, B: BufferView) -> tuple[BufferView, BufferView]:
    """Return A⁻¹ B, of no use where A is singular, and info."""
    specs = [(B.shape, B.buffer.dtype), (A.shape[:-2], np.int32)]
    found = across(low, "solve", [A, B], specs, lambda *turns: (*B.shape[-2:], turns))
    if found is not None:
        return lying(found[0][0], found[1][1]), found[0][1]
    LU, pivots, info = factored(low, A)
    return back_from(low, B, LU, pivots), info


def regular(low: Any, X: BufferView, info: BufferView) -> BufferView:
    """Return X, NaN where info is not 0."""
    spread = BufferView(info.buffer, X.shape, (*info.strides, 0, 0), info.offset)
    return low.map(X.shape, X.buffer.dtype, lambda m, x, bad: m.where(bad == 0, x, math.nan), X, spread, label="regular")


@lowers(Inverse, of=FLOATS, where="not empty")
def inverse(low: Any, op: Any, y: Any, A: BufferView, *factors: BufferView) -> BufferView | None:
    """Y = A⁻¹; a singular A is eager code's."""
    if not known(A):
        return None
    if factors:
        return inverse_from(low, *factors)
    Y, info = inverted(low, A)
    succeeded(low, info)
    return Y


@lowers(InverseEx, of=FLOATS, where="not empty")
def inverse_ex(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, BufferView] | None:
    """Y = A⁻¹ and info; a singular A makes Y NaN."""
    if not known(A):
        return None
    Y, info = inverted(low, A)
    return regular(low, Y, info), info


def inverted(low: Any, A: BufferView) -> tuple[BufferView, BufferView]:
    """Return A⁻¹, of no use where A is singular, and info."""
    specs = [(A.shape, A.buffer.dtype), (A.shape[:-2], np.int32)]
    found = across(low, "inverse", [A], specs, lambda _: (A.shape[-1],))
    if found is not None:
        return lying(found[0][0], found[1][0]), found[0][1]
    LU, pivots, info = factored(low, A)
    return inverse_from(low, LU, pivots), info


@lowers(SolvePull, of=FLOATS, where="not empty")
def solve_pull(low: Any, op: Any, ys: Any, A: BufferView, G: BufferView, X: BufferView) -> tuple[BufferView, ...] | None:
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
    return H, negative(low, low.product(H, transposed(X, True)))


@lowers(InversePull, of=FLOATS, where="not empty")
def inverse_pull(low: Any, op: Any, y: Any, Y: BufferView, G: BufferView) -> BufferView | None:
    """P = -Yᵀ G Yᵀ."""
    if not known(Y, G):
        return None
    found = across(low, "inverse_pull", [Y, G], [(Y.shape, y.storage)], lambda *turns: (Y.shape[-1], turns))
    back = transposed(Y, True)
    return first_like(found, 0) or negative(low, low.product(low.product(back, G), back))


@lowers(SolveProbed, of=FLOATS, where="not empty")
def solve_probed(low: Any, op: Any, ys: Any, A: BufferView, B: BufferView) -> tuple[BufferView, BufferView] | None:
    """A X = B, and 0 for each system that eager code would say nothing of."""
    if not known(A, B):
        return None
    n, dtype, lead = A.shape[-1], A.buffer.dtype, A.shape[:-2]
    count = probes_for(n, dtype).shape[-1]
    limits = Limits(border(n, dtype), math.inf, 0.0, probing(n, dtype)[1].growth)
    specs = [(B.shape, dtype), (lead, np.int32), (lead, np.int32)]
    given = lambda *turns: (*B.shape[-2:], count, limits, turns)
    found = across(low, "solve_probed", [A, B], specs, given, shared(n, dtype))
    if found is not None:
        succeeded(low, found[0][1])
        return first_like(found, 1), found[0][2]  # type: ignore[return-value]
    X, sound = solve(low, op, ys[0], A, B), well_conditioned(low, op, ys[1], A)
    return X, low.map(lead, np.int32, lambda m, x: m.where(x, 0, 1), sound, label="note")  # type: ignore[return-value]
