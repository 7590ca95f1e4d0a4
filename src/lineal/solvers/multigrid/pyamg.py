"""Hierarchies that PyAMG has made, as preconditioners of our own."""

from __future__ import annotations

from typing import Any

from lineal.base.errors import LinAlgError
from lineal.core import modes
from lineal.solvers.methods import is_hermitian
from lineal.solvers.multigrid.coarsest import inverse_of
from lineal.solvers.multigrid.hierarchy import Level, Multigrid, require_cycle
from lineal.solvers.multigrid.smoothers import SMOOTHERS, Scaling
from lineal.solvers.operators.base import Matrix
from lineal.solvers.operators.triangles import regular_diagonal
from lineal.solvers.preconditioners.places import canonical
from lineal.sparse.exchange import from_scipy

__all__ = ["from_pyamg"]


def from_pyamg(hierarchy: Any, *, smoother: str = "gauss_seidel", sweeps: int = 1, cycle: str = "V") -> Multigrid:
    """Return the multigrid preconditioner of a hierarchy that PyAMG has made, as by `pyamg.ruge_stuben_solver(A)`.

    Taken over are the levels' matrices, prolongations and restrictions; smoothers and cycles are those of
    `smoothed_aggregation`, run by native code, and the coarsest system is solved for by a dense matrix. "gauss_seidel" and
    "coloured_gauss_seidel" are for all matrices, the other smoothers for Hermitian ones. TypeError for what has no levels of
    this kind; LinAlgError for a zero on a diagonal.
    """
    require_cycle("from_pyamg", smoother, sweeps, cycle)
    stages = getattr(hierarchy, "levels", None)
    if not stages or not all(hasattr(each, "A") for each in stages):
        raise TypeError(f"from_pyamg: expected a multilevel solver of PyAMG's, got {type(hierarchy).__name__}")
    with modes.no_grad():
        levels = []
        for stage in stages[:-1]:
            A = Matrix(canonical("from_pyamg", from_scipy(stage.A.tocsr())))
            if "gauss_seidel" not in smoother and not is_hermitian(A):
                raise LinAlgError(f"from_pyamg: {smoother} is for Hermitian matrices: use gauss_seidel")
            scaling = Scaling(A, 1 / regular_diagonal("from_pyamg", A))
            P, R = (Matrix(from_scipy(each.tocsr()).to(A.dtype)) for each in (stage.P, stage.R))
            levels.append(Level(A, *SMOOTHERS[smoother](scaling), P, R))
        coarsest = canonical("from_pyamg", from_scipy(stages[-1].A.tocsr()))
        unknowns = levels[0].A.shape[0] if levels else coarsest.shape[0]
        return Multigrid(levels, Matrix(coarsest), inverse_of(coarsest, unknowns), sweeps, cycle)
