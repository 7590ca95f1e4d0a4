"""Iterative solvers for systems too large to be eliminated: operators, methods, preconditioners, reports."""

from collections.abc import Mapping as _Mapping
from os import PathLike as _PathLike
from pathlib import Path as _Path
from typing import Any as _Any

from lineal import ops as _ops
from lineal.base import later as _later
from lineal.base.limits import finfo as _finfo
from lineal.solvers import preconditioners
from lineal.solvers.direct import Direct
from lineal.solvers.distributed import DistributedCSR, RowSpace, schwarz, tsqr
from lineal.solvers.eigen.exponential import expm_multiply
from lineal.solvers.eigen.general import eigs
from lineal.solvers.eigen.preconditioned import lobpcg
from lineal.solvers.eigen.spectra import eigsh
from lineal.solvers.eigen.stochastic import Estimate, logdet, trace
from lineal.solvers.factorized import Factorized, factorized, splu
from lineal.solvers.krylov.arnoldi import GeneralisedMinimalResidual
from lineal.solvers.krylov.blocked import BlockConjugateGradient
from lineal.solvers.krylov.conjugate import ConjugateGradient
from lineal.solvers.krylov.minimal import MinimalResidual
from lineal.solvers.krylov.pipelined import PipelinedConjugateGradient
from lineal.solvers.krylov.quasiminimal import TransposeFreeQuasiMinimalResidual
from lineal.solvers.krylov.shortened import BiconjugateGradientStabilised, InducedDimensionReduction
from lineal.solvers.krylov.shortest import MinimalResidualQLP
from lineal.solvers.krylov.squares import (
    ConjugateGradientLeastSquares,
    Damped,
    LeastSquaresMinimalResidual,
    LeastSquaresQR,
    Normal,
)
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.multigrid.geometric import GeometricMultigrid, geometric_multigrid
from lineal.solvers.multigrid.hierarchy import Multigrid, smoothed_aggregation
from lineal.solvers.multigrid.pyamg import from_pyamg
from lineal.solvers.operators.base import FunctionOperator, LinearOperator, Matrix, aslinearoperator
from lineal.solvers.operators.derivatives import Hessian, Jacobian
from lineal.solvers.operators.stencils import Stencil, poisson
from lineal.solvers.operators.structured import Block, Circulant, Diagonal, Identity, Kronecker, Toeplitz
from lineal.solvers.reports import BreakdownError, ConvergenceError, ErrorEstimate, Report
from lineal.solvers.solving import solve
from lineal.solvers.stationary import Chebyshev, Splitting, Stationary
from lineal.tensors import Tensor as _Tensor

__all__ = [
    "BiconjugateGradientStabilised",
    "Block",
    "BlockConjugateGradient",
    "BreakdownError",
    "Chebyshev",
    "Circulant",
    "ConjugateGradient",
    "ConjugateGradientLeastSquares",
    "ConvergenceError",
    "Direct",
    "Diagonal",
    "DistributedCSR",
    "ErrorEstimate",
    "Estimate",
    "Factorized",
    "FunctionOperator",
    "GeneralisedMinimalResidual",
    "GeometricMultigrid",
    "Hessian",
    "Identity",
    "InducedDimensionReduction",
    "Jacobian",
    "Kronecker",
    "LeastSquaresMinimalResidual",
    "LeastSquaresQR",
    "LinearOperator",
    "Matrix",
    "Method",
    "MinimalResidual",
    "MinimalResidualQLP",
    "Multigrid",
    "Normal",
    "PipelinedConjugateGradient",
    "Report",
    "RowSpace",
    "Splitting",
    "Stationary",
    "Stencil",
    "Step",
    "System",
    "Toeplitz",
    "TransposeFreeQuasiMinimalResidual",
    "aslinearoperator",
    "bicgstab",
    "block_cg",
    "cg",
    "cgls",
    "chebyshev",
    "eigs",
    "eigsh",
    "expm_multiply",
    "factorized",
    "from_pyamg",
    "gauss_seidel",
    "geometric_multigrid",
    "gmres",
    "idrs",
    "jacobi",
    "lobpcg",
    "logdet",
    "lsmr",
    "lsqr",
    "minres",
    "minres_qlp",
    "pipelined_cg",
    "plot_convergence",
    "poisson",
    "preconditioners",
    "richardson",
    "schwarz",
    "smoothed_aggregation",
    "solve",
    "sor",
    "splu",
    "spsolve",
    "ssor",
    "tfqmr",
    "trace",
    "tsqr",
]

_figures: _Any = _later.module("lineal.solvers.figures")


def plot_convergence(reports: _Mapping[str, Report], path: str | _PathLike[str] | None = None) -> _Any:
    """Return matplotlib's figure of how the residuals of solves fell, by their names; draw it into a file if a path is given.

    Residuals are divided by their first one; the mark at the end is the true residual. It needs matplotlib (`lineal[plot]`).
    """
    return _figures.convergence(reports, None if path is None else _Path(path))


def cg(A: _Any, b: _Tensor, *, smallest: float | None = None, **options: _Any) -> _Any:
    """Return the solution of A x = b by conjugate gradients; A is Hermitian positive definite. Options are those of `solve`.

    The report has an estimate of the error in the norm √(eᴴ A e); it is a bound if `smallest` is one of M A's eigenvalues.
    """
    return solve(A, b, ConjugateGradient(smallest), **options)


def pipelined_cg(A: _Any, b: _Tensor, *, replacement: int = 50, **options: _Any) -> _Any:
    """Return what `cg` does, with one reduction a step and vectors computed anew every `replacement` steps."""
    return solve(A, b, PipelinedConjugateGradient(replacement), **options)


def block_cg(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return what `cg` does for all columns of b (n × k) together, which takes fewer steps. Options are those of `solve`."""
    return solve(A, b, BlockConjugateGradient(), **options)


def minres(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return the solution of A x = b by minimal residuals; A is Hermitian. Options are those of `solve`."""
    return solve(A, b, MinimalResidual(), **options)


def gmres(A: _Any, b: _Tensor, *, restart: int = 30, flexible: bool = False, **options: _Any) -> _Any:
    """Return the solution of A x = b by GMRES, which begins again after `restart` steps. Options are those of `solve`."""
    return solve(A, b, GeneralisedMinimalResidual(restart, flexible), **options)


def bicgstab(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return the solution of A x = b by stabilised biconjugate gradients. Options are those of `solve`."""
    return solve(A, b, BiconjugateGradientStabilised(), **options)


def idrs(A: _Any, b: _Tensor, *, s: int = 4, **options: _Any) -> _Any:
    """Return the solution of A x = b by induced dimension reduction with s shadow vectors. Options are those of `solve`."""
    return solve(A, b, InducedDimensionReduction(s), **options)


def _least_squares(A: _Any, b: _Tensor, damp: float, method: Method, options: dict[str, _Any]) -> _Any:
    """Return x with the least ‖b − A x‖² + damp² ‖x‖² by a method for the normal equations."""
    operator = aslinearoperator(A)
    if damp:
        operator, b = Damped(operator, damp), _ops.cat([b, b.new_zeros(operator.shape[1], *b.shape[1:])])
    return solve(Normal(operator, b.detach()), operator.adjoint() @ b, method, **options)


def tfqmr(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return the solution of A x = b by transpose-free quasi-minimal residuals. Options are those of `solve`."""
    return solve(A, b, TransposeFreeQuasiMinimalResidual(), **options)


def cgls(A: _Any, b: _Tensor, *, damp: float = 0.0, **options: _Any) -> _Any:
    """Return x with the least ‖b − A x‖² + damp² ‖x‖² by conjugate gradients; A may have any shape.

    The tolerance is that of Aᴴ(b − A x) − damp² x, against Aᴴ b; M is a preconditioner of AᴴA + damp² I, with which another of
    several solutions is found than the shortest. Options are those of `solve`.
    """
    return _least_squares(A, b, damp, ConjugateGradientLeastSquares(), options)


def lsqr(A: _Any, b: _Tensor, *, damp: float = 0.0, **options: _Any) -> _Any:
    """Return what `cgls` does, by the bidiagonalisation of Golub and Kahan: the same iterates, with fewer rounding errors."""
    return _least_squares(A, b, damp, LeastSquaresQR(), options)


def lsmr(A: _Any, b: _Tensor, *, damp: float = 0.0, **options: _Any) -> _Any:
    """Return what `lsqr` does; here the residual of the normal equations falls in each step, so that it may stop earlier."""
    return _least_squares(A, b, damp, LeastSquaresMinimalResidual(), options)


def minres_qlp(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return the shortest x with the least ‖b − A x‖, x = A⁺ b, of a Hermitian A, which may be singular, by MINRES-QLP.

    The tolerance is that of A(b − A x), against A b; with an x0, its part in the null space of A stays. There is no M.
    Derivatives, of any order, hold for changes that leave the rank of A: where it changes, A⁺ b jumps.
    """
    return _least_squares(A, b, 0.0, MinimalResidualQLP(), options)


def jacobi(A: _Any, b: _Tensor, *, omega: float = 1.0, **options: _Any) -> _Any:
    """Return the solution of A x = b by x′ = x + ω D⁻¹ (b − A x), D the diagonal of A. Options are those of `solve`."""
    return solve(A, b, Stationary(lambda A: Splitting.jacobi(A, omega), "Jacobi"), **options)


def gauss_seidel(A: _Any, b: _Tensor, *, direction: str = "forward", coloured: bool = False, **options: _Any) -> _Any:
    """Return the solution of A x = b by Gauss-Seidel: "forward", "backward" or "symmetric". Options are those of `solve`.

    If `coloured`, unknowns are taken colour by colour, no two neighbours of one colour, so that threads share them.
    """
    return solve(A, b, Stationary(lambda A: Splitting.gauss_seidel(A, direction, coloured), "Gauss-Seidel"), **options)


def sor(A: _Any, b: _Tensor, *, omega: float, direction: str = "forward", **options: _Any) -> _Any:
    """Return the solution of A x = b by successive over-relaxation, 0 < ω < 2. Options are those of `solve`."""
    return solve(A, b, Stationary(lambda A: Splitting.sor(A, omega, direction), "SOR"), **options)


def ssor(A: _Any, b: _Tensor, *, omega: float = 1.0, **options: _Any) -> _Any:
    """Return the solution of A x = b by symmetric over-relaxation, 0 < ω < 2. Options are those of `solve`."""
    return solve(A, b, Stationary(lambda A: Splitting.ssor(A, omega), "SSOR"), **options)


def richardson(A: _Any, b: _Tensor, *, omega: float = 1.0, **options: _Any) -> _Any:
    """Return the solution of A x = b by x′ = x + ω (b − A x). Options are those of `solve`."""
    return solve(A, b, Stationary(lambda A: Splitting.richardson(A, omega), "Richardson"), **options)


def chebyshev(A: _Any, b: _Tensor, *, bounds: tuple[float, float] | None = None, **options: _Any) -> _Any:
    """Return the solution of A x = b by Chebyshev's iteration, with bounds of M A's eigenvalues. Options: see `solve`."""
    return solve(A, b, Chebyshev(bounds), **options)


def spsolve(
    A: _Any, b: _Tensor, *, by: str | None = None, rtol: float | None = None, maxiter: int = 10, **options: _Any
) -> _Any:
    """Return the solution of A x = b by elimination, A sparse; refined to a residual of rounding, or to `rtol`.

    `by` names who eliminates, as of `Direct`, which else takes the first that is for A; the report says which. Options are
    those of `solve`; ConvergenceError for a singular matrix.
    """
    small = _finfo(b.dtype).eps ** 0.75 if rtol is None else rtol
    return solve(A, b, Direct(by, to_rounding=rtol is None), rtol=small, maxiter=maxiter, **options)
