"""Functions of a matrix other than the exponential, and their derivatives along a direction."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Literal, overload

import numpy as np

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply
from lineal.ops.broadcasting import expand
from lineal.ops.linalg.matrices import adjoint, place_of, require_one_dtype, require_square
from lineal.ops.linalg.scaling_squaring import exponentials, many
from lineal.ops.linalg.sylvester import Sylvester, is_hermitian
from lineal.ops.structural.joining import cat

__all__ = ["expm_frechet", "logm", "sqrtm"]

scipy: Any = later.module("scipy")

LARGE = 24
"""From this size on, the derivative of exp along a direction by its own method beats the exponential of twice the size."""


class Frechet(Op):
    """Y = L(A, E), the derivative of f at A along E: the upper right block of f((A E; 0 A)), for f = exp or log.

    Ē = L(Aᴴ, Ȳ), and Ā the upper right block of L((Aᴴ Eᴴ; 0 Aᴴ), (Ȳ 0; 0 Ȳ)), since the second derivative is symmetric in its
    directions.   Mathias (1996), SIAM J. Matrix Anal. Appl. 17, theorem 2.1; Higham (2008), Functions of Matrices, eq. 3.16.
    """

    function: str
    grad_name = "LinalgFrechetBackward0"
    keeps = ("0 1", "0")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: a matrix function, by the eager kernel"
    host_only = "SciPy"

    def eager(self, xp, A, E):
        n = A.shape[-1]
        if self.function == "exp" and n >= LARGE:
            return along(A, E)
        block = np.zeros((*A.shape[:-2], 2 * n, 2 * n), A.dtype)
        block[..., :n, :n] = block[..., n:, n:] = A
        block[..., :n, n:] = E
        return (exponential if self.function == "exp" else logarithm)(block)[..., :n, n:].copy()

    def vjp(self, needs, g, y, A, E):
        H, n = A.mH, A.value.shape[-1]
        by_E = apply(self, H, g)
        if not needs[0]:
            return None, by_E
        zero = g * 0
        twice = apply(self, blocks(H, E.mH, zero, H), blocks(g, zero, zero, g))
        return twice[..., :n, n:], by_E


frechet = functools.lru_cache(2)(Frechet)


def blocks(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the matrices (a b; c d)."""
    return cat((cat((a, b), -1), cat((c, d), -1)), -2)


def along(A: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Return the derivative of exp at A along E.   Al-Mohy and Higham (2009), SIAM J. Matrix Anal. Appl. 30, algorithm 6.4."""
    wide = np.result_type(A.dtype, np.float64)
    Y = np.empty(A.shape, A.dtype)
    finite: Any = np.isfinite(A).all((-1, -2)) & np.isfinite(E).all((-1, -2))
    for place in np.ndindex(A.shape[:-2]):
        # SciPy refuses the others
        found = np.nan
        if finite[place]:
            found = scipy.linalg.expm_frechet(A[place].astype(wide), E[place].astype(wide), compute_expm=False)
        Y[place] = found
    return Y


def exponential(A: np.ndarray) -> np.ndarray:
    """Return exp A, single precision computed in double: scaling and squaring loses digits by the norm."""
    if not A.size:
        return A.copy()
    wide = A.astype(np.result_type(A.dtype, np.float64), copy=False)
    if not many(wide):
        return scipy.linalg.expm(wide).astype(A.dtype, copy=False)
    Y, rest = exponentials(wide)
    if rest.any():
        Y[rest] = scipy.linalg.expm(wide[rest])
    return Y.astype(A.dtype, copy=False)


def logarithm(A: np.ndarray) -> np.ndarray:
    """Return log A of arrays of matrices, computed in double precision."""
    return principal("logm", A, repeatable_logm)


def repeatable_logm(A: np.ndarray) -> np.ndarray:
    """Return SciPy's logarithm, its estimates of norms, which draw from NumPy's global generator, the same each time."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        return scipy.linalg.logm(A)
    finally:
        np.random.set_state(state)


def root(A: np.ndarray) -> np.ndarray:
    """Return the principal square root of arrays of matrices, computed in double precision."""
    if A.size and is_hermitian(A):
        values, V = np.linalg.eigh(A)
        border = np.finfo(values.dtype).eps * A.shape[-1] * np.abs(values).max(-1, keepdims=True)
        if np.all(values >= -border):
            return np.matmul(V * np.sqrt(np.maximum(values, 0))[..., None, :], adjoint(V))
    return principal("sqrtm", A, scipy.linalg.sqrtm)


def principal(name: str, A: np.ndarray, function: Any) -> np.ndarray:
    """Apply a function of SciPy's to each matrix; LinAlgError where a real matrix has no real result, or none exists."""
    wide = np.result_type(A.dtype, np.float64)
    Y = np.empty(A.shape, A.dtype)
    for place in np.ndindex(A.shape[:-2]) if A.size else ():
        with warnings.catch_warnings():
            # of singular matrices, which are found out below
            warnings.simplefilter("ignore")
            found = function(A[place].astype(wide))
        where = place_of(int(np.ravel_multi_index(place, A.shape[:-2])) if place else 0, A.shape[:-2])
        if np.iscomplexobj(found) and A.dtype.kind != "c":
            raise LinAlgError(
                f"linalg.{name}: {where}expected a matrix without eigenvalues on the negative real axis, for which no "
                "real result exists; convert it to a complex dtype"
            )
        if not np.isfinite(found).all() or (name == "logm" and singular(A[place])):
            raise LinAlgError(f"linalg.{name}: {where}the matrix is singular, the {name} does not exist")
        Y[place] = found
    return Y


def singular(A: np.ndarray) -> bool:
    """Say whether elimination meets a pivot of zero."""
    return scipy.linalg.lapack.get_lapack_funcs("getrf", dtype=A.dtype)(A)[2] > 0


class SquareRoot(Op):
    """Y Y = A, the principal root;  Ā solves Yᴴ Ā + Ā Yᴴ = Ȳ: from Y dY + dY Y = dA.   Higham (2008), section 6.1."""

    grad_name = "LinalgSqrtmBackward0"
    keeps = "y"
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: a matrix function, by the eager kernel"
    host_only = "SciPy"

    def eager(self, xp, A):
        return root(A)

    def vjp(self, needs, g, y, A):
        return (apply(Sylvester(), y.mH, y.mH, g),)


class Logarithm(Op):
    """exp Y = A, the principal logarithm;  Ā = L(Aᴴ, Ȳ), the derivative of log at Aᴴ along Ȳ.   Higham (2008), chapter 11."""

    grad_name = "LinalgLogmBackward0"
    keeps = "0"
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: a matrix function, by the eager kernel"
    host_only = "SciPy"

    def eager(self, xp, A):
        return logarithm(A)

    def vjp(self, needs, g, y, A):
        return (apply(frechet("log"), A.mH, g),)


def sqrtm(A: Tensor) -> Tensor:
    """Return the principal square root Y of (…, n, n): Y Y = A, with eigenvalues in the right half plane.

    LinAlgError for a real matrix with negative eigenvalues (its root is complex: convert it first) and for a singular one that
    has no root. The derivative exists where A is regular.

    >>> import lineal as torch
    >>> torch.linalg.sqrtm(torch.tensor([[4.0, 0.0], [0.0, 9.0]]))
    tensor([[2., 0.],
            [0., 3.]])
    """
    require_square("linalg.sqrtm", A)
    return apply(SquareRoot(), A)


def logm(A: Tensor) -> Tensor:
    """Return the principal logarithm Y of (…, n, n): exp Y = A, with eigenvalues' imaginary parts in (-π, π).

    LinAlgError for a singular matrix, and for a real one with negative eigenvalues (convert it to a complex dtype first).

    >>> import lineal as torch
    >>> torch.linalg.logm(torch.eye(2))
    tensor([[0., 0.],
            [0., 0.]])
    """
    require_square("linalg.logm", A)
    return apply(Logarithm(), A)


@overload
def expm_frechet(A: Tensor, E: Tensor, compute_expm: Literal[True] = True) -> tuple[Tensor, Tensor]: ...
@overload
def expm_frechet(A: Tensor, E: Tensor, compute_expm: Literal[False]) -> Tensor: ...
def expm_frechet(A: Tensor, E: Tensor, compute_expm: bool = True) -> Any:
    """Return exp A and its derivative along E, lim (exp(A + tE) - exp A) / t; without `compute_expm` only the latter.

    A and E are (…, n, n) of one dtype; batches broadcast.

    >>> import lineal as torch
    >>> torch.linalg.expm_frechet(torch.zeros(1, 1), torch.ones(1, 1))[1]
    tensor([[1.]])
    """
    name = "linalg.expm_frechet"
    require_square(name, A)
    require_square(name, E, "E")
    require_one_dtype(name, A, E)
    if A.value.shape[-1] != E.value.shape[-1]:
        raise RuntimeError(f"{name}: expected A and E of one size, got {list(A.value.shape)} and {list(E.value.shape)}")
    batch = broadcast_shapes(name, A.value.shape, E.value.shape)
    A, E = expand(A, batch), expand(E, batch)
    derivative = apply(frechet("exp"), A, E)
    return (A.matrix_exp(), derivative) if compute_expm else derivative
