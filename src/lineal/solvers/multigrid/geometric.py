"""Multigrid on grids: every other point of each axis is a coarse one, and coarse matrices are stencils too.

Interpolation is linear, restriction its transpose, and the coarse matrix Pᴴ A P (Trottenberg, Oosterlee and Schüller,
Multigrid, 2001, section 7.7): of a stencil with the same coefficients everywhere it is again one, so that hardly any memory is
taken beyond a few vectors. That matrix is made by interpolation that ends at the last coarse point; where a cycle's goes on to
the border (`codegen/sparse/transfers.py`), it is one for a border half a step nearer, and what it gives is smoothed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import Op, apply, modes
from lineal.ops.linalg.least_squares import pinv
from lineal.solvers.methods import is_hermitian
from lineal.solvers.operators.base import LinearOperator, require_vectors
from lineal.solvers.operators.stencils import Stencil
from lineal.solvers.operators.triangles import regular_diagonal
from lineal.tensors import Tensor, from_numpy

__all__ = ["GeometricMultigrid", "geometric_multigrid"]

passes: Any = later.module("lineal.codegen.sparse.passes")
transfers: Any = later.module("lineal.codegen.sparse.transfers")

MOST_DENSE = 4000
"""A larger coarsest system is not solved for by a matrix of its own."""


@dataclass
class Level:
    """A system of the hierarchy: its stencil, as code reads it, what damped Jacobi multiplies by, and where it goes from there.

    `x`, `r` and `b` are memory of a cycle: the solution, the residual, and the right-hand side of the next level.
    """

    A: Stencil
    rows: Any
    damping: np.ndarray
    transfer: Any
    x: np.ndarray
    r: np.ndarray
    b: np.ndarray


class MultigridCycle(Op):
    """y = M x, M a cycle through a hierarchy of grids, column by column;  x̄ = M ȳ."""

    multigrid: GeometricMultigrid
    host_only = "its kernels are native code for NumPy's arrays"
    no_batch = no_lowering = "its kernels are native code, which is called as a host step, slice by slice"

    def eager(self, xp, x):
        y = np.empty((x.size // max(len(x), 1), len(x)), x.dtype)
        for column, out in zip(x.reshape(len(x), -1).T, y):
            self.multigrid.product_into(np.ascontiguousarray(column), out)
        return y.T.reshape(x.shape)

    def vjp(self, needs, g, y, x):
        return (apply(MultigridCycle(self.multigrid), g),)


class GeometricMultigrid(LinearOperator):
    """One V-cycle through coarser and coarser grids, from zero: M ≈ A⁻¹, Hermitian where A is; a constant to derivatives."""

    def __init__(self, levels: list[Level], coarsest: Stencil, sweeps: int):
        self.levels, self.coarsest, self.sweeps = levels, coarsest, sweeps
        self.inverse = pinv(coarsest.to_dense(), hermitian=True, rtol=finfo(coarsest.dtype).eps ** 0.6).numpy()
        finest = levels[0].A if levels else coarsest
        self.shape, self.dtype = finest.shape, finest.dtype
        # a cycle's memory is the levels', and native code lets other threads run
        self.lock = threading.Lock()

    def product(self, x: Tensor) -> Tensor:
        return apply(MultigridCycle(self), require_vectors(self, x))

    def product_into(self, x: np.ndarray, out: np.ndarray) -> None:
        with self.lock:
            self.cycle(0, x, out)

    def cycle(self, depth: int, b: np.ndarray, out: np.ndarray) -> None:
        """Write about A⁻¹ b of a level to `out`: smooth, correct by the coarser levels, smooth."""
        if depth == len(self.levels):
            np.matmul(self.inverse, b, out=out)
            return
        level = self.levels[depth]
        # sweeps go to and fro between two vectors, so that the last one goes to `out`
        x, other = level.x, out
        np.multiply(level.damping, b, out=x)
        for _ in range(self.sweeps - 1):
            passes.sweep(level.rows, x, b, level.damping, other)
            x, other = other, x
        passes.residual(level.rows, x, b, level.r)
        transfers.restrict(level.transfer, level.r, level.b)
        correction = level.r[: len(level.b)]
        self.cycle(depth + 1, level.b, correction)
        transfers.prolong(level.transfer, correction, x)
        for _ in range(self.sweeps):
            passes.sweep(level.rows, x, b, level.damping, other)
            x, other = other, x

    def adjoint(self) -> LinearOperator:
        return self

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self

    def __repr__(self) -> str:
        grids = [level.A.grid for level in self.levels] + [self.coarsest.grid]
        lines = [f"{n:5} {' × '.join(map(str, grid.shape)):>20} {len(grid.offsets):8}" for n, grid in enumerate(grids)]
        return "\n".join(["GeometricMultigrid", "level                 grid   points", *lines])


def geometric_multigrid(A: Stencil, *, sweeps: int = 1, max_coarse: int = 200) -> GeometricMultigrid:
    """Return the multigrid preconditioner of a real Hermitian positive definite stencil A, or a semidefinite one.

    Axes with fixed ("dirichlet") borders are coarsened, and periodic ones of even length, until at most `max_coarse` points are
    left, which a pseudoinverse finds; `sweeps` steps of damped Jacobi smooth before and after. It takes about four vectors of
    memory, and a few more coefficients where those of A vary. It is for coefficients about as large along all axes.
    TypeError for another operator, LinAlgError for a matrix that is not Hermitian, for a zero on the diagonal, and for a grid
    that cannot be coarsened: `smoothed_aggregation` takes those.
    """
    if not isinstance(A, Stencil) or A.dtype.is_complex:
        raise TypeError(f"geometric_multigrid: expected a real Stencil, got {A!r}; smoothed_aggregation takes others")
    if sweeps < 1:
        raise ValueError(f"geometric_multigrid: expected at least 1 sweep, got {sweeps}")
    with modes.no_grad():
        if not is_hermitian(A):
            raise LinAlgError("geometric_multigrid: A is not Hermitian: use ilu or ilut")
        levels, matrix = [], Stencil(A.grid.shape, A.grid.offsets, A.coefficients.detach(), A.grid.boundaries)
        while matrix.shape[0] > max_coarse:
            transfer = transfers.Transfer.of(matrix.dtype.numpy, matrix.grid.shape, matrix.grid.boundaries)
            if not any(transfer.coarsened):
                if matrix.shape[0] > MOST_DENSE:
                    shape = " × ".join(map(str, matrix.grid.shape))
                    raise LinAlgError(
                        f"geometric_multigrid: no axis of {shape} points can be coarsened: use smoothed_aggregation"
                    )
                break
            levels.append(level_of(matrix, transfer))
            matrix = coarsened(matrix, transfer)
        return GeometricMultigrid(levels, matrix, sweeps)


def level_of(A: Stencil, transfer: Any) -> Level:
    """Return a level.

    Damping is best for the errors that the coarse grid does not see: where d axes are coarsened, and errors are smooth along
    all others, eigenvalues from ρ / (2 d) to ρ, by Gershgorin's bound ρ of those of D⁻¹ A.
    """
    diagonal = regular_diagonal("geometric_multigrid", A)
    size, kind = A.shape[0], A.dtype.numpy
    c = A.coefficients if A.coefficients.ndim == 1 else A.coefficients.reshape(len(A.coefficients), -1)
    radius = float((c.abs().sum(0) / diagonal.abs()).max())
    factor = 2 / (1 + 0.5 / sum(transfer.coarsened)) / radius
    damping = np.ascontiguousarray((factor / (diagonal if c.ndim > 1 else diagonal[:1])).value)
    coarse = int(np.prod(transfer.coarse))
    return Level(A, A.native_rows(), damping, transfer, np.empty(size, kind), np.empty(size, kind), np.empty(coarse, kind))


def coarsened(A: Stencil, transfer: Any) -> Stencil:
    """Return Pᴴ A P: each pair of a fine neighbour a of a coarse point, and of its neighbour o, meets coarse points around."""
    grid, axes = A.grid, transfer.coarsened[-len(A.grid.shape) :]
    coarse, values = transfer.coarse[-len(axes) :], A.coefficients.value
    found: dict[tuple[int, ...], Any] = {}
    near = [(-1, 0, 1) if each else (0,) for each in axes]
    for a in product(*near):
        for c, o in zip(values, grid.offsets):
            fine = c if values.ndim == 1 else c[np.ix_(*[points(*each) for each in zip(a, axes, coarse, grid.shape)])]
            for place, weight in meetings(a, o, axes):
                found[place] = found.get(place, 0) + weight * fine
    offsets = [place for place in found if np.any(found[place])]
    return Stencil(coarse, offsets, from_numpy(np.stack([found[place] for place in offsets])), grid.boundaries)


def points(a: int, halved: bool, coarse: int, fine: int) -> np.ndarray:
    """Return which points of a fine axis are the neighbours a of the coarse ones."""
    return (2 * np.arange(coarse) + 1 + a) % fine if halved else np.arange(coarse)


def meetings(a: Sequence[int], o: Sequence[int], axes: Sequence[bool]) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield which coarse neighbours the fine point a + o is interpolated from, and the weights of both interpolations."""
    weights = {-1: 0.5, 0: 1.0, 1: 0.5}
    choices = [
        [((n + step - b) // 2, weights[n] * weights[b]) for b in weights if (n + step - b) % 2 == 0]
        if halved
        else [(step, 1.0)]
        for n, step, halved in zip(a, o, axes)
    ]
    for choice in product(*choices):
        yield tuple([place for place, _ in choice]), float(np.prod([weight for _, weight in choice]))
