"""Iterative solvers for systems too large to be eliminated: operators, methods, preconditioners, reports."""

from typing import Any as _Any

from lineal.solvers.eigen.exponential import expm_multiply
from lineal.solvers.eigen.spectra import eigsh
from lineal.solvers.eigen.stochastic import Estimate, logdet, trace
from lineal.solvers.krylov.conjugate import ConjugateGradient
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.operators.base import FunctionOperator, LinearOperator, Matrix, aslinearoperator
from lineal.solvers.operators.derivatives import Hessian, Jacobian
from lineal.solvers.operators.structured import Block, Circulant, Diagonal, Identity, Kronecker, Toeplitz
from lineal.solvers.reports import BreakdownError, ConvergenceError, Report
from lineal.solvers.solving import solve
from lineal.tensors import Tensor as _Tensor

__all__ = [
    "Block",
    "Circulant",
    "Diagonal",
    "Hessian",
    "Identity",
    "Jacobian",
    "Kronecker",
    "Toeplitz",
    "BreakdownError",
    "ConjugateGradient",
    "ConvergenceError",
    "FunctionOperator",
    "LinearOperator",
    "Matrix",
    "Method",
    "Report",
    "Step",
    "System",
    "aslinearoperator",
    "cg",
    "eigsh",
    "expm_multiply",
    "logdet",
    "trace",
    "Estimate",
    "solve",
]


def cg(A: _Any, b: _Tensor, **options: _Any) -> _Any:
    """Return the solution of A x = b by conjugate gradients; A is Hermitian positive definite. Options are those of `solve`."""
    return solve(A, b, ConjugateGradient(), **options)
