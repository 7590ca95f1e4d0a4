"""Stencils: matrices of which every row reads the same few neighbours of a point of a grid; no index is stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal import ops
from lineal.base import config, dtypes, later
from lineal.core import Op, apply
from lineal.solvers.operators.base import LinearOperator, require_vectors, total
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.compression import sparse_csr_tensor
from lineal.sparse.creation import sparse_coo_tensor
from lineal.tensors import Tensor, as_tensor

__all__ = ["Grid", "Stencil", "poisson"]

forms: Any = later.module("lineal.codegen.sparse.stencils")
passes: Any = later.module("lineal.codegen.sparse.passes")

BOUNDARIES = ("dirichlet", "neumann", "periodic")


class Grid(NamedTuple):
    """The points of a stencil: sizes, where neighbours are, and what is beyond each axis' borders."""

    shape: tuple[int, ...]
    offsets: tuple[tuple[int, ...], ...]
    boundaries: tuple[str, ...]

    @property
    def points(self) -> int:
        """How many points there are."""
        return math.prod(self.shape)

    @property
    def opposite(self) -> Grid:
        """The grid of which neighbours lie on the other side."""
        return self._replace(offsets=tuple([tuple([-each for each in offset]) for offset in self.offsets]))

    @property
    def reflects(self) -> bool:
        """Whether points beyond some border stand for points inside, which is no stencil the other way."""
        return "neumann" in self.boundaries

    def neighbours(self, offset: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return, for each point in order, the number of its neighbour, and whether there is one."""
        places, inside = ops.zeros(1, dtype=dtypes.int64), ops.ones(1, dtype=dtypes.bool_)
        for size, step, boundary in zip(self.shape, offset, self.boundaries):
            place = ops.arange(size) + step
            there = (place >= 0) & (place < size)
            if boundary == "neumann":
                place = ops.where(place < 0, -1 - place, ops.where(place >= size, 2 * size - 1 - place, place))
            if boundary != "dirichlet":
                there = ops.ones_like(there)
            # of what is outside any place will do
            places = (places.unsqueeze(1) * size + place % max(size, 1)).reshape(-1)
            inside = (inside.unsqueeze(1) & there).reshape(-1)
        return places, inside

    def shifted(self, x: Tensor, offset: Sequence[int]) -> Tensor:
        """Return each point's neighbour of a vector (n), or of columns (n × k); zero where there is none."""
        places, inside = self.neighbours(offset)
        found = x.index_select(0, places)
        return ops.where(columnwise(inside, x), found, ops.zeros_like(found))

    def scattered(self, y: Tensor, offset: Sequence[int]) -> Tensor:
        """Return the adjoint of `shifted`."""
        places, inside = self.neighbours(offset)
        return ops.zeros_like(y).index_add(0, places, ops.where(columnwise(inside, y), y, ops.zeros_like(y)))


def columnwise(vector: Tensor, like: Tensor) -> Tensor:
    """Return a vector as what multiplies a vector, or each column of a matrix."""
    return vector if like.ndim == 1 else vector.unsqueeze(1)


class StencilProduct(Op):
    """y = Σₖ cₖ ∘ Sₖ x, Sₖ the shift to the k-th neighbour;  c̄ₖ = ȳ ∘ (Sₖ x)*, summed up if cₖ is one number;  x̄ = Aᴴ ȳ."""

    grid: Grid
    keeps = ("1", "0")
    host_only = "its kernel is native code for NumPy's arrays"
    no_batch = no_lowering = "its kernel is native code, which is called as a host step, slice by slice"

    def eager(self, xp, coefficients, x):
        c: Any = np.ascontiguousarray(coefficients)
        columns: Any = np.ascontiguousarray(x.T)
        if x.dtype.kind != "c":
            return self.product(c, columns)
        c, parts = (c.real.copy(), c.imag.copy()), (columns.real.copy(), columns.imag.copy())
        (rr, ri), (ir, ii) = ([self.product(a, b) for b in parts] for a in c)
        return (rr - ii) + 1j * (ri + ir)

    def product(self, coefficients: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the product of real numbers with a vector, or with the columns of a matrix, which come as rows."""
        rows = forms.StencilForm.of(coefficients, *self.grid, stack=len(columns) if columns.ndim > 1 else 1)
        return passes.product(rows, columns.reshape(-1)).reshape(columns.shape).T

    def vjp(self, needs, g, y, coefficients, x):
        return (
            self.coefficients_pulled(g, x, coefficients.ndim) if needs[0] else None,
            self.pulled(g, coefficients.conj()) if needs[1] else None,
        )

    def coefficients_pulled(self, g: Tensor, x: Tensor, ndim: int) -> Tensor:
        """Return the cotangent of the coefficients."""
        terms = [g * self.grid.shifted(x, offset).conj() for offset in self.grid.offsets]
        if ndim == 1:
            return ops.stack([term.sum() for term in terms])
        points = [term if term.ndim == 1 else term.sum(1) for term in terms]
        return ops.stack([each.reshape(self.grid.shape) for each in points])

    def pulled(self, g: Tensor, coefficients: Tensor) -> Tensor:
        """Return Aᵀ g."""
        if not self.grid.reflects:
            return apply(StencilProduct(self.grid.opposite), moved(self.grid, coefficients), g)
        whole = coefficients.reshape(len(self.grid.offsets), -1)
        terms = [self.grid.scattered(columnwise(c, g) * g, offset) for c, offset in zip(whole, self.grid.offsets)]
        return total(terms)


def moved(grid: Grid, coefficients: Tensor) -> Tensor:
    """Return the coefficients of the transpose, which stand at the neighbours."""
    if coefficients.ndim == 1:
        return coefficients
    opposite = grid.opposite
    parts = [opposite.shifted(c.reshape(-1), offset) for c, offset in zip(coefficients, opposite.offsets)]
    return ops.stack(parts).reshape(coefficients.shape)


class Stencil(LinearOperator):
    """The matrix (A x)[i] = Σₖ cₖ x[i + oₖ] over the points i of a grid of one to three dimensions, in the order of memory.

    `offsets` are K tuples of whole numbers, `coefficients` K numbers, or for each point its own (K, *shape), float or complex.
    Beyond the border of an axis x is zero ("dirichlet"), that of the other end ("periodic"), or that of the point as far inside
    ("neumann": the derivative is zero halfway to the next point). `boundary` is one of these, or one for each axis. Gradients
    reach the coefficients. RuntimeError for what does not fit; ValueError for another boundary.
    """

    def __init__(
        self,
        shape: Sequence[int],
        offsets: Sequence[Sequence[int]],
        coefficients: Tensor,
        boundary: str | Sequence[str] = "dirichlet",
    ):
        sizes, places = tuple(map(int, shape)), tuple([tuple(map(int, offset)) for offset in offsets])
        boundaries = (boundary,) * len(sizes) if isinstance(boundary, str) else tuple(boundary)
        if not set(boundaries) <= set(BOUNDARIES) or len(boundaries) != len(sizes):
            raise ValueError(f"Stencil: expected one of {', '.join(BOUNDARIES)} for {len(sizes)} axes, got {boundary!r}")
        if not 1 <= len(sizes) <= 3 or not places or any(len(offset) != len(sizes) for offset in places):
            raise RuntimeError(f"Stencil: expected 1 to 3 axes and offsets for each, got shape {list(sizes)} and {places}")
        if any(abs(step) > max(size, 1) for offset in places for step, size in zip(offset, sizes)):
            raise RuntimeError(f"Stencil: an offset of {places} is longer than the grid {list(sizes)}")
        if tuple(coefficients.shape) not in ((len(places),), (len(places), *sizes)):
            wanted = f"[{len(places)}] or {[len(places), *sizes]}"
            raise RuntimeError(f"Stencil: expected coefficients of shape {wanted}, got {list(coefficients.shape)}")
        if coefficients.dtype not in (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128):
            raise RuntimeError(f"Stencil: expected float32, float64 or complex coefficients, got {coefficients.dtype}")
        self.grid, self.tensors, self.dtype = Grid(sizes, places, boundaries), (coefficients,), coefficients.dtype
        self.shape = (self.grid.points, self.grid.points)

    @property
    def coefficients(self) -> Tensor:
        """The coefficients (K), or those of each point (K, *shape)."""
        return self.tensors[0]

    def product(self, x: Tensor) -> Tensor:
        return apply(StencilProduct(self.grid), self.coefficients, require_vectors(self, x))

    def adjoint(self) -> LinearOperator:
        if self.grid.reflects:
            return super().adjoint()
        opposite = self.grid.opposite
        return Stencil(opposite.shape, opposite.offsets, moved(self.grid, self.coefficients.conj()), opposite.boundaries)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> Stencil:
        (coefficients,) = tensors
        return Stencil(self.grid.shape, self.grid.offsets, coefficients, self.grid.boundaries)

    def native_rows(self) -> Any:
        if self.dtype.is_complex:
            return None
        return forms.StencilForm.of(np.ascontiguousarray(self.coefficients.value), *self.grid)

    def entries(self, k: int) -> Tensor:
        """Return the k-th coefficient of each point (n)."""
        return self.coefficients[k].expand(self.grid.shape).reshape(-1)

    def diagonal(self) -> Tensor:
        found, own = ops.zeros(self.shape[0], dtype=self.dtype), ops.arange(self.shape[0])
        for k, offset in enumerate(self.grid.offsets):
            # a neighbour beyond a border may be the point itself
            if not any(step and boundary == "dirichlet" for step, boundary in zip(offset, self.grid.boundaries)):
                found = found + self.entries(k) * (self.grid.neighbours(offset)[0] == own).to(self.dtype)
        return found

    def to_sparse_csr(self) -> CompressedTensor:
        """Return the matrix, compressed by rows; indices are int32 where that is enough."""
        places, values = [], []
        for k, offset in enumerate(self.grid.offsets):
            columns, inside = self.grid.neighbours(offset)
            rows = inside.nonzero().squeeze(1)
            places.append(ops.stack([rows, columns.index_select(0, rows)]))
            values.append(self.entries(k).index_select(0, rows))
        matrix: Any = sparse_coo_tensor(ops.cat(places, 1), ops.cat(values), self.shape).coalesce()
        rows = matrix.to_sparse_csr()
        kind = dtypes.int32 if rows.entries.numel() < 2**31 else dtypes.int64
        pointers, indices = (each.to(kind) for each in rows.pattern[:2])
        return sparse_csr_tensor(pointers, indices, rows.entries, self.shape, check_invariants=False)


def poisson(
    shape: Sequence[int],
    *,
    spacing: float | Sequence[float] = 1.0,
    boundary: str | Sequence[str] = "dirichlet",
    dtype: dtypes.dtype | None = None,
) -> Stencil:
    """Return −Δ on a grid of one to three dimensions by second differences: 3, 5 or 7 points; `spacing` is that of each axis.

    With "dirichlet" borders it is positive definite; with others alone the constant vector is in its null space. ValueError for
    a spacing that is not positive.
    """
    steps = [float(spacing)] * len(shape) if isinstance(spacing, (int, float)) else [float(each) for each in spacing]
    if len(steps) != len(shape) or not all(step > 0 for step in steps):
        raise ValueError(f"poisson: expected a positive spacing for each of {len(shape)} axes, got {spacing}")
    offsets, values = [(0,) * len(shape)], [sum(2 / step**2 for step in steps)]
    for axis, step in enumerate(steps):
        for side in (-1, 1):
            offsets.append(tuple([side * (n == axis) for n in range(len(shape))]))
            values.append(-1 / step**2)
    coefficients = as_tensor(values, dtype=dtype or config.get_default_dtype())
    return Stencil(shape, offsets, coefficients, boundary)
