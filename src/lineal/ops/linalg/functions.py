"""Norms, condition numbers, exponentials and tensors as matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Dims, DType, Tensor
from lineal.base.spec import axis
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.ops.conversion import cast, dtype_of, number_beside
from lineal.ops.linalg.inverses import inv, inv_ex
from lineal.ops.linalg.matrices import real_dtype, require_matrix, require_square, stored
from lineal.ops.linalg.matrix_functions import exponential, frechet
from lineal.ops.linalg.solving import solve
from lineal.ops.linalg.svd import svdvals
from lineal.ops.reductions.norms import vector_norm
from lineal.ops.structural.joining import cat

__all__ = ["cond", "diagonal", "matrix_exp", "matrix_norm", "norm", "tensorinv", "tensorsolve", "vander"]

ORDERS = (1, -1, 2, -2, math.inf, -math.inf, "fro", "nuc")


@public
def matrix_norm(
    input: Tensor,
    ord: Any = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return a norm of the matrices in the two dimensions `dim`.

    `ord`: "fro", "nuc" (the sum of singular values), 2 and -2 (largest, smallest singular value), 1 and -1 (largest, smallest
    sum of a column), inf and -inf (of a row).
    """
    name = "linalg.matrix_norm"
    # what are only sums needs no more than floating numbers
    halves = isinstance(input, AbstractTensor) and dtype_of(input).computes_in is not dtype_of(input)
    require_matrix(name, input, field=not halves or ord in ("nuc", 2, -2))
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple, got {dim}")
    rows, columns = (axis(name, each, input.value.ndim) for each in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different, got {tuple(dim)}")
    if ord not in ORDERS:
        raise RuntimeError(f"{name}: Order {ord} not supported")
    x: Any = input if dtype is None else cast(input, dtypes.as_dtype(dtype))
    if ord == "fro":
        y = vector_norm(x, 2, (rows, columns), keepdim)
    elif ord in ("nuc", 2, -2):
        # the singular values are those of the transpose too
        last = {rows, columns} == {x.value.ndim - 2, x.value.ndim - 1}
        S = svdvals(x if last else x.movedim((rows, columns), (-2, -1)))
        y = S.sum(-1) if ord == "nuc" else extreme(name, ord, S, -1, False)
        if keepdim:
            for place in sorted((rows, columns)):
                y = y.unsqueeze(place)
    else:
        along, across = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = x.abs().sum(along, keepdim=True)
        y = extreme(name, ord, sums, across, True)
        if not keepdim:
            y = y.squeeze((rows, columns))
    return stored(y, out, name)


def extreme(name: str, ord: float, sizes: Any, place: int, keepdim: bool) -> Any:
    """Return the largest of sizes, which are not negative, or the smallest if `ord` is negative; the largest of none is 0."""
    if ord > 0:
        return sizes.amax(place, keepdim=keepdim) if sizes.value.shape[place] else sizes.sum(place, keepdim=keepdim)
    if not sizes.value.shape[place]:
        raise IndexError(f"{name}: expected matrices with elements for the norm of order {ord}, which is a smallest size")
    return sizes.amin(place, keepdim=keepdim)


@public
def norm(
    input: Tensor,
    ord: Any = None,
    dim: Dims | None = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Return a vector or matrix norm: of the matrices in two dimensions `dim`, of vectors in one, of all elements if none.

    Without `dim`, an `ord` is that of a vector for one dimension and of a matrix for two.
    """
    if dim is not None and not isinstance(dim, int):
        dim = tuple(dim)
    if ord is None or isinstance(dim, int) or (dim is not None and len(dim) == 1):
        if isinstance(ord, str):
            raise RuntimeError(f"linalg.norm: Order {ord} not supported for vectors; it needs two dimensions")
        return stored(vector_norm(input, 2 if ord is None else ord, dim, keepdim, dtype=dtype), out, "linalg.norm")
    if dim is None:
        if input.value.ndim == 1 and not isinstance(ord, str):
            return stored(vector_norm(input, ord, None, keepdim, dtype=dtype), out, "linalg.norm")
        if input.value.ndim != 2:
            raise RuntimeError(
                "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
                f"Got {input.value.ndim}D of shape {list(input.value.shape)}"
            )
        dim = (-2, -1)
    return matrix_norm(input, ord, dim, keepdim, dtype=dtype, out=out)


@public
def cond(input: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return the condition number in the norm `p` (default 2: σ_max / σ_min); infinite for singular matrices."""
    name = "linalg.cond"
    require_matrix(name, input)
    if p is not None and p not in ORDERS:
        raise RuntimeError(f"{name}: Order {p} not supported")
    if isinstance(p, str):
        require_square(name, input)
    if input.value.size == 0:
        return stored(lift(module_of(input).zeros(input.value.shape[:-2], real_dtype(input.value))), out, name)
    if p is None or p in (2, -2):
        S = svdvals(input)
        y = S[..., -1] / S[..., 0] if p == -2 else S[..., 0] / S[..., -1]
        return stored(y, out, name)
    require_square(name, input)
    # which says nothing of the condition that is asked for here
    inverse, info = inv_ex(input)
    size = matrix_norm(inverse.masked_fill((info != 0)[..., None, None], 0), p)
    return stored((matrix_norm(input, p) * size).masked_fill(info != 0, math.inf), out, name)


class Exponential(Op):
    """Y = exp A;  Ā = L(Aᴴ, Ȳ), the derivative of exp at Aᴴ along Ȳ.   Higham (2008), Functions of Matrices, section 10.2."""

    key = "MatrixExponential"
    grad_name = "LinalgMatrixExpBackward0"
    keeps = "0"
    no_lowering = "host step: a matrix function, by the eager kernel"
    host_only = "SciPy"

    def eager(self, xp, A):
        return exponential(A)

    def vjp(self, needs, g, y, A):
        return (apply(frechet("exp"), A.mH, g),)


def matrix_exp(input: Tensor) -> Tensor:
    """Return Σ Aᵏ/k! of (…, n, n)."""
    require_square("linalg.matrix_exp", input)
    return apply(Exponential(), input)


@public
def tensorsolve(input: Tensor, other: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """Return X with tensordot(input, X, X.ndim) = other; `dims` of input are moved to its end first."""
    name = "linalg.tensorsolve"
    matrix: Any = input
    right: Any = other
    if dims is not None:
        matrix = matrix.movedim(tuple(dims), tuple(range(input.value.ndim - len(dims), input.value.ndim)))
    shape = matrix.value.shape[right.value.ndim :]
    if math.prod(matrix.value.shape[: right.value.ndim]) != math.prod(shape):
        raise RuntimeError(
            f"{name}: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"got shapes {list(matrix.value.shape)} and {list(right.value.shape)}"
        )
    n = math.prod(shape)
    X = solve(matrix.reshape(n, n), right.reshape(n))
    return stored(X.reshape(shape), out, name)


@public
def tensorinv(input: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """Return the tensor Y with tensordot(Y, A, ind) the identity; the first `ind` dimensions count as rows."""
    name = "linalg.tensorinv"
    if ind <= 0:
        raise RuntimeError(f"{name}: Expected a strictly positive integer for 'ind', got {ind}")
    shape = input.value.shape
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(
            f"{name}: Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
            f"got {columns} and {rows}"
        )
    matrix: Any = input
    return stored(inv(matrix.reshape(rows, rows)).reshape(*shape[ind:], *shape[:ind]), out, name)


@public
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the Vandermonde matrix (…, n, N) with columns 1, x, x², …; N is n unless given."""
    vector: Any = x
    if vector.value.ndim == 0 and N is None:
        raise RuntimeError("linalg.vander: expected N for a tensor of no dimensions")
    count = vector.value.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {count}")
    if vector.value.dtype.kind == "b":
        vector = cast(vector, dtypes.int64)
    if vector.value.ndim == 0:
        vector = vector.reshape(1)
    one = number_beside(vector, 1).expand(*vector.value.shape, 1)
    rest = vector[..., None].expand(*vector.value.shape, count - 1)
    return cat((one, rest), -1).cumprod(-1)


@public
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return the view of the diagonals of (…, m, n)."""
    matrix: Any = A
    return matrix.diagonal(offset, dim1, dim2)
