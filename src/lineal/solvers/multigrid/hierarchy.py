"""Smoothed aggregation: coarse systems from the entries of a matrix alone, and cycles through them.

Vaněk, Mandel and Brezina, Computing 56 (1996). A coarse unknown stands for an aggregate of fine ones, in which the error is
like the near-nullspace; a step of damped Jacobi smooths that. The coarse matrix is Pᴴ A P.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.ops.linalg.least_squares import pinv
from lineal.solvers.eigen.lanczos import Basis
from lineal.solvers.methods import is_hermitian, probe
from lineal.solvers.operators.base import LinearOperator, Matrix, aslinearoperator
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.operators.triangles import regular_diagonal
from lineal.sparse.compressed import CompressedTensor, numbers
from lineal.sparse.compression import sparse_csr_tensor
from lineal.sparse.conversion import lines_of
from lineal.tensors import Tensor, from_numpy

__all__ = ["Level", "Multigrid", "smoothed_aggregation"]

aggregation: Any = later.module("lineal.codegen.sparse.aggregation")

DAMPING = 4 / 3
"""The damping of Jacobi times the spectral radius: best against the upper three quarters of a Laplacian's spectrum."""
RITZ = 15
"""After how many steps of Lanczos the largest eigenvalue is taken as known."""
MOST_DENSE = 4000
"""A larger coarsest system is not solved for by a matrix of its own."""
STALLED = 0.9
"""A coarse system with more than this part of the unknowns is none."""


@dataclass(frozen=True)
class Level:
    """A system of the hierarchy: its matrix, what damped Jacobi multiplies by, and how it comes from the next coarser one."""

    A: CompressedTensor
    damping: Tensor
    """ω / diag(A)."""
    prolongation: CompressedTensor
    restriction: CompressedTensor


class Multigrid(LinearOperator):
    """One cycle through a hierarchy, from zero: M ≈ A⁻¹, Hermitian positive definite where A is; a constant to derivatives."""

    def __init__(self, levels: list[Level], coarsest: CompressedTensor, sweeps: int, cycle: str):
        self.levels, self.coarsest, self.sweeps, self.cycle = levels, coarsest, sweeps, cycle
        self.inverse = pinv(coarsest.to_dense(), hermitian=True, rtol=finfo(coarsest.dtype).eps ** 0.6)
        finest = levels[0].A if levels else coarsest
        self.shape, self.dtype = (finest.shape[0], finest.shape[1]), finest.dtype

    def product(self, x: Tensor) -> Tensor:
        return self.solved(0, x)

    def solved(self, depth: int, b: Tensor) -> Tensor:
        """Return about A⁻¹ b on a level: smooth, correct by the coarser levels, smooth."""
        if depth == len(self.levels):
            return self.inverse @ b
        level = self.levels[depth]
        x = self.smoothed(level, level.damping.reshape(-1, *[1] * (b.ndim - 1)) * b, b, self.sweeps - 1)
        for _ in range(2 if self.cycle == "W" else 1):
            x = x + level.prolongation @ self.solved(depth + 1, level.restriction @ (b - level.A @ x))
        return self.smoothed(level, x, b, self.sweeps)

    def smoothed(self, level: Level, x: Tensor, b: Tensor, sweeps: int) -> Tensor:
        """Return x after some steps of damped Jacobi."""
        damping = level.damping.reshape(-1, *[1] * (b.ndim - 1))
        for _ in range(sweeps):
            x = x + damping * (b - level.A @ x)
        return x

    def adjoint(self) -> LinearOperator:
        return self

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self

    @property
    def operator_complexity(self) -> float:
        """The entries of the matrices of all levels, as a multiple of those of A."""
        counts = [level.A.entries.numel() for level in self.levels] + [self.coarsest.entries.numel()]
        return sum(counts) / max(counts[0], 1)

    def __repr__(self) -> str:
        matrices = [level.A for level in self.levels] + [self.coarsest]
        lines = [f"{n:5} {each.shape[0]:12,} {each.entries.numel():14,}" for n, each in enumerate(matrices)]
        head = f"Multigrid({self.cycle}-cycle, operator complexity {self.operator_complexity:.2f})"
        return "\n".join([head, "level     unknowns        entries", *lines])


def smoothed_aggregation(
    A: Any,
    *,
    near_nullspace: Tensor | None = None,
    strength: float = 0.08,
    max_coarse: int = 200,
    sweeps: int = 1,
    cycle: str = "V",
) -> Multigrid:
    """Return the multigrid preconditioner of a sparse Hermitian positive definite A (n × n), or semidefinite.

    `near_nullspace` (n) is what A hardly changes: ones by default. Unknowns i, j are neighbours if |aᵢⱼ| ≥ strength ·
    √(aᵢᵢ aⱼⱼ), of which half is asked on each next level. Levels follow until at most `max_coarse` unknowns are left, which a
    pseudoinverse finds. `cycle` is "V" or "W", with `sweeps` steps of damped Jacobi before and after. LinAlgError for a zero
    on the diagonal, and for a matrix that cannot be coarsened.
    """
    if cycle not in ("V", "W") or sweeps < 1:
        raise ValueError(f"smoothed_aggregation: expected cycle 'V' or 'W' and at least 1 sweep, got {cycle!r} and {sweeps}")
    with modes.no_grad():
        matrix: Any = aslinearoperator(A).to_sparse_csr().detach()
        if matrix.shape[0] != matrix.shape[1]:
            raise RuntimeError(f"smoothed_aggregation: expected a square matrix, got {list(matrix.shape)}")
        if not is_hermitian(Matrix(matrix)):
            raise LinAlgError("smoothed_aggregation: A is not Hermitian: use ilu or ilut")
        if near_nullspace is not None and near_nullspace.shape != matrix.shape[:1]:
            given = list(near_nullspace.shape)
            raise RuntimeError(f"smoothed_aggregation: expected a near_nullspace of {matrix.shape[0]} numbers, got {given}")
        smooth = ops.ones(matrix.shape[0], dtype=matrix.dtype) if near_nullspace is None else near_nullspace.detach()
        levels: list[Level] = []
        while matrix.shape[0] > max_coarse:
            # what is far apart comes nearer on coarse levels
            places, count = aggregates(matrix, strength * 0.5 ** len(levels))
            if count > STALLED * matrix.shape[0]:
                if matrix.shape[0] > MOST_DENSE:
                    raise LinAlgError(
                        f"smoothed_aggregation: {matrix.shape[0]} unknowns of level {len(levels)} make {count} aggregates: "
                        f"use a strength below {strength:g}, or ilut"
                    )
                break
            level, coarse, smooth = coarsened(matrix, places, count, smooth)
            levels.append(level)
            matrix = coarse
        return Multigrid(levels, matrix, sweeps, cycle)


def aggregates(A: CompressedTensor, strength: float) -> tuple[Tensor, int]:
    """Return the aggregate of each unknown, and how many there are."""
    rows, columns = lines_of(A.pattern).long(), A.pattern.indices.long()
    diagonal = regular_diagonal("smoothed_aggregation", Matrix(A)).abs()
    strong = (A.entries.abs() >= strength * (diagonal[rows] * diagonal[columns]).sqrt()) & (rows != columns)
    rows, columns = rows[strong], columns[strong]
    pointers = np.zeros(A.shape[0] + 1, np.int64)
    np.cumsum(np.bincount(numbers(rows), minlength=A.shape[0]), out=pointers[1:])
    found, count = aggregation.aggregated(pointers, np.ascontiguousarray(numbers(columns)))
    return from_numpy(found), count


def coarsened(A: CompressedTensor, places: Tensor, count: int, smooth: Tensor) -> tuple[Level, CompressedTensor, Tensor]:
    """Return a level, the matrix of the next one, and the near-nullspace there."""
    lengths = ops.zeros(count, dtype=A.dtype).index_add(0, places, smooth.abs().square().to(A.dtype)).real.sqrt()
    lengths = ops.where(lengths > 0, lengths, ops.ones_like(lengths))
    n = A.shape[0]
    entries = (smooth / lengths[places]).to(A.dtype)
    tentative = sparse_csr_tensor(ops.arange(n + 1), places, entries, (n, count), check_invariants=False)
    inverse = 1 / Matrix(A).diagonal()
    damping = inverse * (DAMPING / largest_eigenvalue(A, inverse.abs().sqrt()))
    step: Any = A.with_entries(A.entries * damping[lines_of(A.pattern)]) @ tentative
    prolongation = subtracted(tentative, step)
    turned: Any = prolongation.t()
    restriction = turned.with_entries(turned.entries.conj()).to_sparse_csr()
    coarse = restriction @ (A @ prolongation)
    return Level(A, damping, prolongation, restriction), coarse, lengths.to(A.dtype)


def subtracted(tentative: CompressedTensor, step: CompressedTensor) -> CompressedTensor:
    """Return a matrix with one entry a row, less another, whose pattern has its places but for entries that cancelled."""
    rows = lines_of(step.pattern)
    there = step.pattern.indices == tentative.pattern.indices[rows]
    if int(there.sum()) < len(tentative.entries):
        difference: Any = tentative - step
        return difference.to_sparse_csr()
    return step.with_entries(ops.where(there, tentative.entries[rows], 0) - step.entries)


def largest_eigenvalue(A: CompressedTensor, scale: Tensor) -> float:
    """Return about the largest eigenvalue of D⁻¹ A, by Lanczos for D^(−1/2) A D^(−1/2)."""
    D = Diagonal(scale.to(A.dtype))
    basis = Basis(D @ Matrix(A) @ D, probe(A.shape[0], A.dtype), min(RITZ, A.shape[0]))
    while basis.count < basis.size and basis.grow():
        pass
    return float(basis.ritz().values[-1])
