"""Systems with few diagonals."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply, lift, module_of
from lineal.ops.broadcasting import expand
from lineal.ops.linalg.matrices import place_of, require_field, require_matrix, require_one_dtype, require_vector

__all__ = ["solve_banded"]

scipy: Any = later.module("scipy")


class SolveBanded(Op):
    """A X = B for A with `lower` diagonals below the main one and `upper` above, in rows: Aᵢⱼ = ab[upper + i - j, j];

    B̄ = A⁻ᴴ X̄, again a banded system, and the band of Ā = -B̄ Xᴴ, of which only these diagonals are formed.   Giles (2008),
    section 2.3.1, restricted to the band; LAPACK Users' Guide, section on band storage.
    """

    lower: int
    upper: int
    grad_name = "LinalgSolveBandedBackward0"
    keeps = ("0 y", "0")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, ab, B):
        X = np.empty(B.shape, B.dtype)
        for place in np.ndindex(B.shape[:-2]) if B.size else ():
            try:
                X[place] = scipy.linalg.solve_banded((self.lower, self.upper), ab[place], B[place], check_finite=False)
            except np.linalg.LinAlgError:
                where = place_of(int(np.ravel_multi_index(place, B.shape[:-2])) if place else 0, B.shape[:-2])
                raise LinAlgError(f"linalg.solve_banded: {where}the matrix is singular") from None
        return X

    def vjp(self, needs, g, y, ab, B):
        lower, upper = self.lower, self.upper
        back = apply(_solve_banded(upper, lower), adjoint_band(ab, lower, upper), g)
        if not needs[0]:
            return None, back
        n, xp = ab.value.shape[-1], module_of(g)
        rows, inside = places(lower + upper + 1, n, upper)
        above = back.index_select(-2, lift(xp.asarray(rows.ravel())))
        above = above.reshape(*back.value.shape[:-2], lower + upper + 1, n, back.value.shape[-1])
        return -(above * y.conj().unsqueeze(-3)).sum(-1) * lift(xp.asarray(inside.astype(y.value.dtype))), back


_solve_banded = functools.lru_cache(256)(SolveBanded)


def places(diagonals: int, n: int, main: int) -> tuple[np.ndarray, np.ndarray]:
    """Return, per element of a band, its row j + r - main in the matrix, and whether that exists."""
    rows = np.arange(n) + np.arange(diagonals)[:, None] - main
    inside = (rows >= 0) & (rows < n)
    return np.where(inside, rows, 0), inside


def adjoint_band(ab: Any, lower: int, upper: int) -> Any:
    """Return the band of Aᴴ: diagonals in reverse order, each moved to the columns that were its rows."""
    columns, inside = places(lower + upper + 1, ab.value.shape[-1], lower)
    index, xp = np.ascontiguousarray(np.broadcast_to(columns, ab.value.shape)), module_of(ab)
    return ab.flip(-2).conj().gather(-1, lift(xp.asarray(index))) * lift(xp.asarray(inside.astype(ab.value.dtype)))


def solve_banded(l_and_u: Sequence[int], ab: Tensor, b: Tensor) -> Tensor:
    """Return x with A x = b for a matrix A of `l` diagonals below and `u` above the main one, O(n (l + u)²).

    ab is (…, l + u + 1, n) and holds Aᵢⱼ in row u + i - j of column j; the corners outside of A are not read. b is (n,) or
    (…, n, k). LinAlgError names the batch entry of a singular A.

    >>> import lineal as torch
    >>> ab = torch.tensor([[0.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    >>> torch.linalg.solve_banded((0, 1), ab, torch.tensor([3.0, 3.0, 2.0]))
    tensor([1., 1., 1.])
    """
    name = "linalg.solve_banded"
    lower, upper = (int(each) for each in l_and_u)
    require_matrix(name, ab, "ab")
    require_field(name, b)
    require_one_dtype(name, ab, b)
    require_vector(name, b, "b")
    diagonals, n = ab.value.shape[-2:]
    vector = b.value.ndim == 1
    right: Any = b[..., None] if vector else b
    if min(lower, upper) < 0 or diagonals != lower + upper + 1:
        wanted = f"(…, {lower + upper + 1}, n) for ({lower}, {upper})"
        raise RuntimeError(f"{name}: expected ab of shape {wanted}, got {list(ab.value.shape)}")
    if right.value.shape[-2] != n:
        raise RuntimeError(f"{name}: expected b with {n} rows, got shape {list(b.value.shape)}")
    batch = broadcast_shapes(name, ab.value.shape[:-2], right.value.shape[:-2])
    inputs = expand(ab, (*batch, diagonals, n)), expand(right, (*batch, n, right.value.shape[-1]))
    X = apply(_solve_banded(lower, upper), *inputs)
    return X[..., 0] if vector else X
