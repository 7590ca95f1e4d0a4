"""What all of linear algebra asks of its inputs, and the names of its results."""

# ruff: noqa: N801 - the classes of results carry PyTorch's names

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from lineal.base.errors import LinAlgError
from lineal.base.platforms import HOST, moved
from lineal.base.results import Result
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, modes, module_of
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import dtype_of
from lineal.ops.elementwise.comparison import isfinite
from lineal.ops.front import store
from lineal.ops.premise import rely

__all__: list[str] = []

Y = TypeVar("Y")


class linalg_cholesky_ex(Result):
    """The factor and, per matrix, 0 or the order of the leading minor that is not positive."""

    L: Tensor
    info: Tensor


class linalg_inv_ex(Result):
    """The inverse and, per matrix, 0 or the place of the pivot that is zero."""

    inverse: Tensor
    info: Tensor


class linalg_solve_ex(Result):
    """The solution and, per matrix, 0 or the place of the pivot that is zero."""

    result: Tensor
    info: Tensor


class linalg_slogdet(Result):
    """The determinant's sign (or phase) and the logarithm of its absolute value."""

    sign: Tensor
    logabsdet: Tensor


class linalg_lu(Result):
    """The permutation, the unit lower and the upper triangular factor."""

    P: Tensor
    L: Tensor
    U: Tensor


class linalg_lu_factor(Result):
    """Both factors in one matrix, and the rows that were exchanged, counted from 1."""

    LU: Tensor
    pivots: Tensor


class linalg_lu_factor_ex(Result):
    """Both factors in one matrix, the exchanged rows, and 0 or the place of the pivot that is zero."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class linalg_qr(Result):
    """The factor with orthonormal columns and the upper triangular one."""

    Q: Tensor
    R: Tensor


class linalg_eigh(Result):
    """The eigenvalues in ascending order and the eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class linalg_eig(Result):
    """The eigenvalues and the eigenvectors as columns, both complex."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class linalg_svd(Result):
    """The left singular vectors, the singular values in descending order, the right vectors conjugated as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class svd(Result):
    """The left singular vectors, the singular values in descending order, the right singular vectors as columns."""

    U: Tensor
    S: Tensor
    V: Tensor


class geqrf(Result):
    """R above the reflectors, and the reflectors' factors."""

    a: Tensor
    tau: Tensor


class triangular_solve(Result):
    """The solution and the triangular matrix."""

    solution: Tensor
    cloned_coefficient: Tensor


class linalg_lstsq(Result):
    """The least-squares solution, the squared residuals, the ranks and the singular values (empty where not computed)."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def require_matrix(name: str, A: Any, label: str = "A", field: bool = True) -> None:
    """Refuse what is no batch of matrices; if `field`, of a dtype that linear algebra computes in."""
    if not isinstance(A, AbstractTensor):
        raise TypeError(f"{name}: expected a tensor, got {type(A).__name__}")
    if A.value.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {label} must have at least 2 dimensions, got shape {list(A.value.shape)}")
    if field:
        require_field(name, A)


def require_field(name: str, A: AbstractTensor) -> None:
    """Refuse dtypes that linear algebra does not compute in."""
    found = dtype_of(A)
    if A.value.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input, got {found}")
    if found.computes_in is not found:
        raise NotImplementedError(f"{name}: not implemented for {found}; compute in float32")


def require_vector(name: str, b: Tensor, label: str) -> None:
    """Refuse a single number where vectors or matrices are wanted."""
    if not b.value.ndim:
        raise RuntimeError(f"{name}: expected {label} to have at least 1 dimension, got a 0-dim tensor")


def require_square(name: str, A: Any, label: str = "A") -> None:
    """Refuse what is no batch of square matrices of a floating or complex dtype."""
    require_matrix(name, A, label)
    m, n = A.value.shape[-2:]
    if m != n:
        raise RuntimeError(f"{name}: {label} must be batches of square matrices, but they are {m} by {n} matrices")


def require_one_dtype(name: str, A: AbstractTensor, B: AbstractTensor) -> None:
    """Refuse two matrices of different dtypes."""
    if A.value.dtype != B.value.dtype:
        raise RuntimeError(f"{name}: Expected both inputs of one dtype, got {dtype_of(A)} and {dtype_of(B)}")


def broadcast_batches(name: str, A: Any, B: Any) -> tuple[Any, Any]:
    """Expand two batches of matrices to one batch shape."""
    if A.value.shape[:-2] == B.value.shape[:-2]:
        return A, B
    batch = broadcast_shapes(name, A.value.shape[:-2], B.value.shape[:-2])
    return expand(A, (*batch, *A.value.shape[-2:])), expand(B, (*batch, *B.value.shape[-2:]))


def place_of(flat: int, batch: tuple[int, ...]) -> str:
    """Return which entry of the batch a message is about, nothing for a single matrix."""
    if not batch:
        return ""
    place = tuple(int(each) for each in np.unravel_index(flat, batch))
    return f"(Batch element {place[0] if len(place) == 1 else place}): "


def refuse_singular(name: str, info: np.ndarray, done: str) -> None:
    """Raise LinAlgError for the first matrix whose LU factorisation met a pivot of zero."""
    if info.any():
        flat = info.ravel()
        bad = np.flatnonzero(flat)
        where = place_of(int(bad[0]), info.shape)
        raise LinAlgError(
            f"{name}: {where}The diagonal element {int(flat[bad[0]])} is zero, the {done} could not be completed "
            "because the input matrix is singular."
        )


NOT_FINITE = "expected finite entries, got a matrix with NaN or infinity"


def require_finite(name: str, A: Tensor, text: str = NOT_FINITE, error: type[Exception] = LinAlgError) -> None:
    """Raise an error for the first matrix with NaN or infinite elements; a recorder hears that there is none."""
    xp = module_of(A)
    finite = xp.isfinite(A.value)
    # NumPy's `all` takes as long as the decomposition of a small matrix
    if xp.count_nonzero(finite) != finite.size:
        bad = xp.flatnonzero(~finite.all((-2, -1)).ravel())
        raise error(f"{name}: {place_of(int(bad[0]), A.value.shape[:-2])}{text}")
    rely(lambda: isfinite(A))


def read_numbers(x: Tensor) -> np.ndarray:
    """Return the host's array of a tensor whose numbers decide what is computed next; a recorder hears of it and may refuse."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.concretize(x, np.ndarray)
    return moved(x.value, HOST)


def adjoint(x: np.ndarray) -> np.ndarray:
    """Return the conjugate transposes of arrays of matrices."""
    y = np.swapaxes(x, -1, -2)
    return y.conj() if y.dtype.kind == "c" else y


def real_dtype(x: np.ndarray) -> np.dtype:
    """Return the dtype of the absolute values."""
    return np.real(np.empty(0, x.dtype)).dtype


def stored(y: Y, out: Any, name: str) -> Y:
    """Put a result, or each part of it, into `out` if that is given."""
    if out is None:
        return y
    if isinstance(y, Result):
        if len(out) != len(y):
            raise TypeError(f"{name}: expected out to be {len(y)} tensors, got {len(out)}")
        return type(y)(tuple(store(part, each, name) for part, each in zip(y, out)))
    return store(y, out, name)
