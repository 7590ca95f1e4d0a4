"""Cycles through a hierarchy of systems, and smoothed aggregation, which makes one of the entries of a matrix alone.

Vaněk, Mandel and Brezina, Computing 56 (1996). Coarse unknowns stand for an aggregate of fine ones, in which the error is
like the near-nullspace; a step of damped Jacobi smooths that. The coarse matrix is Pᴴ A P.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineal import ops
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.solvers.methods import is_hermitian
from lineal.solvers.multigrid.aggregates import Tentative, aggregated, tentative
from lineal.solvers.multigrid.coarsest import inverse_of
from lineal.solvers.multigrid.smoothers import SMOOTHERS, Scaling
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.solvers.operators.triangles import regular_diagonal
from lineal.solvers.preconditioners.places import canonical, places_in, places_of
from lineal.sparse.compressed import CompressedTensor
from lineal.sparse.conversion import lines_of
from lineal.tensors import Tensor, from_numpy

__all__ = ["Level", "Multigrid", "smoothed_aggregation"]

MOST_DENSE = 4000
"""A larger coarsest system is not solved for by a matrix of its own."""
STALLED = 0.9
"""A coarse system with more than this part of the unknowns is none."""


@dataclass(frozen=True)
class Level:
    """A system of the hierarchy: its matrix, its smoothers before and after, and how it comes from the next coarser one."""

    A: LinearOperator
    before: LinearOperator
    after: LinearOperator
    prolongation: LinearOperator
    restriction: LinearOperator

    def adjoint(self) -> Level:
        """Return the level of the adjoint cycle."""
        parts = self.A, self.after, self.before, self.restriction, self.prolongation
        return Level(*[each.adjoint() for each in parts])


class Multigrid(LinearOperator):
    """One cycle through a hierarchy, from zero: M ≈ A⁻¹; a constant to derivatives.

    It is Hermitian positive definite where A is, restrictions are prolongations' adjoints, and smoothers each other's.
    """

    def __init__(self, levels: list[Level], coarsest: LinearOperator, inverse: LinearOperator, sweeps: int, cycle: str):
        self.levels, self.coarsest, self.inverse, self.sweeps, self.cycle = levels, coarsest, inverse, sweeps, cycle
        finest = levels[0].A if levels else coarsest
        self.shape, self.dtype = finest.shape, finest.dtype

    def product(self, x: Tensor) -> Tensor:
        return self.solved(0, x)

    def solved(self, depth: int, b: Tensor) -> Tensor:
        """Return about A⁻¹ b on a level: smooth, correct by the coarser levels, smooth."""
        if depth == len(self.levels):
            return self.inverse.product(b)
        level = self.levels[depth]
        x = level.before.product(b)
        for _ in range(self.sweeps - 1):
            x = x + level.before.product(b - level.A.product(x))
        for _ in range(2 if self.cycle == "W" else 1):
            residual = level.restriction.product(b - level.A.product(x))
            x = x + level.prolongation.product(self.solved(depth + 1, residual))
        for _ in range(self.sweeps):
            x = x + level.after.product(b - level.A.product(x))
        return x

    def adjoint(self) -> LinearOperator:
        levels = [each.adjoint() for each in self.levels]
        return Multigrid(levels, self.coarsest.adjoint(), self.inverse.adjoint(), self.sweeps, self.cycle)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """The unknowns and the entries of each level, the finest first."""
        return [(each.shape[0], each.tensors[0].numel()) for each in [*[level.A for level in self.levels], self.coarsest]]

    @property
    def operator_complexity(self) -> float:
        """The entries of the matrices of all levels, as a multiple of those of A."""
        return sum(entries for _, entries in self.sizes) / max(self.sizes[0][1], 1)

    def __repr__(self) -> str:
        lines = [f"{n:5} {unknowns:12,} {entries:14,}" for n, (unknowns, entries) in enumerate(self.sizes)]
        head = f"Multigrid({self.cycle}-cycle, operator complexity {self.operator_complexity:.2f})"
        return "\n".join([head, "level     unknowns        entries", *lines])


def smoothed_aggregation(
    A: Any,
    *,
    near_nullspace: Tensor | None = None,
    blocksize: int = 1,
    strength: float = 0.08,
    max_coarse: int = 200,
    smoother: str = "jacobi",
    sweeps: int = 1,
    cycle: str = "V",
) -> Multigrid:
    """Return the multigrid preconditioner of a sparse Hermitian positive definite A (n × n), or semidefinite.

    `near_nullspace` (n, or n × k) is what A hardly changes: ones by default; for elasticity, the motions of a rigid body.
    Each `blocksize` unknowns that follow each other are one node, as the displacements at a point are. Nodes i, j are
    neighbours if ‖Aᵢⱼ‖ ≥ strength · √(‖Aᵢᵢ‖ ‖Aⱼⱼ‖), of which half is asked on each next level. Levels follow until at most
    `max_coarse` unknowns are left, which are solved for exactly, or by a pseudoinverse if their matrix is singular. `cycle` is
    "V" or "W", with `sweeps` steps of the smoother before and after: damped "jacobi", "chebyshev" of degree 3, "gauss_seidel"
    (forward before, backward after) or "coloured_gauss_seidel". LinAlgError names a row with a diagonal that is not positive,
    and a matrix that cannot be coarsened.
    """
    require_cycle("smoothed_aggregation", smoother, sweeps, cycle)
    with modes.no_grad():
        matrix = canonical("smoothed_aggregation", A)
        n = matrix.shape[0]
        require_definite(matrix)
        smooth = near_nullspace_of(matrix, near_nullspace)
        if blocksize < 1 or n % blocksize:
            raise ValueError(f"smoothed_aggregation: expected a blocksize that divides {n}, got {blocksize}")
        levels: list[Level] = []
        nodes = ops.arange(n) // blocksize
        while matrix.shape[0] > max_coarse and (not levels or regular(levels[-1], matrix)):
            # what is far apart comes nearer on coarse levels
            found = tentative(smooth, *aggregated(matrix, nodes, strength * 0.5 ** len(levels)))
            if found.prolongation.shape[1] > STALLED * matrix.shape[0]:
                break
            level, matrix = coarsened(matrix, found, smoother)
            levels.append(level)
            _, nodes, smooth = found
        if matrix.shape[0] > max(MOST_DENSE, max_coarse):
            raise LinAlgError(
                f"smoothed_aggregation: the {matrix.shape[0]} unknowns of level {len(levels)} cannot be made fewer: "
                f"use a strength below {strength:g}, or ilut"
            )
        return Multigrid(levels, Matrix(matrix), inverse_of(matrix, n), sweeps, cycle)


def require_cycle(name: str, smoother: str, sweeps: int, cycle: str) -> None:
    """Refuse what is no cycle."""
    if cycle not in ("V", "W") or sweeps < 1:
        raise ValueError(f"{name}: expected cycle 'V' or 'W' and at least 1 sweep, got {cycle!r} and {sweeps}")
    if smoother not in SMOOTHERS:
        raise ValueError(f"{name}: expected a smoother of {', '.join(SMOOTHERS)}, got {smoother!r}")


def require_definite(matrix: CompressedTensor) -> None:
    """Refuse a matrix that is seen not to be Hermitian positive semidefinite, without zeros on the diagonal."""
    if not is_hermitian(Matrix(matrix)):
        raise LinAlgError("smoothed_aggregation: A is not Hermitian: use ilu or ilut")
    diagonal = regular_diagonal("smoothed_aggregation", Matrix(matrix)).real
    wrong = (~(diagonal > 0)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise LinAlgError(
            f"smoothed_aggregation: A is not positive definite: its diagonal is {float(diagonal[row]):.3g} in row {row}"
        )


def near_nullspace_of(matrix: CompressedTensor, given: Tensor | None) -> Tensor:
    """Return the near-nullspace (n × k)."""
    n = matrix.shape[0]
    if given is None:
        return ops.ones((n, 1), dtype=matrix.dtype)
    if given.ndim not in (1, 2) or given.shape[0] != n:
        raise RuntimeError(f"smoothed_aggregation: expected a near_nullspace of {n} numbers, got {list(given.shape)}")
    return given.detach().reshape(n, -1).to(matrix.dtype)


def regular(level: Level, coarse: CompressedTensor) -> bool:
    """Return whether a coarse diagonal is more than rounding: a part of A that is singular ends as a row of zeros."""
    P: Any = level.prolongation
    squares = Matrix(P.matrix.with_entries(P.matrix.entries.abs().square()))
    terms = squares.adjoint().product(level.A.diagonal().abs())
    return bool((Matrix(coarse).diagonal().abs() > finfo(coarse.dtype).eps ** 0.75 * terms).all())


def coarsened(A: CompressedTensor, found: Tentative, smoother: str) -> tuple[Level, CompressedTensor]:
    """Return a level, and the matrix of the next one."""
    scaling = Scaling(Matrix(A), 1 / Matrix(A).diagonal())
    step: Any = A.with_entries(A.entries * scaling.damped[lines_of(A.pattern)]) @ found.prolongation
    P = Matrix(subtracted(found.prolongation, step))
    R = Matrix(P.adjoint().to_sparse_csr())
    coarse: Any = R.matrix @ (A @ P.matrix)
    return Level(scaling.A, *SMOOTHERS[smoother](scaling), P, R), coarse


def subtracted(left: CompressedTensor, right: CompressedTensor) -> CompressedTensor:
    """Return the difference of two matrices; quickly where the right one has the left one's places."""
    found, there = places_in(places_of(right), places_of(left))
    if not there.all():
        difference: Any = left - right
        return difference.to_sparse_csr()
    return right.with_entries((-right.entries).index_add(0, from_numpy(found), left.entries))
