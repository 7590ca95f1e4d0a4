"""Linear algebra: nearly all ops on matrices take stacks of them."""

from __future__ import annotations

from typing import Any

from lineal.core import Op
from lineal.ops.linalg import eigh, svd
from lineal.ops.linalg.cholesky import Cholesky
from lineal.ops.linalg.cholesky_derivative import CholeskyPull
from lineal.ops.linalg.cofactors import Cofactors, Slope
from lineal.ops.linalg.determinants import Determinant, DeterminantBounded, DeterminantMended, DeterminantProbed, SignLogDet
from lineal.ops.linalg.eig import Eig
from lineal.ops.linalg.expectations import WellConditioned, WellFactored
from lineal.ops.linalg.functions import Exponential
from lineal.ops.linalg.least_squares import LeastSquaresPull, PseudoInverse, Scale
from lineal.ops.linalg.lu import LUFactor, RowOrder
from lineal.ops.linalg.qr import QR, QRPull
from lineal.ops.linalg.solving import ReciprocalCondition
from lineal.ops.linalg.systems import (
    Inverse,
    InverseEx,
    InverseMended,
    InversePull,
    Solve,
    SolveEx,
    SolveFactored,
    SolveMended,
    SolveProbed,
    SolvePull,
)
from lineal.ops.linalg.toeplitz import Convolve, Correlate, SolveCirculant
from lineal.ops.linalg.triangular import SolveTriangular
from lineal.transforms.batching.moving import on_stacks
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Cholesky, CholeskyPull, LUFactor, RowOrder, QR, QRPull, eigh.Eigh, Eig, svd.SVD)(on_stacks)
batches(Solve, SolveEx, SolvePull, SolveFactored, SolveProbed, SolveMended, SolveTriangular)(on_stacks)
batches(Inverse, InverseEx, InverseMended, InversePull)(on_stacks)
batches(Determinant, DeterminantBounded, DeterminantMended, DeterminantProbed, SignLogDet, Cofactors, Slope)(on_stacks)
batches(WellConditioned, WellFactored, ReciprocalCondition, Exponential)(on_stacks)
batches(PseudoInverse, Scale, LeastSquaresPull, Convolve, Correlate, SolveCirculant)(on_stacks)


@batches(svd.SingularValues)
def singular_values(op: Op, size: int, marks: tuple[bool, ...], A: Any) -> Any:
    return svd.values_of(A)


@batches(eigh.HermitianEigenvalues)
def eigenvalues(op: Any, size: int, marks: tuple[bool, ...], A: Any) -> Any:
    return eigh.values_of(A, op.uplo)
