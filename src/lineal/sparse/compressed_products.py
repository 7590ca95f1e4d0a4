"""Products of compressed matrices: with strided ones by native code, with sparse ones by SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes, later
from lineal.core import apply
from lineal.sparse.answering import COMPRESSED, answers
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, numbers, require_matrix, transpose
from lineal.sparse.conversion import compressed_from, coordinates_in, lines_of, to_sparse_csr
from lineal.sparse.coordinates import merged
from lineal.sparse.exchange import to_scipy
from lineal.sparse.patterned import Patterned
from lineal.sparse.products import of_two, scaled
from lineal.sparse.rowproducts import Product, SampledProduct, VectorProduct
from lineal.tensors import Tensor, from_numpy, sparse_csr

__all__ = ["sampled_addmm"]

matrices: Any = later.module("lineal.codegen.sparse.matrices")

PLAIN = (dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128, dtypes.int32, dtypes.int64)
"""The dtypes of matrices that are multiplied by code, and not by ops."""
REDUCTIONS = ("sum", "mean", "amax", "amin", "max", "min")


def unblocked(x: CompressedTensor) -> CompressedTensor:
    """Return a matrix of blocks as one of numbers, compressed by the same lines."""
    if not x.has_blocks:
        return x
    if not x.by_rows:
        return transpose(unblocked(transpose(x)))
    key = ("numbers", x.blocksize)
    if key not in x.pattern.known:
        numbered = ops.arange(x.entries.numel()).reshape(x.entries.shape)
        ordered = compressed_from(merged(coordinates_in(x.with_entries(numbered))), sparse_csr, (1, 1))
        x.pattern.known[key] = ordered.pattern, ordered.entries
    pattern, order = x.pattern.known[key]
    return compressed(sparse_csr, pattern, x.entries.reshape(-1).index_select(0, order), x.shape)


def times(x: CompressedTensor, d: Tensor) -> Tensor:
    """Return the product with a strided matrix or vector."""
    x = unblocked(x)
    if x.dtype is dtypes.bool_:
        raise NotImplementedError("sparse.mm: \"addmm_sparse_compressed\" not implemented for 'Bool'")
    kind = VectorProduct if d.ndim == 1 else Product
    return apply(kind(x.pattern, x.along, not x.by_rows), x.entries, d)


def check(name: str, mat1: Tensor, mat2: Tensor) -> None:
    """Refuse what are not two matrices, or a matrix and a vector, of one dtype that fit."""
    for each in (mat1, mat2):
        if isinstance(each, Patterned):
            require_matrix(name, each)
    if mat1.ndim != 2 or mat1.shape[1] != mat2.shape[0]:
        shapes = "x".join(map(str, mat1.shape)), "x".join(map(str, mat2.shape))
        raise RuntimeError(f"{name}: mat1 and mat2 shapes cannot be multiplied ({shapes[0]} and {shapes[1]})")
    if mat1.dtype != mat2.dtype:
        raise RuntimeError(f"{name}: expected matrices of one dtype, got {mat1.dtype} and {mat2.dtype}")


@answers("mm", "smm", "spmm", of=(COMPRESSED,))
def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None) -> Tensor:
    """Return the product of matrices (n × k) and (k × m) of which one is sparse; of two sparse ones it is sparse.

    `reduce` takes the "mean", "amax" or "amin" of the products that an element is made of, instead of their sum.
    """
    if mat2.ndim != 2:
        raise RuntimeError(f"sparse.mm: expected matrices, got shapes {list(mat1.shape)} and {list(mat2.shape)}")
    check("sparse.mm", mat1, mat2)
    if reduce not in (None, "sum"):
        return reduced(mat1, mat2, reduce)
    if isinstance(mat1, Patterned) and isinstance(mat2, Patterned):
        return of_sparse(mat1, mat2)
    if isinstance(mat1, CompressedTensor):
        return times(mat1, mat2)
    return times(transpose(mat2), mat1.t()).t()  # type: ignore[arg-type]


def reduced(mat1: Tensor, mat2: Tensor, reduce: str) -> Tensor:
    """Return the mean or the extreme of the products that each element is made of; zero where there are none."""
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"sparse.mm: reduce argument must be one of {', '.join(REDUCTIONS)}, got {reduce}")
    if not isinstance(mat1, CompressedTensor) or mat1.layout is not sparse_csr or isinstance(mat2, Patterned):
        raise RuntimeError(f"sparse.mm: reduce={reduce!r} expects a matrix of the layout torch.sparse_csr and a strided one")
    parts = mat1.entries.unsqueeze(1) * mat2.index_select(0, mat1.pattern.indices)
    room = ops.zeros((mat1.shape[0], mat2.shape[1]), dtype=parts.dtype)
    name = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    return room.scatter_reduce(0, lines_of(mat1.pattern).unsqueeze(1).expand(parts.shape), parts, name, include_self=False)


def of_sparse(mat1: Patterned, mat2: Patterned) -> CompressedTensor:
    """Return the product of sparse matrices, compressed by rows: by native code where there is no history to be kept.

    SciPy multiplies complex ones, and those with long rows; it leaves out entries whose terms cancel.
    """
    first, second = (to_sparse_csr(unblocked(each) if isinstance(each, CompressedTensor) else each) for each in (mat1, mat2))
    if first.dtype not in PLAIN or first.requires_grad or second.requires_grad:
        return compressed_from(of_two(coordinates_in(first), coordinates_in(second)), sparse_csr, (1, 1))
    values, pointers, indices = map(from_numpy, multiplied(first, second))
    shape = first.shape[0], second.shape[1]
    return compressed(sparse_csr, Pattern(pointers, indices, {"canonical": True}), values, shape)


def multiplied(first: CompressedTensor, second: CompressedTensor) -> tuple[np.ndarray, ...]:
    """Return values, pointers and indices of the product of matrices compressed by rows, the latter as those of the first."""
    kind = numbers(first.pattern.pointers).dtype
    parts = [
        tuple(np.ascontiguousarray(each) for each in (x.entries.value, *(numbers(n).astype(kind) for n in x.pattern[:2])))
        for x in (first, second)
    ]
    found = None if first.dtype.is_complex else matrices.matrix_product(*parts, second.shape[1])
    if found is not None:
        return found
    y = to_scipy(first.detach()) @ to_scipy(second.detach())
    y.sort_indices()
    return y.data, y.indptr.astype(kind), y.indices.astype(kind)


@answers("mv", of=(COMPRESSED,))
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a sparse matrix and a strided vector."""
    if isinstance(vec, Patterned) or vec.ndim != 1 or not isinstance(input, CompressedTensor):
        raise RuntimeError(f"mv: expected a sparse matrix and a strided vector, got {list(input.shape)} and {list(vec.shape)}")
    check("mv", input, vec)
    return times(input, vec)


@answers("matmul", of=(COMPRESSED,))
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the product of matrices, or of a matrix and a vector, of which one is sparse."""
    if other.ndim == 1:
        return mv(input, other)
    if input.ndim == 1 and isinstance(other, CompressedTensor):
        return mv(transpose(other), input)
    return mm(input, other)


@answers("__rmatmul__", of=(COMPRESSED,))
def matmul_from_right(input: Tensor, other: Tensor) -> Tensor:
    """Return the product `other @ input`."""
    return matmul(other, input)


@answers("addmm", "sspaddmm", of=(COMPRESSED,))
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta` times `input` plus `alpha` times the product of matrices of which one is sparse."""
    return scaled("addmm", mm(mat1, mat2), input, beta, alpha)


@answers("addmv", of=(COMPRESSED,))
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return `beta` times `input` plus `alpha` times the product of a sparse matrix and a vector."""
    return scaled("addmv", mv(mat, vec), input, beta, alpha)


@answers("linear", of=(COMPRESSED,))
def linear(input: Tensor, weight: Any, bias: Tensor | None = None) -> Tensor:
    """Return the product with the transpose of a sparse matrix of weights, or of a sparse input, plus the bias."""
    if isinstance(input, Patterned):
        y = mm(input, transpose(weight) if isinstance(weight, CompressedTensor) else weight.t())
    else:
        y = mm(input.reshape(-1, input.shape[-1]), transpose(weight)).reshape(*input.shape[:-1], weight.shape[0])
    return y if bias is None else y + bias


@answers("bmm", of=(COMPRESSED,))
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of a compressed batch of matrices (b × n × k) with a strided one (b × k × m)."""
    fits = isinstance(input, CompressedTensor) and not isinstance(mat2, Patterned) and input.batch == 1
    if not fits or not (input.ndim == mat2.ndim == 3) or input.shape[::2] != mat2.shape[:2]:
        raise RuntimeError(
            f"bmm: expected a compressed (b × n × k) and a strided (b × k × m), got {list(input.shape)}, {list(mat2.shape)}"
        )
    if not input.shape[0]:
        return mat2.new_zeros(0, input.shape[1], mat2.shape[2])
    return ops.stack([mm(input[n], mat2[n]) for n in range(input.shape[0])])


@answers("sampled_addmm", of=(COMPRESSED,))
def sampled_addmm(input: Any, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> CompressedTensor:
    """Return `beta` times a sparse matrix (n × m) plus `alpha` times the product (n × k)(k × m) at its entries.

    RuntimeError if the matrix is not compressed, or if shapes or dtypes differ.
    """
    if not isinstance(input, CompressedTensor) or input.has_blocks:
        raise RuntimeError(f"sampled_addmm: Expected self to have layout torch.sparse_csr, got {input.layout}")
    require_matrix("sampled_addmm", input)
    check("sampled_addmm", mat1, mat2)
    if (mat1.shape[0], mat2.shape[1]) != tuple(input.shape) or input.dtype != mat1.dtype:
        raise RuntimeError(
            f"sampled_addmm: self {list(input.shape)} of {input.dtype} does not match the product of {list(mat1.shape)} and "
            f"{list(mat2.shape)} of {mat1.dtype}"
        )
    lines, others = (mat1, mat2.t()) if input.by_rows else (mat2.t(), mat1)
    y = apply(SampledProduct(input.pattern, input.along), lines, others)
    return input.with_entries(scaled("sampled_addmm", y, input.entries, beta, alpha))
