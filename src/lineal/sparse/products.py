"""Products with sparse matrices. Every entry takes a row of the other factor, scaled, to its own row."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.ops.front import require_tensor
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made, merged, turned
from lineal.tensors import Tensor

__all__ = ["addmm", "mm"]


@answers("mm", "smm", "spmm")
def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """Return the product of matrices (n × k) and (k × m) of which one is sparse; of two sparse ones it is sparse."""
    for each in (mat1, mat2):
        require_tensor("sparse.mm", each)
    if reduce is not None:
        raise NotImplementedError(f"sparse.mm: reduce={reduce!r} is for the layout torch.sparse_csr")
    if not (mat1.ndim == mat2.ndim == 2) or mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"sparse.mm: expected matrices (n × k) and (k × m), got {list(mat1.shape)} and {list(mat2.shape)}")
    if mat1.dtype != mat2.dtype:
        raise RuntimeError(f"sparse.mm: expected matrices of one dtype, got {mat1.dtype} and {mat2.dtype}")
    if any(isinstance(each, SparseTensor) and each.dense_dim() for each in (mat1, mat2)):
        raise RuntimeError("sparse.mm: expected matrices without dense dimensions")
    if not isinstance(mat1, SparseTensor):
        return mm(turned(mat2), mat1.t()).t() if isinstance(mat2, SparseTensor) else ops.mm(mat1, mat2)
    return of_two(mat1, mat2) if isinstance(mat2, SparseTensor) else of_dense(mat1, mat2)


def of_dense(x: SparseTensor, d: Tensor) -> Tensor:
    """Return the product with a strided matrix."""
    parts = x.entries.unsqueeze(1) * d.index_select(0, x.coordinates[1])
    return ops.zeros((x.shape[0], d.shape[1]), dtype=parts.dtype).index_add(0, x.coordinates[0], parts)


def of_two(x: SparseTensor, other: SparseTensor) -> SparseTensor:
    """Return the product of sparse matrices: every entry (n, k) meets those of row k, which stand together."""
    other = merged(other)
    ends = ops.cumsum(ops.bincount(other.coordinates[0], minlength=other.shape[0]), 0)
    row = x.coordinates[1]
    counts = ops.bincount(other.coordinates[0], minlength=other.shape[0]).index_select(0, row)
    left = ops.repeat_interleave(ops.arange(row.shape[0]), counts)
    # how far each meeting is from the first one of its entry
    first = ops.cumsum(counts, 0) - counts
    turn = ops.arange(left.shape[0]) - first.index_select(0, left)
    right = (ends.index_select(0, row) - counts).index_select(0, left) + turn
    coordinates = ops.stack([x.coordinates[0].index_select(0, left), other.coordinates[1].index_select(0, right)])
    entries = x.entries.index_select(0, left) * other.entries.index_select(0, right)
    return merged(made(coordinates, entries, (x.shape[0], other.shape[1])))


@answers("matmul")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the product of matrices, or of a matrix and a vector, of which one is sparse."""
    if input.ndim == 2 and other.ndim == 1:
        return mv(input, other)
    if input.ndim == 1 and other.ndim == 2 and isinstance(other, SparseTensor):
        return mv(turned(other), input)
    return mm(input, other)


@answers("__rmatmul__")
def matmul_from_right(input: Tensor, other: Tensor) -> Tensor:
    """Return the product `other @ input`."""
    return matmul(other, input)


@answers("mv")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a sparse matrix and a strided vector."""
    if isinstance(vec, SparseTensor) or vec.ndim != 1:
        raise RuntimeError(f"mv: expected a sparse matrix and a strided vector, got {list(input.shape)} and {list(vec.shape)}")
    return mm(input, vec.unsqueeze(1)).squeeze(1)


@answers("addmm", "sspaddmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta` times `input` plus `alpha` times the product of a sparse and a strided matrix."""
    return scaled("addmm", mm(mat1, mat2), input, beta, alpha)


def scaled(name: str, product: Tensor, input: Tensor, beta: Any, alpha: Any) -> Tensor:
    """Return `beta · input + alpha · product` in the product's shape; where beta is 0, no number of input is looked at."""
    wanted, given = product.shape, input.shape
    if len(given) > len(wanted) or any(size not in (1, full) for size, full in zip(reversed(given), reversed(wanted))):
        raise RuntimeError(f"{name}: expected an input that expands to the product's shape {tuple(wanted)}, got {tuple(given)}")
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


@answers("linear")
def linear(input: Tensor, weight: Any, bias: Tensor | None = None) -> Tensor:
    """Return the product with the transpose of a sparse matrix of weights, or of a sparse input, plus the bias."""
    if isinstance(input, SparseTensor):
        y = mm(input, turned(weight) if isinstance(weight, SparseTensor) else weight.t())
    else:
        y = mm(input.reshape(-1, input.shape[-1]), turned(weight)).reshape(*input.shape[:-1], weight.shape[0])
    return y if bias is None else y + bias


@answers("bmm")
def bmm(input: SparseTensor, mat2: Tensor) -> Tensor:
    """Return the products of a sparse batch of matrices (b × n × k) with a strided one (b × k × m)."""
    if isinstance(mat2, SparseTensor) or not (input.ndim == mat2.ndim == 3) or input.shape[::2] != mat2.shape[:2]:
        raise RuntimeError(
            f"bmm: expected a sparse (b × n × k) and a strided (b × k × m), got {list(input.shape)}, {list(mat2.shape)}"
        )
    batch, row, column = input.coordinates
    b, n, k = input.shape
    wide = ops.stack([batch * n + row, batch * k + column])
    made_wide = made(wide, input.entries, (b * n, b * k))
    return of_dense(made_wide, mat2.reshape(b * k, -1)).reshape(b, n, mat2.shape[2])
