"""Conditions, judged beside the solutions: a few right-hand sides more for the same factors, or for a kernel of batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.lowering import routines
from lineal.compiler.lowering.rules.contraction import transposed
from lineal.compiler.lowering.rules.linalg.lu import back_from, factored
from lineal.compiler.lowering.rules.linalg.matrices import across, known, result
from lineal.compiler.lowering.rules.linalg.triangular import substituted
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.ops.linalg.expectations import WellConditioned, WellFactored, border, probes_for

__all__: list[str] = []


def shared(n: int, dtype: np.dtype) -> dict[str, int]:
    """Return the name and address of the probes for matrices of n rows."""
    return {f"probes_{n}_{dtype.name}": probes_for(n, dtype).ctypes.data}


def probes_of(low: Any, A: BufferView) -> BufferView:
    """Return the probes of square matrices, for each of a stack the same."""
    n, dtype = A.shape[-1], A.buffer.dtype
    address, V = shared(n, dtype), probes_for(n, dtype)
    out, found = result(low, V.shape, dtype)
    low.routine("probes", routines.constant(*address, V.nbytes), [], [out], symbols=address)
    return found.stretched((*A.shape[:-2], *V.shape))


def squares(low: Any, x: BufferView) -> BufferView:
    """Return the sums of each matrix's squares."""
    axes = (len(x.shape) - 2, len(x.shape) - 1)
    return low.reduce(low.map(x.shape, x.buffer.dtype, lambda m, x: x * x, x, label="square"), axes, "add")


def within(low: Any, norms: BufferView, W: BufferView, power: int) -> BufferView:
    """Return whether |A| |W| is within the border, where `norms` are |A| to this power of 2 or 1, squared."""
    most = border(W.shape[-2], W.buffer.dtype, power == 1)
    formula = lambda m, a, w: m.sqrt(a) * m.sqrt(w) <= most if power == 1 else a * m.sqrt(w) <= most
    return low.map(norms.shape, np.bool_, formula, norms, squares(low, W), label="well conditioned")


@lowers(WellConditioned, of=FLOATS, where="not empty")
def well_conditioned(low: Any, op: Any, y: Any, A: BufferView) -> BufferView | None:
    """y = whether |A| |A⁻¹ V| is small, V the probes."""
    if not known(A):
        return None
    n, dtype, lead = A.shape[-1], A.buffer.dtype, A.shape[:-2]
    count = probes_for(n, dtype).shape[-1]
    found = across(low, "determinant_probed", [A], [(lead, dtype)] * 3, lambda _: (n, count), shared(n, dtype))
    if found is not None:
        determinant, norms, sizes = found[0]
        low.known["determinant", A] = (determinant,)
        most = border(n, dtype)
        return low.map(lead, np.bool_, lambda m, a, w: a * w <= most, norms, sizes, label="well conditioned")
    LU, pivots, _ = factored(low, A)
    return within(low, squares(low, A), back_from(low, probes_of(low, A), LU, pivots), 1)


@lowers(WellFactored, of=FLOATS, where="not empty")
def well_factored(low: Any, op: Any, y: Any, L: BufferView) -> BufferView | None:
    """y = whether |L|² |L⁻ᴴ L⁻¹ V| is small, V the probes."""
    if not known(L):
        return None
    rows, columns = Place(len(L.shape) - 2), Place(len(L.shape) - 1)
    T = low.map(L.shape, L.buffer.dtype, lambda m, x, i, j: m.where(i >= j, x, x * 0), L, rows, columns, label="lower")
    half = substituted(low, T, probes_of(low, L), False, False)
    return within(low, squares(low, T), substituted(low, transposed(T, True), half, True, False), 2)
