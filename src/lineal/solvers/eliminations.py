"""Ways to eliminate: what a matrix must look like for each, and its factors, which answer as SuperLU's do."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.solvers.operators.triangles import InverseTriangle
from lineal.sparse.exchange import from_scipy
from lineal.tensors import from_numpy

__all__ = ["BY_NAME", "Elimination", "fitting", "is_narrow"]

scipy_linalg: Any = later.module("scipy.linalg")
scipy_sparse: Any = later.module("scipy.sparse")
scipy_solvers: Any = later.module("scipy.sparse.linalg")
# these may be absent
cholmod: Any = later.module("sksparse.cholmod")
pypardiso: Any = later.module("pypardiso")
umfpack: Any = later.module("scikits.umfpack")

NARROW = 128
"""Up to how many numbers LAPACK's band factors have in a row (measured)."""
WORTH_CHOLMOD, WORTH_PARDISO = 1_000, 20_000
"""From how many unknowns on they are faster than SuperLU (measured)."""


class Diagonal:
    """The factors of a diagonal matrix: itself."""

    def __init__(self, matrix: Any):
        self.shape, self.diagonal = matrix.shape, matrix.diagonal()
        zeros = np.flatnonzero(self.diagonal == 0)
        if len(zeros):
            raise LinAlgError(f"the diagonal is zero in row {zeros[0]}")

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        """Return A⁻¹ b, or A⁻ᴴ b if `trans` is "H"; so do all others."""
        return b / (self.diagonal.conj() if trans == "H" else self.diagonal).reshape(-1, *[1] * (b.ndim - 1))


class Triangular(Diagonal):
    """The factors of a triangular matrix: itself."""

    def __init__(self, matrix: Any):
        super().__init__(matrix)
        inverse = InverseTriangle(from_scipy(matrix.tocsr()), upper=bandwidths(matrix)[0] == 0)
        self.inverses = {"N": inverse, "H": inverse.adjoint()}

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return self.inverses[trans].product(from_numpy(b)).numpy()


class Banded:
    """P A = L U of a band matrix, by LAPACK's gbtrf."""

    def __init__(self, matrix: Any):
        self.shape, (self.lower, self.upper) = matrix.shape, bandwidths(matrix)
        entries = matrix.tocoo()
        rows = 2 * self.lower + self.upper + 1
        band = np.zeros((rows, matrix.shape[1]), matrix.dtype, order="F")
        band[self.lower + self.upper + entries.row - entries.col, entries.col] = entries.data
        factor, self.back = scipy_linalg.get_lapack_funcs(("gbtrf", "gbtrs"), (band,))
        self.factors, self.pivots, info = factor(band, self.lower, self.upper)
        if info > 0:
            raise LinAlgError(f"the pivot of row {info - 1} is zero")

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        columns = b.reshape(len(b), -1)
        x, _ = self.back(self.factors, self.lower, self.upper, columns, self.pivots, trans=2 if trans == "H" else 0)
        return x.reshape(b.shape)


class BandedCholesky:
    """A = L Lᴴ of a Hermitian positive definite band matrix, by LAPACK's pbtrf."""

    def __init__(self, matrix: Any):
        self.shape, (width, _) = matrix.shape, bandwidths(matrix)
        entries = scipy_sparse.tril(matrix).tocoo()
        band = np.zeros((width + 1, matrix.shape[1]), matrix.dtype, order="F")
        band[entries.row - entries.col, entries.col] = entries.data
        factor, self.back = scipy_linalg.get_lapack_funcs(("pbtrf", "pbtrs"), (band,))
        self.factors, info = factor(band, lower=1)
        if info > 0:
            raise LinAlgError(f"the leading minor of order {info} is not positive")

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        x, _ = self.back(self.factors, b.reshape(len(b), -1), lower=1)
        return x.reshape(b.shape)


class Cholmod:
    """A = Pᵀ L D Lᴴ P of a Hermitian positive definite matrix, by CHOLMOD (Chen, Davis, Hager and Rajamanickam 2008)."""

    def __init__(self, matrix: Any):
        self.shape = matrix.shape
        try:
            self.factor = cholmod.cholesky(matrix)
            self.factor.D()  # an indefinite matrix may be found out only now
        except cholmod.CholmodError as error:
            raise LinAlgError(f"CHOLMOD says: {error}") from None

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return self.factor(b)


class Pardiso:
    """P A Q = L U of a real matrix in float64, by PARDISO (Schenk and Gärtner 2004) of Intel's MKL."""

    def __init__(self, matrix: Any):
        self.shape = matrix.shape
        rows = matrix.tocsr()
        rows.sort_indices()
        if not np.diff(rows.indptr).all():
            raise LinAlgError("a row is empty")
        # a new solver would look for MKL through all files of the environment again
        solver = copy(pypardiso.ps)
        solver.pt, solver.iparm = np.zeros_like(solver.pt), np.zeros_like(solver.iparm)
        weakref.finalize(self, solver.free_memory, True)
        # by columns the same arrays are the transpose, which has the same factors
        forms = {"N": scipy_sparse.csr_matrix, "H": scipy_sparse.csc_matrix}
        self.solver, self.forms = solver, {each: made((rows.data, rows.indices, rows.indptr)) for each, made in forms.items()}
        try:
            solver.factorize(self.forms["N"])
        except pypardiso.pardiso_wrapper.PyPardisoError as error:
            raise LinAlgError(f"PARDISO says: {error}") from None
        if solver.get_iparm(14):
            raise LinAlgError(f"PARDISO has changed {solver.get_iparm(14)} pivots that were near zero")

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return self.solver.solve(self.forms[trans], np.asfortranarray(b))


class Umfpack:
    """P R A Q = L U in double precision, by UMFPACK (Davis, ACM Trans. Math. Softw. 30, 2004)."""

    def __init__(self, matrix: Any):
        self.shape = matrix.shape
        # its Python objects solve with A alone: Aᴴ is factored when it is first asked for
        self.factored = cache(lambda trans: umfpack.splu(matrix if trans == "N" else matrix.conj().T.tocsc()))

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return self.factored(trans).solve(b)


class SuperLU:
    """P A Q = L U, by SuperLU (Li, ACM Trans. Math. Softw. 31, 2005) through SciPy."""

    def __init__(self, matrix: Any):
        self.shape = matrix.shape
        try:
            self.factors = scipy_solvers.splu(matrix)
        except RuntimeError as error:
            raise LinAlgError(f"SuperLU says: {error}") from None

    def solve(self, b: np.ndarray, trans: str) -> np.ndarray:
        return self.factors.solve(b, trans)


def bandwidths(matrix: Any) -> tuple[int, int]:
    """Return how far entries are below the diagonal at most, and above it."""
    entries = matrix.tocoo()
    apart = entries.row.astype(np.int64) - entries.col
    return max(int(apart.max(initial=0)), 0), max(int(-apart.min(initial=0)), 0)


def is_narrow(lower: int, upper: int, n: int) -> bool:
    """Return whether a band is, for band factors."""
    return 2 * lower + upper < NARROW and 2 * (lower + upper) < n


def is_banded(matrix: Any) -> bool:
    """Return whether a matrix has a narrow band."""
    return is_narrow(*bandwidths(matrix), matrix.shape[0])


def may_be_definite(matrix: Any) -> bool:
    """Return whether a matrix is Hermitian, but for rounding, which is refined away, with a positive diagonal."""
    diagonal = matrix.diagonal()
    if not (diagonal.real > 0).all():
        return False
    return abs(matrix - matrix.conj().T).max() <= 16 * np.finfo(matrix.dtype).eps * abs(diagonal).max()


def always(matrix: Any) -> bool:
    """Return True: of what is for all matrices."""
    return True


def is_double(matrix: Any) -> bool:
    """Return whether numbers are in double precision."""
    return matrix.dtype in (np.float64, np.complex128)


class Elimination(NamedTuple):
    """A way to eliminate, and its factors, which raise LinAlgError for a matrix that has none."""

    takes: Callable[[Any], bool]
    """Whether it is for a matrix."""
    worth: Callable[[Any], bool]
    """Whether it is better than those behind it."""
    factors: Callable[[Any], Any]
    package: Any = scipy_linalg

    def is_there(self) -> bool:
        """Return whether the package it needs can be imported."""
        return imported(self.package)


@cache
def imported(package: Any) -> bool:
    """Return whether a package can be imported; one that is installed, but lacks a library, cannot."""
    try:
        later.loaded(package)
    except ImportError:
        return False
    return True


BY_NAME = {
    "diagonal": Elimination(lambda A: bandwidths(A) == (0, 0), always, Diagonal),
    "triangular": Elimination(lambda A: 0 in bandwidths(A), always, Triangular),
    "banded Cholesky": Elimination(may_be_definite, is_banded, BandedCholesky),
    "banded LU": Elimination(always, is_banded, Banded),
    "CHOLMOD": Elimination(
        lambda A: is_double(A) and may_be_definite(A), lambda A: A.shape[0] >= WORTH_CHOLMOD, Cholmod, cholmod
    ),
    "PARDISO": Elimination(lambda A: A.dtype == np.float64, lambda A: A.shape[0] >= WORTH_PARDISO, Pardiso, pypardiso),
    # by name alone: nobody has measured it here
    "UMFPACK": Elimination(is_double, lambda A: False, Umfpack, umfpack),
    "SuperLU": Elimination(always, always, SuperLU),
}
"""Eliminations, the cheapest first."""


def fitting(matrix: Any) -> Iterator[str]:
    """Yield the names of those that are for a matrix (SciPy's, by columns), the best first."""
    yield from (name for name, each in BY_NAME.items() if each.worth(matrix) and each.takes(matrix) and each.is_there())
